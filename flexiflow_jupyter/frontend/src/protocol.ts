/**
 * The messages and traits that kernel and page exchange, version 1.
 *
 * The same names stand in `flexiflow_jupyter/protocol.py`; a test compares the
 * arrays TRAITS, TO_KERNEL and TO_PAGE below with that file, so they stay plain
 * literals. Traits carry small last values, custom messages carry ordered things.
 * The page never writes a trait.
 */

export const PROTOCOL = 1;

export const TRAITS = [
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
] as const;

export const TO_KERNEL = ["send", "ack", "need", "view", "do"] as const;

export const TO_PAGE = [
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
] as const;

export type TraitName = (typeof TRAITS)[number];

/** What a view shows; one bundle each. */
export type ViewKind =
  | "panel"
  | "graph"
  | "messages"
  | "context"
  | "events"
  | "timeline"
  | "execution"
  | "engine";

/** A state of the chart; `id` is the name of its node in `dot`, like "n0". */
export interface GraphNode {
  id: string;
  /** Dotted path, the identity of the state. */
  path: string;
  label: string;
  /** "atomic", "final", "compound", "parallel", "history", ... */
  kind: string;
  parent: string | null;
  description: string | null;
  /** Whether a history state remembers the states within states as well. */
  deep: boolean;
}

/** A transition of the chart; `id` is the id of its edge in `dot`, like "e0". */
export interface GraphEdge {
  id: string;
  /** Path of the state that is left. */
  source: string;
  /** Path of the state that is entered; null when the transition stays inside. */
  target: string | null;
  message: string;
  guard: string | null;
  description: string | null;
  internal: boolean;
  /** "message", or what comes by itself: "after", "always", "done", "error". */
  trigger: string;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/** Whether an edge's message does something now, else why not, in words. */
export interface EdgeStatus {
  enabled: boolean;
  reason: string;
  /** The clauses that do not hold, where a guard of an active state keeps it back. */
  why?: WhyInfo;
}

/** A clause of a guard that does not hold: what it wants, and what there is. */
export interface Clause {
  text: string;
  actual: string;
}

export interface WhyInfo {
  title: string;
  clauses: Clause[];
  /** Where the guard stands, and the way out. */
  place: string;
}

/** A timer or a service of an active state; instants are epoch milliseconds. */
export interface RunningInfo {
  path: string;
  kind: "timer" | "service";
  name: string;
  since_ms: number;
  /** When a timer fires, and how long it takes in all; null for a service. */
  due_ms: number | null;
  total_ms: number | null;
  attempt: number;
  attempts: number;
  /** Whether it waits for its next try. */
  waits: boolean;
  /** How much of it is done, from 0 to 1, where that is known. */
  progress: number | null;
  /** Where it stands, in words. */
  text: string;
}

/** So many edges and states. */
export interface Tally {
  edges: number;
  states: number;
}

/** How often each edge was taken and each state entered since the definition. */
export interface CoverageInfo {
  edges: Record<string, number>;
  states: Record<string, number>;
  total: Tally;
  seen: Tally;
}

export type Mark = "added" | "removed" | "changed";

/** What a new definition changed, with a picture of both; ids as in `graph`. */
export interface ChangesInfo {
  /** Counts definitions; 0 where there is nothing to show. */
  number: number;
  dot: string;
  graph: Graph;
  states: Record<string, Mark>;
  edges: Record<string, Mark>;
  lines: string[];
  /** What became of the running state. */
  text: string;
  kept: boolean;
}

export type FieldKind = "text" | "number" | "boolean" | "choice" | "json";

/** One content field of a message, found in the guards. */
export interface Field {
  name: string;
  kind: FieldKind;
  /** Shown beside the name, like "at least 1". */
  hint: string;
  choices?: unknown[];
  required: boolean;
}

export interface MessageInfo {
  type: string;
  /** Whether the bare message, without fields, does something now. */
  enabled: boolean;
  reason: string;
  fields: Field[];
}

/** One context key; values are display text (JSON, cut at 200 characters). */
export interface ContextEntry {
  key: string;
  value: string;
  previous: string | null;
  changed: boolean;
}

export interface QueueInfo {
  pending: number;
  busy: boolean;
  /** Epoch milliseconds of the start of the running message. */
  since: number | null;
}

/** What happened, why, and the way out; `detail` is shown on demand. */
export interface Problem {
  what: string;
  why: string;
  fix: string;
  detail: string;
}

export interface Notice extends Problem {
  level: "info" | "warning" | "error";
}

export interface Traits {
  protocol: number;
  view: ViewKind;
  component: string;
  dot: string;
  graph: Graph;
  active: string[];
  parents: string[];
  last: { edge: string | null; step: number };
  since: number | null;
  steps: number;
  edges: Record<string, EdgeStatus>;
  messages: MessageInfo[];
  context: ContextEntry[];
  context_more: number;
  queue: QueueInfo;
  notice: Notice | null;
  announce: string;
  closed: string;
  /** The name of the saved picture beside this view, which is hidden meanwhile. */
  twin: string;
  execution: ExecutionInfo;
  timeline: TimelineInfo;
  sandbox: SandboxInfo;
  running: RunningInfo[];
  coverage: CoverageInfo;
  changes: ChangesInfo;
  engine: EngineInfo;
  letters: LettersInfo;
}

/** A recording under way, and how many steps it holds. */
export interface RecordingInfo {
  steps: number;
}

/** How fast messages are handled, and how many wait for it. */
export interface PaceInfo {
  mode: "go" | "paused" | "slow";
  waiting: number;
  delay_s: number;
}

/** The steps that can be looked at; `last` is below `first` where there is no timeline. */
export interface TimelineInfo {
  first: number;
  last: number;
  /** The steps after which a message failed, the newest 200 of them. */
  failed: number[];
  /** The messages of all steps while these are few, else empty. */
  labels: string[];
  recording: RecordingInfo | null;
  pace: PaceInfo;
  /** The component that this one was forked from, "" for none. */
  fork_of: string;
  undo: EdgeStatus;
}

/** A message that was tried in the sandbox, and where that led. */
export interface SandboxTry {
  message: string;
  state: string;
  note: string;
}

/** A copy of the component at a step; `at` is -1 where there is none. */
export interface SandboxInfo {
  at: number;
  active: string[];
  parents: string[];
  context: ContextEntry[];
  messages: MessageInfo[];
  /** Whether time does something in the present state. */
  timers: boolean;
  trail: SandboxTry[];
  notice: Problem | null;
}

/** The component as it was after one step. */
export interface StepAnswer {
  kind: "step";
  at: number;
  active: string[];
  parents: string[];
  edge: string | null;
  time_ms: number;
  message: string;
  /** What led there, in words: "coin in locked". */
  cause: string;
  story: string;
  /** The last event that was published by then. */
  seq: number;
  state: string;
  context: ContextEntry[];
  context_more: number;
  /** What was printed or logged while the step was made: [stream, text]. */
  output: [string, string][];
  /** What failed after it and before the next step, "" for nothing. */
  failed: string;
}

/** Text that was made for the user. */
export interface Made {
  kind: "made";
  id: string;
  title: string;
  language: "python" | "yaml" | "svg" | "mermaid";
  text: string;
}

/** What can be done with a timeline. */
export type Deed =
  | "fork"
  | "what-if"
  | "what-if-send"
  | "what-if-advance"
  | "what-if-close"
  | "record"
  | "stop"
  | "undo"
  | "pause"
  | "next"
  | "slow"
  | "go";

/** How far a step has come. */
export type StepStatus =
  | "waiting"
  | "running"
  | "retrying"
  | "paused"
  | "completed"
  | "failed"
  | "cancelled"
  | "skipped";

/** What filled a stretch of a step's time; "lost": its process died in it. */
export type SpanKind = "work" | "failed" | "wait" | "pause" | "lost";

/** [kind, from, to]: epoch milliseconds; null while it lasts. */
export type StepSpan = [SpanKind, number, number | null];

/** A step of an execution; of all rows with the same order the last one counts. */
export interface StepRow {
  /** Its place among the steps, from 0. */
  order: number;
  /** Its path, by which an execution is forked. */
  key: string;
  name: string;
  /** The order of the step within which it runs. */
  parent: number | null;
  /** How many steps it stands in. */
  depth: number;
  status: StepStatus;
  spans: StepSpan[];
  attempts: number;
  /** The most attempts it may have, when that is known. */
  most: number | null;
  /** Items that went well and items in all, of a task that is mapped over many. */
  done: number | null;
  total: number | null;
  retried: number;
  /** Its result or its error on one line, cut. */
  text: string;
  executor: string;
  /** The execution that it began, "" for none. */
  child: string;
}

/** Rows that are new or have changed; `reset`: all rows before are to be forgotten. */
export interface StepBatch {
  batch: number;
  rows: StepRow[];
  reset: boolean;
}

/** A question that waits for an answer. */
export interface PauseInfo {
  name: string;
  /** The path of the step that asks. */
  key: string;
  /** What goes with it, as text. */
  text: string;
}

/** An execution without its steps; instants are epoch milliseconds. */
export interface ExecutionInfo {
  id: string;
  name: string;
  /** The state in lower case: "running", "needs_definition", ... */
  state: string;
  input: string;
  result: string;
  started: number | null;
  ended: number | null;
  /** What the kernel's clock said when this was sent. */
  clock: number;
  steps: number;
  completed: number;
  failed: number;
  retries: number;
  pauses: PauseInfo[];
  /** Whether it can be done now, else why not. */
  cancel: EdgeStatus;
  resume: EdgeStatus;
  fork: EdgeStatus;
}

/** One event: [seq, time in epoch ms, name, component, story, text, level]. */
export type EventRow = [number, number, string, string, string, string, EventLevel];

export type EventLevel = "info" | "failed" | "ignored";

/** Rows in order. `published` counts the stream's events up to the last row. */
export interface EventBatch {
  batch: number;
  events: EventRow[];
  published: number;
  dropped: number;
}

/** A component: its active leaf states, and how many messages wait at it. */
export interface EnginePart {
  name: string;
  active: string[];
  pending: number;
}

/** An engine; `more` counts the components that are left out. */
export interface EngineInfo {
  name: string;
  parts: EnginePart[];
  more: number;
}

/** A message that nobody could handle; `retry`: why not, "" when it can be. */
export interface LetterInfo {
  number: number;
  time_ms: number;
  type: string;
  text: string;
  /** The component that sent it, "" for outside. */
  source: string;
  target: string;
  /** "failed", "unknown" or "closed". */
  reason: string;
  error: string;
  story: string;
  retry: string;
}

/** The newest dead letters, newest first; `held` and `ever` count all. */
export interface LettersInfo {
  rows: LetterInfo[];
  held: number;
  ever: number;
}

/**
 * "message": it was received; "end": it came to its end; "failed": it failed;
 * "dead": it reached nobody; "event": one of the bus; "state": what changed.
 */
export type FlowKind = "message" | "event" | "state" | "end" | "failed" | "dead";

/** [seq, time in epoch ms, kind, from ("" for outside), to, text, story, outcome]. */
export type FlowRow = [number, number, FlowKind, string, string[], string, string, string];

/** Rows in order; `published` counts all rows up to the last of these. */
export interface FlowBatch {
  batch: number;
  rows: FlowRow[];
  reset: boolean;
  published: number;
  messages: number;
}

export type ReplyStatus = "pending" | "queued" | "ok" | "ignored" | "failed";

export type ToKernel =
  | { v: 1; kind: "send"; id: string; type: string; fields: Record<string, unknown> }
  | { v: 1; kind: "send"; id: string; text: string }
  | { v: 1; kind: "ack"; batch: number }
  | { v: 1; kind: "need"; what: "graphviz" | "events" | "steps"; since?: number }
  | { v: 1; kind: "need"; what: "coverage" | "ways" | "mermaid" | "flow" }
  | { v: 1; kind: "need"; what: "step"; at: number }
  | { v: 1; kind: "do"; id: string; what: Deed; at?: number; value?: unknown }
  | { v: 1; kind: "view"; id: string; visible: boolean };

export type ToPage =
  | ({ kind: "events" } & EventBatch)
  | ({ kind: "snapshot" } & EventBatch)
  | ({ kind: "steps" } & StepBatch)
  | StepAnswer
  | Made
  | { kind: "ways"; ways: Record<string, string> }
  | { kind: "mermaid"; text: string }
  | ({ kind: "flow" } & FlowBatch)
  | {
      kind: "reply";
      id: string;
      status: ReplyStatus;
      text: string;
      error: Problem | null;
    }
  | ({ kind: "error" } & Problem)
  | { kind: "runtime"; what: "graphviz" };
