"""Configs, good and broken, on which the loader and ``explain`` must agree."""

from __future__ import annotations

import textwrap

__all__ = ["CORPUS", "MODULES"]

MODULES = {
    "corpus_states.py": """
        from flexiflow.state_machine import State
        from flexiflow.statepack import StateSpec, TransitionSpec

        class Idle(State):
            '''Waits for work.'''

            async def handle_message(self, message, component):
                if message.get("type") == "go":
                    return True, Busy()
                return False, self

        class Busy(State):
            async def handle_message(self, message, component):
                match message.get("type"):
                    case "done":
                        return True, Idle()
                return False, self

        class Plain:
            pass

        Alias = Idle
        number = 7

        class Pack:
            name = "work"

            def provides(self):
                return {
                    "WorkIdle": StateSpec(Idle, "waits"),
                    "WorkBusy": StateSpec(Busy),
                }

            def transitions(self):
                return [TransitionSpec("WorkIdle", "go", "WorkBusy", guard="ready")]

            def depends_on(self):
                return {"ErrorHandling"}

        class Computed(Pack):
            @property
            def name(self):
                return "computed"

            def provides(self):
                return {f"C{i}": StateSpec(Idle) for i in range(2)}

        class Twice(Pack):
            name = "twice"

        class Shadow(Pack):
            name = "shadow"

            def provides(self):
                return {"InitialState": StateSpec(Idle)}

            def depends_on(self):
                return {"Nowhere"}

        class Needy(Pack):
            def __init__(self, more):
                self.more = more

        class NotStates(Pack):
            def provides(self):
                return {"X": StateSpec(Plain)}

        class Broken(Pack):
            def provides(self):
                raise RuntimeError("no")

        class Lies(Pack):
            def provides(self):
                return ["Idle"]

        pack = Pack()
        """,
    "corpus_functions.py": """
        import corpus_states
        from flexiflow.statechart import guard

        def note(context, message):
            return {"noted": message["type"]}

        async def slow(component):
            pass

        async def asks(message):
            return True

        def odd(message, colour):
            pass

        @guard
        def is_open(context):
            return True

        LIMIT = 3
        """,
    "corpus_raises.py": "raise RuntimeError('at import')",
    "corpus_syntax.py": "def broken(:",
    "corpus_lacks.py": "from flexiflow.state_machine import Sate\nX = 1",
    "corpus_needs.py": "import corpus_absent_dependency\nX = 1",
    "corpus_tricky.py": """
        from corpus_states import *
        for _name in ("Made",):
            globals()[_name] = type(_name, (Idle,), {})
        """,
    "corpus_package/__init__.py": "from .inner import Deep",
    "corpus_package/inner.py": """
        import flexiflow.state_machine as machines

        class Deep(machines.State):
            pass
        """,
}
"""Modules that the configs name, by file."""

GOOD = {
    "only a name": "name: a",
    "initial builtin": "name: a\ninitial_state: ErrorHandling\nrules: []",
    "empty states": "name: a\nstates: {}\npacks:\n",
    "rules": "name: a\nrules: [{x: 1}, {y: [1, 2]}]\ndescription: Words",
    "classes": """
        name: a
        states: {Ready: 'corpus_states:Idle', Busy: 'corpus_states:Busy'}
        initial_state: Ready
        """,
    "class of a package": "name: a\ninitial_state: corpus_package.inner:Deep",
    "re-exported class": """
        name: a
        states: {D: 'corpus_package:Deep'}
        initial_state: D
        """,
    "class by another name": "name: a\ninitial_state: corpus_states:Alias",
    "class made at run time": "name: a\ninitial_state: corpus_tricky:Made",
    "class through a star": "name: a\ninitial_state: corpus_tricky:Idle",
    "name of a builtin": """
        name: a
        states: {InitialState: 'corpus_states:Idle'}
        initial_state_resolution: [builtin, packs]
        """,
    "pack": "name: a\npacks: ['corpus_states:Pack']\ninitial_state: WorkIdle",
    "pack instance": "name: a\npacks: ['corpus_states:pack']",
    "computed pack": "name: a\npacks: ['corpus_states:Computed']\ninitial_state: C1",
    "empty packs": "name: a\npacks: []",
    "useless keys": "name: a\ncontext: {x: 1}\nuse: corpus_functions",
    "chart": "name: a\nstates:\n  x: {on: {go: y}}\n  y:\n",
    "chart with a builtin's name": """
        name: a
        initial_state: InitialState
        states: {InitialState: {on: {go: Other}}, Other: {final: true}}
        """,
    "functions in use": """
        name: a
        use: corpus_functions
        context: {noted: null}
        states:
          x: {on: {go: {to: y, if: is_open, do: [note, slow]}}}
          y: {entry: {call: odd, with: {colour: red}}}
        """,
    "dotted functions": """
        name: a
        states: {x: {on: {go: {do: 'corpus_functions:note'}}}}
        """,
    "classes in a chart": """
        name: a
        initial_state: 'corpus_states:Idle'
        states:
          Idle: 'corpus_states:Idle'
          Busy: {on: {back: Idle}, states: {Deep: 'corpus_package:Deep', x: }}
        """,
    "resolution in a chart": """
        name: a
        initial_state_resolution: [builtin, packs]
        states: {x: }
        """,
    "unreachable": "name: a\nstates: {x: , y: , z: {on: {go: x}}}",
}
"""What must load."""

BAD = {
    "nothing": "",
    "list": "- a",
    "text": "just words",
    "no name": "rules: []",
    "empty name": "name: ''",
    "number as name": "name: 12",
    "list as name": "name: [a]",
    "list as description": "name: a\ndescription: [b]",
    "typo in a key": "name: a\ninital_state: InitialState",
    "open bracket": "name: [a",
    "tab": "name: a\nstates:\n\tx:",
    "duplicate key": "name: a\nname: b",
    "two documents": "name: a\n---\nname: b",
    "tag": "name: !!python/object:os.system a",
    "rules as text": "name: a\nrules: words",
    "rule as text": "name: a\nrules: [words]",
    "states as list": "name: a\nstates: ['corpus_states:Idle']",
    "states as text": "name: a\nstates: corpus_states",
    "state as number": "name: a\nstates: {x: 5}",
    "number as state": "name: a\nstates: {5: 'corpus_states:Idle'}",
    "dot for colon": "name: a\nstates: {x: corpus_states.Idle}",
    "two colons": "name: a\nstates: {x: 'corpus_states:Idle:x'}",
    "missing module": "name: a\nstates: {x: 'corpus_nowhere:Idle'}",
    "missing submodule": "name: a\nstates: {x: 'corpus_package.nowhere:Idle'}",
    "missing class": "name: a\nstates: {x: 'corpus_states:Idl'}",
    "no State": "name: a\nstates: {x: 'corpus_states:Plain'}",
    "value, no class": "name: a\nstates: {x: 'corpus_states:number'}",
    "function, no class": "name: a\nstates: {x: 'corpus_functions:note'}",
    "module raises": "name: a\nstates: {x: 'corpus_raises:X'}",
    "module is no Python": "name: a\nstates: {x: 'corpus_syntax:X'}",
    "module lacks a name": "name: a\nstates: {x: 'corpus_lacks:X'}",
    "module lacks another": "name: a\nstates: {x: 'corpus_needs:X'}",
    "unknown initial": "name: a\ninitial_state: Initial",
    "initial as number": "name: a\ninitial_state: 5",
    "initial missing module": "name: a\ninitial_state: 'corpus_nowhere:X'",
    "initial no State": "name: a\ninitial_state: 'corpus_states:Plain'",
    "initial of a pack not there": """
        name: a
        packs: ['corpus_states:Pack']
        initial_state: WorkIdel
        """,
    "packs as text": "name: a\npacks: corpus_states:Pack",
    "pack as number": "name: a\npacks: [5]",
    "pack without colon": "name: a\npacks: [corpus_states.Pack]",
    "pack in no module": "name: a\npacks: ['corpus_nowhere:Pack']",
    "pack not there": "name: a\npacks: ['corpus_states:Pakc']",
    "no pack": "name: a\npacks: ['corpus_states:Plain']",
    "pack needs arguments": "name: a\npacks: ['corpus_states:Needy']",
    "pack twice": "name: a\npacks: ['corpus_states:Pack', 'corpus_states:Twice']",
    "pack shadows a builtin": "name: a\npacks: ['corpus_states:Shadow']",
    "pack of no states": "name: a\npacks: ['corpus_states:NotStates']",
    "pack raises": "name: a\npacks: ['corpus_states:Broken']",
    "pack lies": "name: a\npacks: ['corpus_states:Lies']",
    "states and packs": """
        name: a
        states: {Idle: 'corpus_states:Idle'}
        packs: ['corpus_states:Pack']
        """,
    "resolution as text": "name: a\ninitial_state_resolution: packs",
    "resolution too short": "name: a\ninitial_state_resolution: [packs]",
    "resolution unknown": "name: a\ninitial_state_resolution: [packs, user]",
    "resolution twice": "name: a\ninitial_state_resolution: [packs, packs]",
    "resolution of mappings": "name: a\ninitial_state_resolution: [{a: 1}, []]",
    "chart: missing class": "name: a\nstates: {x: 'corpus_states:Nope', y: }",
    "chart: no State": "name: a\nstates: {x: 'corpus_states:Plain', y: }",
    "chart: dot for colon": "name: a\nstates: {x: corpus_states.Idle, y: }",
    "chart: initial of no state": """
        name: a
        initial_state: 'corpus_states:Busy'
        states: {x: 'corpus_states:Idle', y: }
        """,
    "chart: unknown target": "name: a\nstates: {x: {on: {go: z}}, y: }",
    "chart: typo in a state": "name: a\nstates: {x: {onn: {go: x}}}",
    "chart: unknown initial": "name: a\ninitial_state: q\nstates: {x: {on: {go: x}}}",
    "chart: packs too": "name: a\npacks: ['corpus_states:Pack']\nstates: {x: }",
    "chart: rules as text": "name: a\nrules: words\nstates: {x: }",
    "chart: missing function": "name: a\nstates: {x: {entry: fly}}",
    "chart: near miss of a function": """
        name: a
        use: corpus_functions
        states: {x: {entry: nota}}
        """,
    "chart: missing module": "name: a\nuse: corpus_nowhere\nstates: {x: {entry: fly}}",
    "chart: module raises": "name: a\nuse: corpus_raises\nstates: {x: }",
    "chart: missing dotted function": """
        name: a
        states: {x: {entry: 'corpus_functions:fly'}}
        """,
    "chart: value, no function": """
        name: a
        use: [corpus_functions]
        states: {x: {entry: 'corpus_functions:LIMIT'}}
        """,
    "chart: parameter that nothing fills": """
        name: a
        use: [corpus_functions]
        states: {x: {entry: odd}}
        """,
    "chart: async guard": """
        name: a
        use: [corpus_functions]
        states: {x: {on: {go: {to: x, if: asks}}}}
        """,
    "chart: guard as action": """
        name: a
        use: [corpus_functions]
        states: {x: {entry: is_open}}
        """,
}
"""What must be refused."""

CORPUS = {
    name: (textwrap.dedent(text).strip("\n"), fine)
    for cases, fine in ((GOOD, True), (BAD, False))
    for name, text in cases.items()
}
"""Name to text, and whether it loads."""
