"""Charts at random: of the whole language, or of what XState has as well.

Everything comes from one ``random.Random``, so that Hypothesis can shrink it and a seed
repeats it.
"""

from __future__ import annotations

from contextlib import suppress

from flexiflow.errors import ConfigError
from flexiflow.statechart._written import Notation

NAMES = ("a", "b", "c", "Idle", "two words", "x-y", "_z", "café", "名前", "B1")
TEXTS = (
    "plain",
    "two\nlines\tand a tab",
    "</data>]]>&amp;<x/>",
    "\"quoted\" and 'quoted'",
    "\x01\x7f\u2028",
    "\ud800",
    "$$5",
    "$context.n",
    "emoji 🚦",
    "",
    " ",
    "__proto__",
)
MESSAGES = (
    "go",
    "stop",
    "door.open",
    "door.*",
    "*",
    "insert coin",
    "done.x",
    "é",
    "a&b",
)
KEYS = ("n", "wait", "all", "in", "message", "x y", "ключ", "__class__", "flexiflow")
TIMES = ("500ms", "2s", "1.5", "0", "3m", "48h", "1d", "$context.wait", 3, 0.25)


def among(rng, items):
    """Return one of some items, made if it is a function."""
    found = items[rng.randrange(len(items))]
    return found() if callable(found) else found


def maybe(rng, chance=0.5):
    """Return true with a chance."""
    return rng.random() < chance


class ChartMaker:
    """Makes one chart of the whole language, as data.

    Parameters
    ----------
    rng : random.Random
        Where all chance comes from.
    depth : int, default 1
        How deep charts stand within charts, as components that they run.
    """

    def __init__(self, rng, depth=1):
        self.rng = rng
        self.depth = depth

    def one(self, *items):
        """Return one of the items."""
        return among(self.rng, items)

    def some(self, make, most=3):
        """Return a list of things that are made."""
        return [make() for _ in range(self.rng.randrange(most + 1))]

    def chart(self, *, child=False):
        """Return a whole chart."""
        tree = self.tree(2)
        paths = []
        self._list(tree, "", paths)
        self.paths = [path for path, _ in paths]
        self.real = [path for path, kind in paths if kind != "history"]
        self.notation = Notation(self.paths)
        data = {"name": self.one("door", "two words", "a.b", "<x>", "名")}
        group, children = tree
        data.update(self._body("", children, group, top=True))
        if maybe(self.rng):
            data["context"] = {
                self.one(*KEYS): self.value(2) for _ in range(self.rng.randrange(4))
            }
        if not child:
            if maybe(self.rng, 0.3):
                data["use"] = ["shop.orders"]
            if maybe(self.rng, 0.3):
                data["scenarios"] = [self.scenario()]
        return data

    # --- the tree ---------------------------------------------------------------------

    def tree(self, depth):
        """Return the kind of a group of states, and its states by name."""
        group = "parallel" if maybe(self.rng, 0.25) else "states"
        names = list(NAMES)
        self.rng.shuffle(names)
        found = {}
        for name in names[: self.rng.randrange(1, 4)]:
            kind = "atomic"
            if depth and maybe(self.rng, 0.4):
                kind = self.tree(depth - 1)
            elif group == "states" and found and maybe(self.rng, 0.25):
                kind = "final"
            elif depth < 2 and found and maybe(self.rng, 0.25):
                kind = "history"
            found[name] = kind
        return group, found

    def _list(self, tree, around, into):
        for name, kind in tree[1].items():
            path = f"{around}.{name}" if around else name
            into.append((path, kind if isinstance(kind, str) else "group"))
            if not isinstance(kind, str):
                self._list(kind, path, into)

    def target(self, stands):
        """Return a target as it is written in a state; some have no name there."""
        for _ in range(20):
            with suppress(ConfigError):
                return self.notation.name(self.one(*self.paths), stands)
        return self.notation.name(stands or self.paths[0], stands)

    # --- states -----------------------------------------------------------------------

    def _body(self, path, children, group, *, top=False):
        """Return what a state declares, in any order."""
        parts = []
        if children is not None:
            parts.append((group, self._children(path, children)))
            real = [name for name, kind in children.items() if kind != "history"]
            if group == "states" and maybe(self.rng):
                parts.append(("initial_state" if top else "initial", self.one(*real)))
        if maybe(self.rng, 0.7):
            on = {
                self.one(*MESSAGES): self.transitions(path)
                for _ in range(self.rng.randrange(1, 4))
            }
            parts.append(("on", on))
        if not top:
            if maybe(self.rng, 0.3):
                times = {self.one(*TIMES): 0 for _ in range(2)}
                parts.append(
                    ("after", {time: self.transitions(path) for time in times})
                )
            if maybe(self.rng, 0.2):
                parts.append(("always", self.transitions(path)))
            if children is None and maybe(self.rng, 0.3):
                parts.append(("run", self.service()))
        parts += [
            (key, self.transitions(path))
            for key in ("done", "error")
            if maybe(self.rng, 0.2)
        ]
        parts += [
            (key, self.actions()) for key in ("entry", "exit") if maybe(self.rng, 0.3)
        ]
        self.rng.shuffle(parts)
        return {**dict(parts), **self.notes()}

    def _children(self, path, children):
        found = {}
        for name, kind in children.items():
            here = f"{path}.{name}" if path else name
            if kind == "final":
                found[name] = {"final": True, **self.notes()}
                if maybe(self.rng):
                    found[name]["output"] = self.value(2)
                if maybe(self.rng, 0.3):
                    found[name]["entry"] = self.actions()
            elif kind == "history":
                found[name] = {"history": self.one("shallow", "deep")}
                real = [x for x in self.real if x.startswith(f"{path}.")]
                if maybe(self.rng) and real:
                    with suppress(ConfigError):
                        default = self.notation.name(self.one(*real), here)
                        found[name]["default"] = default
            elif kind == "atomic":
                found[name] = self._body(here, None, None) or None
            else:
                found[name] = self._body(here, kind[1], kind[0])
        return found

    def notes(self):
        """Return what is shown and never executed."""
        found = {}
        if maybe(self.rng, 0.2):
            found["description"] = self.one(*TEXTS)
        if maybe(self.rng, 0.1):
            found["tags"] = self.some(lambda: self.one(*TEXTS))
        if maybe(self.rng, 0.15):
            found["meta"] = {self.one(*KEYS): self.value(1)}
        return found

    # --- transitions ------------------------------------------------------------------

    def transitions(self, path):
        """Return one transition, or a list of them."""
        if maybe(self.rng, 0.7):
            return self.transition(path)
        return [self.transition(path) for _ in range(self.rng.randrange(1, 4))]

    def transition(self, path):
        """Return a transition."""
        if maybe(self.rng, 0.4):
            return self.target(path)
        found = {}
        if maybe(self.rng, 0.8):
            found["to"] = self.target(path)
        if maybe(self.rng):
            found["if"] = self.guard(2, path)
        if maybe(self.rng):
            found["do"] = self.actions()
        if maybe(self.rng, 0.2) or not found:
            found["reenter"] = maybe(self.rng)
        return {**found, **self.notes()}

    def guard(self, depth, path):
        """Return a guard."""
        kinds = [
            lambda: self.one("is_ready", "shop.orders:has_stock"),
            lambda: {"call": "is_ready", "with": {"k": self.value(1)}},
            lambda: {self.field(): self.scalar()},
            lambda: {self.field(): self.test(), "other": self.test()},
            lambda: {"in": self.target(path)},
        ]
        if depth:
            kinds += [
                lambda: {
                    self.one("all", "any"): self.some(
                        lambda: self.guard(depth - 1, path)
                    )
                },
                lambda: {"not": self.guard(depth - 1, path)},
                lambda: {"n": {"ge": 1, "lt": 5}, "not": self.guard(depth - 1, path)},
            ]
        return self.one(*kinds)

    def field(self):
        """Return the key of a test."""
        return self.one(
            "n", "message.in", "context.n", "context.a.b", "rules.0.x", "$result.id",
            "$error.type", "$context", "message.context.x", "x y", "items.0", "message",
        )  # fmt: skip

    def test(self):
        """Return a test of a field."""
        return self.one(
            lambda: {self.one("eq", "ne", "lt", "le", "gt", "ge"): self.value(1)},
            lambda: {"min": self.rng.randrange(5)},
            lambda: {"one_of": [self.value(1), "x"]},
            lambda: {"exists": maybe(self.rng)},
            lambda: {"type": self.one("string", "number", "boolean", "list", "object")},
        )

    # --- actions ----------------------------------------------------------------------

    def actions(self):
        """Return actions."""
        if maybe(self.rng):
            return self.action()
        return [self.action() for _ in range(self.rng.randrange(1, 4))]

    def action(self):
        """Return one action."""
        return self.one(
            "start_motor",
            lambda: {"call": "shop.orders:notify", "with": {"k": self.value(1)}},
            lambda: {"set": {self.one(*KEYS): self.value(2), "n": self.value(1)}},
            lambda: {"add": {"n": self.one(1, -2, 0.5, "$message.n", "$context.n")}},
            lambda: {"raise": self.message()},
            lambda: {"send": self.message()},
            lambda: {
                "send": {"type": "x", "to": self.one("b", "two words"), "id": "s 1",
                         "delay": self.one("2s", 0.5, "$context.wait", 0), "v": 1}
            },
            {"cancel": "s 1"},
            {"emit": "order.late"},
            lambda: {"emit": {"event": "x y", "data": self.value(2)}},
            lambda: {"log": self.one(*TEXTS)},
        )  # fmt: skip

    def message(self):
        """Return a message that is sent or raised."""
        return self.one(
            "go", "insert coin", {"type": "$message.kind"},
            lambda: {"type": "stop", self.one("n", "x y"): self.value(1)},
        )  # fmt: skip

    def service(self):
        """Return what runs while a state is active."""
        data = {"do": self.one("charge_card", "shop.orders:charge")}
        if maybe(self.rng, 0.3):
            data = self.one(
                {"component": "two words.yaml"},
                {"workflow": "nightly"},
                lambda: (
                    {
                        "component": ChartMaker(self.rng, self.depth - 1).chart(
                            child=True
                        )
                    }
                    if self.depth
                    else {"workflow": "x"}
                ),
            )
        elif maybe(self.rng):
            return data["do"]
        if maybe(self.rng):
            data["with"] = {"k y": self.value(2)}
        if maybe(self.rng):
            data["timeout"] = self.one("10s", 0.5, "$context.wait")
        if maybe(self.rng):
            data["retry"] = {"max_attempts": 4, "jitter": 0.5}
        return data

    def scenario(self):
        """Return a scenario."""
        found = {"expect": self.one("a", ["a", "b"])}
        if maybe(self.rng):
            found["send"] = ["go", {"type": "stop", "n": self.value(1)}]
        if maybe(self.rng):
            found["advance"] = self.one("5s", 2.5)
        if maybe(self.rng):
            found["then"] = ["go"]
        if maybe(self.rng):
            found["fake"] = {"charge_card": ["error", {"result": 1}]}
            found["context"] = {"n": self.value(1)}
        if maybe(self.rng):
            found["name"] = self.one("one", "two\nlines")
        return found

    # --- data -------------------------------------------------------------------------

    def scalar(self):
        """Return a scalar."""
        return self.one(
            None, lambda: maybe(self.rng), 0, 1, -7, 10**30, 0.5, 1e-9, 2.0,
            "$message.n",
            lambda: self.one(*TEXTS),
        )  # fmt: skip

    def value(self, depth):
        """Return JSON data."""
        if not depth or maybe(self.rng, 0.6):
            return self.scalar()
        if maybe(self.rng):
            return [self.value(depth - 1) for _ in range(self.rng.randrange(3))]
        return {
            self.one(*KEYS): self.value(depth - 1) for _ in range(self.rng.randrange(3))
        }


class CommonMaker:
    """Makes one chart of what FlexiFlow and XState have in common, as data.

    Nested and parallel states, histories, finals and ``done``, ``always``, guards on
    context and message, ``after``, ``raise``, ``set`` and ``add``.

    Parameters
    ----------
    rng : random.Random
        Where all chance comes from.
    wild : bool, default False
        Whether the chart may hold what the two are known to do differently; see
        ``differences``.
    fields : sequence of str, default ("context.x", "context.y", "v")
        What guards test; ``v`` is a field of messages.
    """

    def __init__(self, rng, *, wild=False, fields=("context.x", "context.y", "v")):
        self.rng = rng
        self.wild = wild
        self.fields = fields
        self.kinds = {"": "compound"}
        self.delays = list(range(100, 4000, 97))
        rng.shuffle(self.delays)

    def one(self, *items):
        """Return one of the items."""
        return among(self.rng, items)

    def chart(self):
        """Return a whole chart."""
        group = "parallel" if maybe(self.rng, 0.2) else "states"
        self.kinds[""] = "parallel" if group == "parallel" else "compound"
        tree = self.tree(3, "", group)
        data = {"name": "random", "context": {"x": 0, "y": self.rng.randrange(3)}}
        data[group] = {name: self.state(*node) for name, node in tree.items()}
        if maybe(self.rng, 0.3):
            data["on"] = {self.message(""): self.transition("")}
        return data

    def script(self):
        """Return messages and waits."""
        found = []
        for _ in range(self.rng.randrange(4, 16)):
            if maybe(self.rng, 0.25):
                found.append(("advance", self.rng.randrange(50, 3000)))
            else:
                given = {"type": f"m{self.depth()}{self.rng.randrange(3)}"}
                if maybe(self.rng):
                    given["v"] = self.rng.randrange(3)
                found.append(("send", given))
        return found

    # --- names ------------------------------------------------------------------------

    def regions(self, path):
        """Return how many parallel states stand around a state."""
        depth = 0
        while path:
            path = path.rpartition(".")[0]
            depth += self.kinds[path] == "parallel"
        return depth

    def depth(self, path=None):
        """Return the mark of messages: states within regions have their own."""
        if self.wild:
            return 0
        if path is not None:
            return self.regions(path)
        return self.rng.randrange(1 + max(map(self.regions, self.kinds)))

    def message(self, path):
        """Return a type of messages that a state may wait for."""
        return f"{self.one('m', 'm', 'r')}{self.depth(path)}{self.rng.randrange(3)}"

    def target(self, path):
        """Return a target for a transition of a state."""
        paths = [one for one in self.kinds if one]
        if not self.wild:
            paths = [
                one
                for one in paths
                if not crosses(self.kinds, path, one)
                and not returns(self.kinds, path, one)
            ] or paths
        return self.one(*paths)

    # --- states -----------------------------------------------------------------------

    def tree(self, depth, around, group):
        """Return states by name: their kind, their path, and those within."""
        found = {}
        for at in range(self.rng.randrange(2, 5 if depth > 1 else 4)):
            name = f"s{len(self.kinds)}"
            path = f"{around}.{name}" if around else name
            kind, inner = "atomic", {}
            chance = self.rng.random()
            if depth and chance < 0.45:
                kind = "parallel" if chance < 0.2 else "compound"
            elif group == "states" and at and chance < 0.65:
                kind = "final"
            elif around and at and chance < 0.8:
                kind = "history"
            self.kinds[path] = kind
            if kind in {"parallel", "compound"}:
                inner = self.tree(
                    depth - 1, path, "parallel" if kind == "parallel" else "states"
                )
            found[name] = (kind, path, inner)
        return found

    def state(self, kind, path, inner):
        """Return a state."""
        if kind == "final":
            return {"final": True}
        if kind == "history":
            return self.history(path)
        found = {}
        if maybe(self.rng, 0.85):
            messages = {self.message(path) for _ in range(self.rng.randrange(1, 4))}
            found["on"] = {
                message: self.transitions(path, raises=message[0] == "m")
                for message in sorted(messages)
            }
        if maybe(self.rng, 0.2):
            found["after"] = {
                self.delays.pop() / 1000: self.transitions(path)
                for _ in range(self.rng.randrange(1, 3))
            }
        within = [k for p, k in self.kinds.items() if f"{p}.".startswith(f"{path}.")]
        if maybe(self.rng, 0.15) and (self.wild or "parallel" not in within):
            guard = self.guard(1, "context.x", "context.y")
            found["always"] = {**self.transition(path, raises=False), "if": guard}
        if inner and maybe(self.rng, 0.6):
            found["done"] = self.transitions(path)
        for key in ("entry", "exit"):
            if maybe(self.rng, 0.25):
                found[key] = self.actions(raises=maybe(self.rng, 0.3))
        if inner:
            group = "parallel" if kind == "parallel" else "states"
            found[group] = {name: self.state(*node) for name, node in inner.items()}
        return found

    def history(self, path):
        """Return a history state."""
        found = {"history": self.one("shallow", "deep")}
        around = path.rpartition(".")[0]
        beside = [
            one
            for one, kind in self.kinds.items()
            if one.startswith(f"{around}.") and (self.wild or kind != "history")
        ]
        if maybe(self.rng, 0.4) and set(beside) - {path}:
            found["default"] = self.one(*sorted(set(beside) - {path}))
        return found

    def transitions(self, path, *, raises=True):
        """Return one transition, or a list of them."""
        if maybe(self.rng, 0.7):
            return self.transition(path, raises=raises)
        return [self.transition(path, raises=raises) for _ in range(2)]

    def transition(self, path, *, raises=True):
        """Return a transition."""
        found = {}
        if maybe(self.rng, 0.9):
            found["to"] = self.target(path)
        if maybe(self.rng, 0.4):
            found["if"] = self.guard(2)
        if maybe(self.rng, 0.4) or not found:
            found["do"] = self.actions(raises=raises)
        if maybe(self.rng, 0.1) and (
            self.wild or not self.reenters(path, found.get("to"))
        ):
            found["reenter"] = True
        return found

    def reenters(self, path, target):
        """Return whether entering a state again means leaving a region."""
        around = path.rpartition(".")[0]
        inside = target is not None and target.startswith(f"{path}.")
        return inside and self.kinds[around] == "parallel"

    # --- guards and actions -----------------------------------------------------------

    def guard(self, depth, *fields):
        """Return a guard on context and message, or on some fields alone."""
        fields = fields or self.fields
        if depth and maybe(self.rng, 0.3):
            inner = [self.guard(depth - 1, *fields) for _ in range(2)]
            return self.one({"all": inner}, {"any": inner}, {"not": inner[0]})
        operator = self.one("eq", "ne", "lt", "le", "gt", "ge")
        return {self.one(*fields): {operator: self.one(0, 1, 2, "$context.y")}}

    def actions(self, *, raises):
        """Return actions."""
        kinds = [
            lambda: {"set": {"x": self.one(0, 1, 2, "$context.y")}},
            lambda: {"add": {self.one("x", "y"): self.one(1, -1)}},
        ]
        if raises:
            kinds.append(
                lambda: {
                    "raise": {
                        "type": f"r{self.depth()}{self.rng.randrange(3)}",
                        "v": self.rng.randrange(3),
                    }
                }
            )
        return [self.one(*kinds) for _ in range(self.rng.randrange(1, 3))]


def crosses(kinds, source, target):
    """Return whether a transition moves between regions of a parallel state.

    Parameters
    ----------
    kinds : mapping of str to str
        The kinds of states by path.
    source, target : str
        Paths; a history may stand for whatever is within the state around it.
    """
    around = target.rpartition(".")[0]
    if kinds[target] == "history":
        start = f"{around}." if around else ""
        if any(
            kind == "parallel"
            and source.startswith(f"{path}.")
            and (path == around or path.startswith(start))
            for path, kind in kinds.items()
            if path
        ):
            return True
    while around and not source.startswith(f"{around}."):
        around = around.rpartition(".")[0]
    return bool(around) and kinds[around] == "parallel"


def returns(kinds, source, target):
    """Return whether a state with states leads to a history that may stand for it."""
    around = target.rpartition(".")[0]
    return (
        kinds[target] == "history"
        and kinds[source] in {"compound", "parallel"}
        and source.startswith(f"{around}.")
    )


def differences(chart):
    """Return what of a chart XState is known to do differently, in words.

    Parameters
    ----------
    chart : Chart
        Any chart that ``CommonMaker`` made.

    Returns
    -------
    set of str
        ``domain``: a transition moves between regions of one parallel state.
        ``regions``: states within and around regions wait for the same.
        ``history``: a history's default is a history.
        ``memory``: a state with states leads to a deep history that may stand for it.
    """
    found = set()
    kinds = {node.path: node.kind for node in (chart.root, *chart)}
    for move in chart.transitions:
        for target in move.targets:
            stays = target.startswith(f"{move.source}.") and not move.reenter
            if not stays and crosses(kinds, move.source, target):
                found.add("domain")
            deep = chart.state(target).history == "deep"
            if deep and move.source and returns(kinds, move.source, target):
                found.add("memory")
    for node in (chart.root, *chart):
        if node.kind == "history" and node.initial:
            if chart.state(node.initial[0]).kind == "history":
                found.add("history")
        elif node.kind == "parallel":
            start = f"{node.path}." if node.path else ""
            inner = [one for one in chart if one.path.startswith(start)]
            outer = [one for one in chart if f"{node.path}.".startswith(f"{one.path}.")]
            if _waits_for([chart.root, *outer]) & _waits_for(inner):
                found.add("regions")
    return found


def _waits_for(nodes):
    """Return the message types, and ``always``, that states wait for."""
    return {
        move.message or move.trigger
        for node in nodes
        for move in node.transitions
        if move.trigger in {"message", "always"}
    }
