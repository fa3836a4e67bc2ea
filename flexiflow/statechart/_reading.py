"""Share what all readers of a chart need: names, problems with places, targets."""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, final

from ..diagnostics import Diagnostic
from ..errors import nearest, one_line
from ._references import ROOTS, unknown_reference

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ..diagnostics import Place
    from ._yaml import Node

__all__ = [
    "DOTTED",
    "DURATION",
    "FUNCTION",
    "MODULE",
    "NAME",
    "TARGET",
    "Reading",
    "at_its_use",
    "close_to",
    "kind_words",
    "parent_of",
    "seconds_of",
]

NAME: Final = re.compile(r"[^\W\d][\w -]*")
"""A state's name: letters of any script, digits, ``_``, ``-`` and spaces."""
TARGET: Final = re.compile(r"\.?[^\W\d][\w -]*(\.[^\W\d][\w -]*)*")
"""What a transition leads to: a name, or a dotted path."""
MODULE: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
"""A module's dotted name."""
DOTTED: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
"""``module:Symbol``."""
FUNCTION: Final = re.compile(r"(?!_)[A-Za-z]\w*")
"""A bare function name."""
DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
"""A number and a unit."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_MOST_LISTED = 8
_LONGEST_DURATION = 20


def parent_of(path: str) -> str:
    """Return the path of the state around a state; ``""`` at the top."""
    return path.rpartition(".")[0]


def close_to(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that was most likely meant, or None."""
    listed = list(choices)
    folded = {choice.casefold(): choice for choice in reversed(listed)}
    found = difflib.get_close_matches(name.casefold()[:80], folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def kind_words(node: Node) -> str:
    """Return what a value is, in words: ``a list``, ``the text 'x'``."""
    if node.kind == "map":
        return "a mapping"
    if node.kind == "list":
        return "a list"
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {one_line(value, 60)}"
    if isinstance(value, int | float):
        return f"the number {one_line(value, 40)}"
    return f"a {type(value).__name__}"


def seconds_of(value: object) -> float | None:
    """Return a duration as seconds, or None when it is none.

    A number is seconds; a text is a number with a unit (``500ms``, ``2s``, ``3m``,
    ``48h``, ``1d``) or without one.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if 0 <= value < math.inf else None
    if not isinstance(value, str) or len(value) > _LONGEST_DURATION:
        return None
    match = DURATION.fullmatch(value)
    if match is None:
        return None
    if match[2] == "ms":  # divided, so that 565ms is 0.565 to the last digit
        return float(match[1]) / 1000
    return float(match[1]) * _UNITS[match[2]]


def at_its_use(root: Node, source: str, item: Diagnostic) -> Diagnostic:
    """Return a problem of a module with the place where ``use`` names the module.

    Parameters
    ----------
    root : Node
        The top of the document.
    source : str
        What places call the text.
    item : Diagnostic
        Any problem; one that has a place, or is of no module in ``use``, stays.
    """
    use = root.value.get("use") if root.kind == "map" else None
    if item.place is not None or use is None:
        return item
    wanted = {item.context.get("module"), item.context.get("dotted_path")} - {None}
    listed = use.value if use.kind == "list" else [use]
    for at, node in enumerate(listed):
        if node.kind == "scalar" and node.value in wanted:
            path = "$.use" if node is use else f"$.use[{at}]"
            return replace(item, place=node.place(source, path))
    return item


@final
class Reading:
    """One reading of a chart: its problems so far, and the names of its states."""

    def __init__(self, source: str) -> None:
        self.source = source
        """What places call the text."""
        self.problems: list[Diagnostic] = []
        """Errors and warnings, in the order of their finding."""
        self.paths: dict[str, None] = {}
        """The paths of all states, in document order."""
        self.transitions = 0
        """How many transitions were numbered."""
        self.name = "the chart"
        """The chart's name, for messages."""

    # --- problems ---------------------------------------------------------------------

    def place(self, node: Node | None, path: str) -> Place | None:
        """Return a node's place, or None when it came from no text."""
        return None if node is None else node.place(self.source, path)

    def error(
        self,
        what: str,
        why: str | None = None,
        fix: str | None = None,
        *,
        at: Node | None,
        path: str,
        code: str = "flexiflow.chart",
        level: Literal["error", "warning"] = "error",
    ) -> None:
        """Add a problem; the path goes into the context when there is no text."""
        place = self.place(at, path)
        context = {} if place else {"path": path}
        self.problems.append(Diagnostic(level, what, why, fix, context, place, code))

    def wrong_kind(self, what: str, node: Node, wanted: str, path: str) -> None:
        """Report a value of the wrong kind."""
        self.error(
            f"{what} must be {wanted}.",
            f"It is {kind_words(node)}.",
            f"Write {wanted}.",
            at=node,
            path=path,
            code="flexiflow.chart.kind",
        )

    def not_yet(self, key: Node, path: str, what: str) -> None:
        """Report something of the language that this version does not execute."""
        self.error(
            f"{what} is not in this version yet.",
            "What is declared is executed; this version would ignore it.",
            "Remove it for now.",
            at=key,
            path=path,
            code="flexiflow.chart.later",
        )

    def check_keys(
        self, node: Node, allowed: Collection[str], path: str, where: str
    ) -> None:
        """Report keys of a mapping that are not known there."""
        empty: str | None = None
        for key, value in node.value.items():
            if key in allowed:
                empty = key if value.kind == "scalar" and value.value is None else None
                continue
            shown = key if isinstance(key, str) else one_line(key, 40)
            near = close_to(str(key), [x for x in allowed if x not in node.value])
            if near is None and empty is None:
                near = close_to(str(key), allowed)
            if near is not None:
                fix = f"Did you mean {near}?"
            elif empty is not None:
                fix = f"Nothing stands below {empty}: indent {shown} to put it there."
            else:
                fix = "Remove it, or indent it to where it belongs."
            self.error(
                f"Unknown key {shown} in {where}.",
                f"Keys there: {', '.join(allowed)}.",
                fix,
                at=node.keys[key],
                path=f"{path}.{key}",
                code="flexiflow.chart.unknown_key",
            )

    # --- values -----------------------------------------------------------------------

    def text(self, node: Node, path: str, what: str) -> str | None:
        """Return a text, or None with the problem reported."""
        if node.kind == "scalar" and isinstance(node.value, str):
            return node.value
        self.wrong_kind(what, node, "text", path)
        return None

    def texts(self, node: Node, path: str, what: str) -> tuple[str, ...]:
        """Return a list of texts; what is none is reported."""
        if node.kind != "list":
            self.wrong_kind(what, node, "a list of texts", path)
            return ()
        found = [
            self.text(item, f"{path}[{at}]", f"Item {at + 1} of {what}")
            for at, item in enumerate(node.value)
        ]
        return tuple(item for item in found if item is not None)

    def flag(self, node: Node, path: str, what: str) -> bool:
        """Return true or false; anything else is reported."""
        if node.kind == "scalar" and isinstance(node.value, bool):
            return node.value
        self.wrong_kind(what, node, "true or false", path)
        return False

    def mapping(
        self, node: Node, path: str, what: str, *, literal: bool = False
    ) -> dict[str, Any]:
        """Return a mapping of JSON data; anything else is reported."""
        if node.kind != "map":
            self.wrong_kind(what, node, "a mapping", path)
            return {}
        value = self.value(node, path, literal=literal)
        return value if isinstance(value, dict) else {}

    # Any: JSON data of any shape.
    def value(self, node: Node, path: str, *, literal: bool = False) -> Any:
        """Return JSON data, with references checked but unresolved.

        Literal data hold no references: a dollar in them is a dollar.
        """
        if node.kind == "map":
            found = {}
            for key, child in node.value.items():
                if isinstance(key, str):
                    found[key] = self.value(child, f"{path}.{key}", literal=literal)
                else:
                    self.error(
                        f"The key {one_line(key, 40)} is not text.",
                        "Keys of data are text, as in JSON.",
                        f'Write "{key}" in quotes.',
                        at=node.keys[key],
                        path=path,
                    )
            return found
        if node.kind == "list":
            return [
                self.value(child, f"{path}[{at}]", literal=literal)
                for at, child in enumerate(node.value)
            ]
        value = node.value
        if isinstance(value, str):
            if value.startswith("$") and not literal:
                self._check_reference(value, node, path)
        elif isinstance(value, float):
            if not math.isfinite(value):
                self.wrong_kind("A number", node, "a finite number", path)
                return 0
        elif value is not None and not isinstance(value, bool | int):
            self.wrong_kind("A value", node, "JSON data", path)
            return None
        return value

    def _check_reference(self, text: str, node: Node, path: str) -> None:
        if not unknown_reference(text):
            return
        root = re.split(r"\W", text[1:], maxsplit=1)[0]
        near = close_to(root, ROOTS)
        self.error(
            f"{one_line(text, 60)[1:-1]} refers to nothing.",
            "A reference is $message, $context, $result, $error or $rules, with plain "
            "keys behind dots.",
            f"Did you mean ${near}{text[1 + len(root) :]}?"
            if near is not None and near != root
            else f"Write $${text[1:]} if the text begins with a dollar.",
            at=node,
            path=path,
            code="flexiflow.chart.reference",
        )

    def function(self, node: Node, path: str, what: str) -> str | None:
        """Return the name of a function, or None with the problem reported."""
        if node.kind == "scalar" and isinstance(node.value, str):
            name = node.value
            if FUNCTION.fullmatch(name) or DOTTED.fullmatch(name):
                return name
            self.error(
                f"{one_line(name, 60)[1:-1]} is not the name of a function.",
                f"{what} names a function: letters, digits and _, not beginning with "
                "_; or module:function. No text is evaluated.",
                "Write the name of a function, or a mapping.",
                at=node,
                path=path,
                code="flexiflow.chart.function_name",
            )
            return None
        self.wrong_kind(what, node, "the name of a function", path)
        return None

    def duration(self, node: Node, path: str, what: str) -> float | str | None:
        """Return seconds or a reference, or None with the problem reported."""
        value = node.value if node.kind == "scalar" else None
        if isinstance(value, str) and value.startswith("$"):
            self._check_reference(value, node, path)
            return value
        seconds = seconds_of(value)
        unit = isinstance(value, str) and not value[-1:].isalpha()
        if seconds is not None and not unit:
            return seconds
        self.error(
            f"{what} must be a duration.",
            f"It is {kind_words(node)}.",
            "Write a number of seconds, or 500ms, 2s, 3m, 48h, 1d.",
            at=node,
            path=path,
            code="flexiflow.chart.duration",
        )
        return None

    # --- states -----------------------------------------------------------------------

    def state_name(self, key: Node, path: str) -> str | None:
        """Return a state's name in NFC, or None with the problem reported."""
        name = key.value
        if isinstance(name, str):
            name = unicodedata.normalize("NFC", name)
            if NAME.fullmatch(name):
                return name
        shown = one_line(name, 60)
        self.error(
            f"{shown} cannot be the name of a state.",
            "A name begins with a letter or _ and holds letters of any script, "
            "digits, _, - and spaces.",
            "Rename the state.",
            at=key,
            path=path,
            code="flexiflow.chart.name",
        )
        return None

    def target(self, node: Node, path: str, stands: str, what: str) -> str | None:
        """Return the path of the state that a target names, or None with the problem.

        Parameters
        ----------
        node : Node
            The target as written.
        path : str
            The node's place in the data.
        stands : str
            The path of the state in which it is written.
        what : str
            What leads there, for messages: ``The transition on coin``.
        """
        if node.kind != "scalar" or not isinstance(node.value, str):
            self.wrong_kind(
                f"The target of {_lower(what)}", node, "a state's name", path
            )
            return None
        text = unicodedata.normalize("NFC", node.value)
        found = self.candidates(text, stands)
        if len(found) == 1 or (found and "." not in text):
            return found[0]
        if found:
            self.error(
                f"{what} leads to more than one state.",
                f"{text} may be {' or '.join(found)}.",
                "Write the whole path from the top, or rename a state.",
                at=node,
                path=path,
                code="flexiflow.chart.ambiguous",
            )
            return None
        self._unknown_target(text, node, path, what)
        return None

    def candidates(self, text: str, stands: str) -> list[str]:
        """Return what a target may name, the nearest first."""
        if text.startswith("."):
            path = f"{stands}{text}" if stands else text[1:]
            return [path] if path in self.paths else []
        found = []
        scope = stands
        while scope:
            scope = parent_of(scope)
            path = f"{scope}.{text}" if scope else text
            if path in self.paths:
                found.append(path)
        if not stands and text in self.paths:
            found.append(text)
        return found

    def _unknown_target(self, text: str, node: Node, path: str, what: str) -> None:
        name = text.rpartition(".")[2]
        inside = [known for known in self.paths if known.rpartition(".")[2] == name]
        near = inside[0] if inside else close_to(text, self.paths)
        if near is None:
            names = {known.rpartition(".")[2]: known for known in reversed(self.paths)}
            last = close_to(name, names)
            near = names[last] if last else None
        listed = nearest(text, self.paths, limit=_MOST_LISTED)
        if near is not None and near in listed:
            listed.remove(near)
            listed.insert(0, near)
        more = len(self.paths) - len(listed)
        self.error(
            f"{what} leads to a state that does not exist.",
            f"No state {one_line(text, 80)[1:-1]} in {self.name}. "
            f"States: {', '.join(listed)}{f' (+{more} more)' if more > 0 else ''}.",
            f"Did you mean {near}?" if near else "Declare the state, or name another.",
            at=node,
            path=path,
            code="flexiflow.chart.unknown_target",
        )


def _lower(text: str) -> str:
    """Return a text with its first letter small."""
    return text[:1].lower() + text[1:]
