/** What a host (JupyterLab, Notebook, VS Code) gives to an anywidget module. */
import type { ToKernel, TraitName, Traits } from "./protocol";

export type MessageListener = (content: unknown, buffers?: readonly BufferLike[]) => void;

export type BufferLike = ArrayBuffer | ArrayBufferView<ArrayBuffer>;

/** The model of a view; each view and `initialize` get a proxy of their own. */
export interface WidgetModel {
  get(name: string): unknown;
  on(name: "msg:custom", listener: MessageListener): void;
  on(name: string, listener: () => void): void;
  off(name: string, listener: (...args: never[]) => void): void;
  send(content: ToKernel): void;
}

export interface InitializeProps {
  model: WidgetModel;
}

export interface RenderProps {
  model: WidgetModel;
  el: HTMLElement;
}

export type Cleanup = () => void;

export interface WidgetModule {
  initialize(props: InitializeProps): Cleanup;
  render(props: RenderProps): Cleanup;
}

const DEFAULTS: Traits = {
  protocol: 1,
  view: "panel",
  component: "",
  dot: "",
  graph: { nodes: [], edges: [] },
  active: [],
  parents: [],
  last: { edge: null, step: 0 },
  since: null,
  steps: 0,
  edges: {},
  messages: [],
  context: [],
  context_more: 0,
  queue: { pending: 0, busy: false, since: null },
  notice: null,
  announce: "",
  closed: "",
  twin: "",
  execution: {
    id: "",
    name: "",
    state: "",
    input: "",
    result: "",
    started: null,
    ended: null,
    clock: 0,
    steps: 0,
    completed: 0,
    failed: 0,
    retries: 0,
    pauses: [],
    cancel: { enabled: false, reason: "" },
    resume: { enabled: false, reason: "" },
    fork: { enabled: false, reason: "" },
  },
  timeline: {
    first: 0,
    last: -1,
    failed: [],
    labels: [],
    recording: null,
    pace: { mode: "go", waiting: 0, delay_s: 0 },
    fork_of: "",
    undo: { enabled: false, reason: "" },
  },
  sandbox: {
    at: -1,
    active: [],
    parents: [],
    context: [],
    messages: [],
    timers: false,
    trail: [],
    notice: null,
  },
  running: [],
  coverage: { edges: {}, states: {}, total: { edges: 0, states: 0 }, seen: { edges: 0, states: 0 } },
  engine: { name: "", parts: [], more: 0 },
  letters: { rows: [], held: 0, ever: 0 },
  changes: {
    number: 0,
    dot: "",
    graph: { nodes: [], edges: [] },
    states: {},
    edges: {},
    lines: [],
    text: "",
    kept: true,
  },
};

/** Read one trait; what the kernel left out, or left empty, has its empty value. */
export function readTrait<N extends TraitName>(model: WidgetModel, name: N): Traits[N] {
  const value = model.get(name) as Traits[N] | undefined | null;
  const empty = DEFAULTS[name];
  if (value === undefined || value === null) return empty;
  const isRecord = typeof empty === "object" && empty !== null && !Array.isArray(empty);
  return isRecord ? Object.assign({}, empty, value) : value;
}

/** Read all traits at once. */
export function readTraits(model: WidgetModel): Traits {
  const traits: Record<string, unknown> = {};
  for (const name of Object.keys(DEFAULTS) as TraitName[]) {
    traits[name] = readTrait(model, name);
  }
  return traits as unknown as Traits;
}
