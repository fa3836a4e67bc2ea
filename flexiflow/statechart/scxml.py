"""Exchange charts with SCXML documents."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ._scxml_document import write_document
from ._scxml_own import is_ours, read_own
from ._scxml_read import Reader
from ._scxml_write import write_own
from ._xml import local_name, parse_xml, write_xml
from .functions import Functions

if TYPE_CHECKING:
    from .model import Chart

__all__ = ["from_scxml", "to_scxml"]


def from_scxml(
    text: str | bytes,
    *,
    source: str = "<scxml>",
    forgiving: bool = False,
    functions: Functions | None = None,
) -> Chart:
    """Return the chart of an SCXML document.

    Parameters
    ----------
    text : str or bytes
        The document; bytes in UTF-8.
    source : str, default "<scxml>"
        What errors call it.
    forgiving : bool, default False
        Whether a transition may name a state that does not exist; taking it is then
        ``error.execution``. So are documents read that another one invokes.
    functions : Functions, optional
        Where a chart of FlexiFlow's own language looks up its functions when it runs.
        By default a document imports no module: functions are those that were marked,
        or given when it runs.

    Returns
    -------
    Chart
        Paths and names are the ids of the document. Expressions are kept as text and
        walked by a restricted evaluator when the chart runs; what it refuses becomes
        ``error.execution``. What ``to_scxml`` has made of a chart of FlexiFlow's own
        language gives that chart again.

    Raises
    ------
    ConfigError
        If it is not well-formed XML, declares entities, is too large or nested too
        deep, or has no legal structure (unknown targets, ids used twice); the context
        has the line.
    """
    document = parse_xml(text, source)
    if local_name(document.root) != "scxml":
        document.refuse("The outermost element is not scxml.")
    if is_ours(document):
        return replace(
            read_own(document), functions=functions or Functions(allow_imports=())
        )
    return Reader(document, forgiving=forgiving).chart()


def to_scxml(chart: Chart) -> str:
    """Return a chart as an SCXML document.

    Parameters
    ----------
    chart : Chart
        Any chart.

    Returns
    -------
    str
        A document with ``datamodel="ecmascript"`` that other engines can run as far as
        SCXML has words for it. The language's own form of guards, actions, services
        and notes stands beside them in attributes of the namespace
        ``urn:flexiflow:scxml:1``, from which ``from_scxml`` makes the same chart again;
        a chart that was an SCXML document gives such a document. The same chart gives
        the same text.

    Raises
    ------
    ConfigError
        If the chart holds what neither form can.

    Notes
    -----
    For other engines: functions of the user's are called by name in ``cond``, and left
    out as actions; a message type also covers longer ones (``door`` and
    ``door.open``), as event descriptors do.
    """
    if chart.dialect == "scxml":
        return write_xml(write_document(chart))
    return write_xml(write_own(chart))
