"""Describe the messages and traits that kernel and page exchange, version 1.

The same names stand in ``frontend/src/protocol.ts``; a test compares the two. Traits
carry small last values, custom messages carry ordered things. The page writes no trait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from .layers import WhyInfo

__all__ = [
    "PROTOCOL",
    "TO_KERNEL",
    "TO_PAGE",
    "TRAITS",
    "Ack",
    "ContextEntry",
    "Do",
    "EdgeStatus",
    "EventBatch",
    "EventLevel",
    "EventRow",
    "ExecutionInfo",
    "Field",
    "Graph",
    "GraphEdge",
    "GraphNode",
    "LastEdge",
    "Made",
    "MessageInfo",
    "Need",
    "Notice",
    "PaceInfo",
    "PageMessage",
    "PauseInfo",
    "Problem",
    "QueueInfo",
    "RecordingInfo",
    "Reply",
    "ReplyStatus",
    "SandboxInfo",
    "SandboxTry",
    "Send",
    "StepAnswer",
    "StepBatch",
    "StepRow",
    "StepSpan",
    "TimelineInfo",
    "View",
    "ViewKind",
]

PROTOCOL: Final = 1
"""The version that both sides speak."""

TRAITS: Final = (
    "protocol",
    "view",
    "component",
    "dot",
    "graph",
    "active",
    "parents",
    "last",
    "since",
    "steps",
    "edges",
    "messages",
    "context",
    "context_more",
    "queue",
    "notice",
    "announce",
    "closed",
    "twin",
    "execution",
    "timeline",
    "sandbox",
    "running",
    "coverage",
    "changes",
    "engine",
    "letters",
)
"""The synced traits of each view, in the order of the page's list."""

TO_KERNEL: Final = ("send", "ack", "need", "view", "do")
"""The kinds of message that the page sends."""

TO_PAGE: Final = (
    "events",
    "reply",
    "error",
    "runtime",
    "snapshot",
    "steps",
    "step",
    "made",
    "ways",
    "mermaid",
    "flow",
)
"""The kinds of message that the kernel sends."""

ViewKind = Literal[
    "panel",
    "graph",
    "messages",
    "context",
    "events",
    "timeline",
    "execution",
    "engine",
]
"""What a view shows; one bundle each."""

EventLevel = Literal["info", "failed", "ignored"]
"""How an event row is set."""

ReplyStatus = Literal["pending", "queued", "ok", "ignored", "failed"]
"""How far a sent message has come; the last three are final."""

StepSpan = tuple[str, float, float | None]
"""What filled a stretch of a step's time, and its epoch milliseconds from and to."""

EventRow = tuple[int, float, str, str, str, str, EventLevel]
"""Sequence number, epoch milliseconds, name, component, story, text, level."""


class GraphNode(TypedDict):
    """A state as the page knows it."""

    id: str
    path: str
    label: str
    kind: str
    parent: str | None
    description: str | None
    deep: bool


class GraphEdge(TypedDict):
    """A transition as the page knows it; ``target`` is None when it acts in place."""

    id: str
    source: str
    target: str | None
    message: str
    guard: str | None
    description: str | None
    internal: bool
    trigger: str


class Graph(TypedDict):
    """The states and transitions of a chart, in document order."""

    nodes: list[GraphNode]
    edges: list[GraphEdge]


class EdgeStatus(TypedDict):
    """Whether an edge's message does something now, else why not, in words."""

    enabled: bool
    reason: str
    why: NotRequired[WhyInfo]


class Field(TypedDict):
    """One content field of a message, found in the guards."""

    name: str
    kind: Literal["text", "number", "boolean", "choice", "json"]
    hint: str
    choices: NotRequired[list[Any]]
    required: bool


class MessageInfo(TypedDict):
    """A message type, and whether the bare message does something now."""

    type: str
    enabled: bool
    reason: str
    fields: list[Field]


class ContextEntry(TypedDict):
    """One context key; the values are display text."""

    key: str
    value: str
    previous: str | None
    changed: bool


class QueueInfo(TypedDict):
    """What waits and what is under way; ``since`` is in epoch milliseconds."""

    pending: int
    busy: bool
    since: float | None


class LastEdge(TypedDict):
    """The edge that was taken last, and the number of that step."""

    edge: str | None
    step: int


class Problem(TypedDict):
    """What happened, why, and the way out; ``detail`` is shown on demand."""

    what: str
    why: str
    fix: str
    detail: str


class Notice(Problem):
    """A problem, or a remark, that stays on a panel."""

    level: Literal["info", "warning", "error"]


class EventBatch(TypedDict):
    """Rows in order; ``published`` counts the stream's events up to the last row."""

    kind: Literal["events", "snapshot"]
    batch: int
    events: list[EventRow]
    published: int
    dropped: int


class StepRow(TypedDict):
    """A step of an execution; of all rows with the same ``order`` the last counts."""

    order: int
    key: str
    name: str
    parent: int | None
    depth: int
    status: str
    spans: list[StepSpan]
    attempts: int
    most: int | None
    done: int | None
    total: int | None
    retried: int
    text: str
    executor: str
    child: str


class StepBatch(TypedDict):
    """Rows that are new or changed; ``reset``: those before are to be forgotten."""

    kind: Literal["steps"]
    batch: int
    rows: list[StepRow]
    reset: bool


class PauseInfo(TypedDict):
    """A question of an execution that waits for an answer."""

    name: str
    key: str
    text: str


class ExecutionInfo(TypedDict):
    """An execution without its steps; instants are epoch milliseconds."""

    id: str
    name: str
    state: str
    input: str
    result: str
    started: float | None
    ended: float | None
    clock: float
    steps: int
    completed: int
    failed: int
    retries: int
    pauses: list[PauseInfo]
    cancel: EdgeStatus
    resume: EdgeStatus
    fork: EdgeStatus


class RecordingInfo(TypedDict):
    """A recording under way, and how many steps it holds."""

    steps: int


class PaceInfo(TypedDict):
    """How fast messages are handled, and how many wait for it."""

    mode: Literal["go", "paused", "slow"]
    waiting: int
    delay_s: float


class TimelineInfo(TypedDict):
    """The steps that can be looked at, and what can be done with them.

    ``labels`` are the messages of all steps while these are few, else it is empty.
    """

    first: int
    last: int
    failed: list[int]
    labels: list[str]
    recording: RecordingInfo | None
    pace: PaceInfo
    fork_of: str
    undo: EdgeStatus


class SandboxTry(TypedDict):
    """A message that was tried in the sandbox, and where that led."""

    message: str
    state: str
    note: str


class SandboxInfo(TypedDict):
    """A copy of the component at a step, in which messages touch nothing."""

    at: int
    active: list[str]
    parents: list[str]
    context: list[ContextEntry]
    messages: list[MessageInfo]
    timers: bool
    trail: list[SandboxTry]
    notice: Problem | None


class StepAnswer(TypedDict):
    """A component as it was after one step; the nearest step that is still held.

    ``failed`` tells what failed after it and before the next one, "" for nothing.
    """

    kind: Literal["step"]
    at: int
    active: list[str]
    parents: list[str]
    edge: str | None
    time_ms: float
    message: str
    cause: str
    story: str
    seq: int
    state: str
    context: list[ContextEntry]
    context_more: int
    output: list[tuple[str, str]]
    failed: str


class Made(TypedDict):
    """Text that was made for the user: a test, a scenario, a picture."""

    kind: Literal["made"]
    id: str
    title: str
    language: Literal["python", "yaml", "svg", "mermaid"]
    text: str


class Reply(TypedDict):
    """How far the message of one ``send``, or one ``do``, has come."""

    kind: Literal["reply"]
    id: str
    status: ReplyStatus
    text: str
    error: Problem | None


class Send(TypedDict):
    """The page sends a message: by ``type`` and ``fields``, or as free ``text``."""

    kind: Literal["send"]
    id: str
    type: NotRequired[str]
    fields: NotRequired[dict[str, Any]]
    text: NotRequired[str]


class Ack(TypedDict):
    """The page has drawn a batch."""

    kind: Literal["ack"]
    batch: int


class Need(TypedDict):
    """The page asks for something: the events after ``since``, the step ``at``, ..."""

    kind: Literal["need"]
    what: Literal[
        "graphviz", "events", "steps", "step", "coverage", "ways", "mermaid", "flow"
    ]
    since: NotRequired[int]
    at: NotRequired[int]


class Do(TypedDict):
    """The page wants something done, to step ``at``, with ``value``; Any: JSON."""

    kind: Literal["do"]
    id: str
    what: str
    at: NotRequired[int]
    value: NotRequired[Any]


class View(TypedDict):
    """One of the page's views was shown or hidden."""

    kind: Literal["view"]
    id: str
    visible: bool


PageMessage = Send | Ack | Need | View | Do
"""What the page sends."""
