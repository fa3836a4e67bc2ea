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
