/** A stylesheet as text; esbuild reads it in. */
declare module "*.css" {
  const text: string;
  export default text;
}
