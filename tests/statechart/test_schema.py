"""The JSON Schema accepts and refuses what the loader does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flexiflow.statechart import load_yaml, read_chart, read_schema

VALIDATOR = Draft202012Validator(read_schema())
BY_MEANING = {
    "flexiflow.chart.unknown_target",
    "flexiflow.chart.ambiguous",
    "flexiflow.chart.reference",
    "flexiflow.chart.later",
}
"""Problems of names, which a schema cannot know."""

STATES = """
ACCEPT
a:
a: {}
a: {on: {m: a}}
a: {on: {m: {to: a}}}
a: {on: {m: [a, {to: a, if: f}]}}
a: {on: {m: {do: f}}}
a: {on: {m: {to: .b}}, states: {b: }}
a: {on: {m: {to: a, reenter: true, description: d, tags: [t], meta: {k: 1}}}}
a: {on: {m: {to: a, if: {n: 1, context.k: {lt: 3}}}}}
a: {on: {m: {to: a, if: {n: null}}}}
a: {on: {m: {to: a, if: {all: [f, {n: 1}], any: [], not: g}}}}
a: {on: {m: {to: a, if: {call: f, with: {x: 1}}}}}
a: {on: {m: {to: a, if: {in: a}}}}
a: {on: {m: {to: a, if: {n: {one_of: [1], exists: true, type: list, min: 1}}}}}
a: {on: {m: {to: a, if: {n: {eq: {a: 1}}}}}}
a: {on: {m: {do: [f, {call: g, with: {}}, {set: {x: 1}}, {add: {x: -1.5}}]}}}
a: {on: {m: {do: {add: {x: $message.n}}}}}
a: {on: {m: {do: [{emit: e}, {emit: {event: e, data: [1]}}, {log: l}]}}}
a: {on: {m: {do: [{raise: m}, {raise: {type: m, k: 1}}]}}}
a: {on: {m: {do: [{send: m}, {send: {type: m, to: x, delay: 2s, id: i}}]}}}
a: {on: {m: {do: {cancel: i}}}}
a: {entry: f, exit: [f, g]}
a: {entry: []}
a: {final: true, output: {x: $context.y}}
a: {final: false, on: {m: a}}
a: {final: true, entry: f}
a: {states: {b: , c: {final: true}}, initial: c, done: a}
a: {parallel: {b: , c: }}
a: {states: {b: , h: {history: deep, default: b}}}
a: {states: {b: , h: {history: shallow, description: x}}}
a: {always: a}
a: {always: [{to: a, if: f}]}
a: {error: a}
a: {after: {2s: a, 500ms: a, 1.5h: a, $context.x: a}}
a: {run: f}
a: {run: {do: f, with: {x: 1}, timeout: 10s, retry: {max_attempts: 3}}}
a: {run: {component: c}, done: a, error: a}
a: {run: {component: parts/c.yaml, with: {x: $context.y}, retry: {}}}
a: {run: {component: {name: c, states: {b: {on: {m: d}}, d: {final: true}}}}}
a: {run: {component: {name: c, parallel: {b: , d: }, context: {n: 1}, on: {m: b}}}}
a: {run: {component: {name: c, states: {b: }, initial_state: b, meta: {}}}}
a: {run: {workflow: w, timeout: 3}}
a: {on: {'*': a, 'd.*': a}}
a: {description: d, tags: [], meta: {}}
REFUSE
a: {final: true, initial: a}
a: {final: true, initial: 3}
a: {run: {component: }}
a: {run: {component: ''}}
a: {run: {component: 3}}
a: {run: {component: {}}}
a: {run: {component: {name: c}}}
a: {run: {component: {name: '', states: {b: }}}}
a: {run: {component: {states: {b: }}}}
a: {run: {component: {name: c, states: {}}}}
a: {run: {component: {name: c, states: {b: }, parallel: {d: }}}}
a: {run: {component: {name: c, states: {b: {onn: }}}}}
a: {run: {component: {name: c, states: {b: }, rules: []}}}
a: {run: {component: {name: c, states: {b: }, use: m}}}
a: {run: {component: c, do: f}}
a: {run: {workflow: ''}}
a: {run: {workflow: [w]}}
a: {run: {workflow: w, with: 1}}
a: {run: {with: {}}}
1a: {}
a.b: {}
<img onerror>: {}
a: 3
a: text
a: []
a: {onn: {}}
a: {on: []}
a: {on: }
a: {on: {m: }}
a: {on: {m: {}}}
a: {on: {m: []}}
a: {on: {m: 3}}
a: {on: {m: {too: a}}}
a: {on: {m: {to: a, reenter: 1}}}
a: {on: {m: {to: [a]}}}
a: {on: {m: {to: a, if: }}}
a: {on: {m: {to: a, if: {}}}}
a: {on: {m: {to: a, if: n > 1}}}
a: {on: {m: {to: a, if: _f}}}
a: {on: {m: {to: a, if: [f]}}}
a: {on: {m: {to: a, if: {n: [1]}}}}
a: {on: {m: {to: a, if: {n: {}}}}}
a: {on: {m: {to: a, if: {n: {foo: 1}}}}}
a: {on: {m: {to: a, if: {n: {min: x}}}}}
a: {on: {m: {to: a, if: {n: {exists: 1}}}}}
a: {on: {m: {to: a, if: {n: {type: int}}}}}
a: {on: {m: {to: a, if: {n: {one_of: 1}}}}}
a: {on: {m: {to: a, if: {all: f}}}}
a: {on: {m: {to: a, if: {with: {x: 1}}}}}
a: {on: {m: {to: a, if: {call: 3}}}}
a: {on: {m: {do: 3}}}
a: {on: {m: {do: f()}}}
a: {on: {m: {do: {}}}}
a: {on: {m: {do: {foo: 1}}}}
a: {on: {m: {do: {set: 1}}}}
a: {on: {m: {do: {set: {x: 1}, add: {x: 1}}}}}
a: {on: {m: {do: {add: {x: one}}}}}
a: {on: {m: {do: {emit: {data: 1}}}}}
a: {on: {m: {do: {emit: {event: e, foo: 1}}}}}
a: {on: {m: {do: {log: 1}}}}
a: {on: {m: {do: {raise: {x: 1}}}}}
a: {on: {m: {do: {raise: {type: m, delay: 1}}}}}
a: {on: {m: {do: {call: f, set: {x: 1}}}}}
a: {on: {m: {do: {set: {x: 1}, with: {x: 1}}}}}
a: {final: true, on: {m: a}}
a: {final: true, states: {b: }}
a: {final: true, always: a}
a: {final: yes}
a: {output: 1}
a: {final: false, output: 1}
a: {initial: b}
a: {states: {}}
a: {states: }
a: {states: {b: }, parallel: {c: }}
a: {states: {b: , h: {history: both}}}
a: {states: {b: , h: {history: deep, on: {m: b}}}}
a: {tags: x}
a: {tags: [1]}
a: {meta: []}
a: {description: 1}
a: {reenter: true}
"""

SCENARIOS = {
    f"name: x\nstates: {{a: }}\nscenarios: [{{{text}}}]": accept
    for text, accept in {
        "expect: a, send: [{advance: 2s}, {expect: a}]": True,
        "expect: a, then: [{advance: 2}, {expect: [a], context: {n: 1}}]": True,
        "expect: a, send: [{type: m, advance: 2s, expect: 3}]": True,
        "expect: a, send: [{together: [m, {type: n}]}]": True,
        "expect: a, given: a": True,
        "expect: a, given: {}": True,
        "expect: a, given: {state: [a], context: {n: 1}}": True,
        "expect: a, given: {state: a, timers: {t: 2s}, history: {h: [a]}}": True,
        "expect: a, send: [{advance: soon}]": False,
        "expect: a, send: [{together: m}]": False,
        "expect: a, send: [{together: [{advance: 2s}]}]": False,
        "expect: a, send: [{advance: -1}]": False,
        "expect: a, send: [{advance: 2s, expect: a}]": False,
        "expect: a, send: [{expect: 1}]": False,
        "expect: a, send: [{expect: a, context: 1}]": False,
        "expect: a, send: [{context: {n: 1}}]": False,
        "expect: a, given: 1": False,
        "expect: a, given: {states: a}": False,
        "expect: a, given: {state: 1}": False,
        "expect: a, given: {timers: {t: soon}}": False,
        "expect: a, given: {history: {h: 1}}": False,
    }.items()
}


def documents():
    """Return a text of a chart, and whether it is to be accepted, for each line."""
    accept = False
    for line in STATES.strip().splitlines():
        if line in {"ACCEPT", "REFUSE"}:
            accept = line == "ACCEPT"
        else:
            yield f"name: x\nstates:\n  {line}\n", accept
    top = {
        "name: x\nparallel: {a: , b: }": True,
        "name: x\nstates: {a: }\non: {m: a}\nentry: f\nexit: f\ndone: a": True,
        "name: x\nstates: {a: }\nuse: shop.orders": True,
        "name: x\nstates: {a: }\nuse: [shop.orders, b]": True,
        "name: x\nstates: {a: }\ncontext: {x: [1, {y: null}]}": True,
        "name: x\nstates: {a: }\nscenarios: [{send: [m, {type: n}], expect: a}]": True,
        "name: x\nstates: {a: }\nscenarios: [{expect: [a], advance: 3m}]": True,
        **SCENARIOS,
        "states: {a: }": False,
        "name: ''\nstates: {a: }": False,
        "name: 3\nstates: {a: }": False,
        "name: x\nstates: {a: }\nfoo: 1": False,
        "name: x\nstates: {a: }\nuse: a b": False,
        "name: x\nstates: {a: }\ncontext: []": False,
        "name: x\nstates: {a: }\nscenarios: [{send: [m]}]": False,
        "name: x\nstates: {a: }\nscenarios: [{send: m, expect: a}]": False,
        "name: x\nstates: {a: }\nscenarios: {expect: a}": False,
        "name: x\nstates: {a: }\nparallel: {b: }": False,
    }
    yield from top.items()


def loader_accepts(data):
    """Return whether the loader finds nothing but what only it can know."""
    _, problems = read_chart(data)
    return not any(
        item.level == "error" and item.code not in BY_MEANING for item in problems
    )


class TestSchema:
    def test_schema_is_one(self):
        """It is valid itself."""
        Draft202012Validator.check_schema(read_schema())

    @pytest.mark.parametrize(("text", "accept"), list(documents()))
    def test_schema_and_loader_agree(self, text, accept):
        """The corpus is accepted and refused alike."""
        data = load_yaml(text).data

        assert VALIDATOR.is_valid(_as_json(data)) is accept
        assert loader_accepts(data) is accept

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-2, 2)
            | st.sampled_from(["a", "b", "a b", ".a", "x.y:f", "_f", "2s", "deep"]),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(
                        [
                            "a",
                            "on",
                            "to",
                            "if",
                            "do",
                            "set",
                            "add",
                            "emit",
                            "log",
                            "final",
                            "states",
                            "parallel",
                            "entry",
                            "always",
                            "call",
                            "with",
                            "all",
                            "any",
                            "not",
                            "n",
                            "eq",
                            "min",
                            "history",
                            "initial",
                            "output",
                            "description",
                            "tags",
                            "raise",
                        ]
                    ),
                    inner,
                    max_size=3,
                )
            ),
            max_leaves=12,
        )
    )
    def test_schema_and_loader_agree_on_anything(self, state):
        """Random states are accepted and refused alike."""
        data = {"name": "x", "states": {"a": state, "b": None}}

        assert VALIDATOR.is_valid(data) is loader_accepts(data)


def _as_json(data):
    """Return data with keys as JSON has them."""
    if isinstance(data, dict):
        return {str(key): _as_json(value) for key, value in data.items()}
    return [_as_json(item) for item in data] if isinstance(data, list) else data
