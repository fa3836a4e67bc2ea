"""Do what SCXML documents do differently within a step: data, ends, invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ._expressions import ExpressionError
from ._frozen import NotJsonError, freeze
from ._scxml_content import (
    Names,
    compile_foreign,
    either,
    event_message,
    fail,
    payload,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ._parts import Service
    from ._scxml_content import ScxmlRun
    from .compile import Node

__all__ = ["done_event", "final_data", "finalize", "invocation"]

_TYPES: Final = frozenset(
    {"", "scxml", "http://www.w3.org/TR/scxml", "http://www.w3.org/TR/scxml/"}
)

# Any in this module: values of the document's data.


def final_data(run: ScxmlRun, node: Node) -> Any:
    """Return the data of a final state; what fails is told and left out."""
    if node.model.output is None:
        return None
    try:
        return freeze(payload(node.model.output)(Names(run)), "donedata")
    except (ExpressionError, NotJsonError):
        fail(run)
        return None


def done_event(path: str, data: Any) -> dict[str, Any]:
    """Return the event that says that a state has reached its end."""
    return event_message(f"done.state.{path}", "platform", data=data)


def finalize(run: ScxmlRun, service: Service) -> None:
    """Do what an invocation does with the events that come from it."""
    for action in service.arguments.get("finalize") or ():
        compile_foreign(action)(run)


def _check_type(kind: Any) -> None:
    if str(kind or "") not in _TYPES:
        raise ExpressionError("there is no such kind of service")


def invocation(run: ScxmlRun, service: Service) -> Mapping[str, Any] | None:
    """Return what to invoke, expressions evaluated; None when that fails.

    Returns
    -------
    mapping or None
        ``id``, ``document`` or ``src``, ``params``, ``autoforward``.
    """
    data = service.arguments
    names = Names(run)
    try:
        _check_type(either(data, "type")(names))
        source = either(data, "src")(names)
        document = data.get("document")
        content = data.get("content")
        if document is None and content is not None:
            document = content.get("text")
            if content.get("expr") is not None:
                document = payload({"content": content})(names)
        listed = {key: data[key] for key in ("namelist", "params") if key in data}
        given = freeze(payload(listed)(names) or {}, "params")
        name = data.get("id") or f"{data['state']}.{run.new_id()}"
        location = data.get("idlocation")
        if location is not None:
            names.set_name(location, name)
    except (ExpressionError, NotJsonError, KeyError):
        fail(run)
        return None
    return {
        "id": name,
        "document": document,
        "src": source,
        "params": given,
        "autoforward": data.get("autoforward") == "true",
    }
