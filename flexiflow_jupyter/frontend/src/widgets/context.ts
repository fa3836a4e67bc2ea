export default {initialize(){}, render(){}}
