/** The timeline of a fake machine: its steps, answers to questions, and what is done. */
export class Timeline {
  constructor(model, chart, graph) {
    Object.assign(this, { model, chart, graph });
    this.steps = [];
    this.failed = [];
    this.failures = new Map();
    this.recording = null;
    this.pace = { mode: "go", waiting: 0, delay_s: 0 };
    this.sandbox = null;
  }

  /** Note the state after a step. */
  add(message, state, edge, context, previous, output = []) {
    const at = this.steps.length;
    const cause = at === 0 ? "the timeline begins here" : `${message} in ${this.steps[at - 1].state}`;
    this.steps.push({
      kind: "step", at, active: state ? [state] : [], parents: [], edge, time_ms: Date.now(),
      message: at === 0 ? "start" : message, cause, story: at === 0 ? "" : "a41c", seq: at * 2, state,
      context: entries(context, previous), context_more: 0, output, failed: "",
    });
    if (this.recording) this.recording.steps += 1;
  }

  fail(text) {
    const at = this.steps.length - 1;
    this.failed.push(at);
    this.failures.set(at, text);
  }

  traits() {
    const last = this.steps.length - 1;
    return {
      timeline: {
        first: 0, last, failed: [...this.failed],
        labels: last <= 40 ? this.steps.map((step) => step.message) : [],
        recording: this.recording && { ...this.recording }, pace: { ...this.pace }, fork_of: "",
        undo: { enabled: last > 0, reason: last > 0 ? "" : "Nothing was done yet." },
      },
      sandbox: this.sandbox ? structuredClone(this.sandbox) : {},
    };
  }

  receive(message) {
    if (message.kind === "need" && message.what === "step") {
      const step = this.steps[message.at];
      setTimeout(() => this.model.receive({ ...step, failed: this.failures.get(step.at) ?? "" }), 3);
    }
    if (message.kind === "do") setTimeout(() => this.act(message), 20);
  }

  act({ id, what, at, value }) {
    let text = "";
    if (what === "what-if") this.open(at);
    if (what === "what-if-send") this.try(value);
    if (what === "what-if-advance") this.sandbox.trail.push({ message: `after ${value}`, state: this.sandbox.active[0], note: "nothing was due" });
    if (what === "what-if-close") this.sandbox = null;
    if (what === "record") this.recording = { steps: 0 };
    if (what === "stop") {
      this.recording = null;
      const code = 'from flexiflow.testing import run\n\n\ndef test_turnstile():\n    run("turnstile.yaml", ["coin"])\n';
      this.model.receive({ kind: "made", id, title: "A test of 6 steps", language: "python", text: code });
    }
    if (what === "pause") this.pace = { mode: "paused", waiting: 2, delay_s: 0 };
    if (what === "slow") this.pace = { mode: "slow", waiting: 1, delay_s: value };
    if (what === "go") this.pace = { mode: "go", waiting: 0, delay_s: 0 };
    if (what === "next") this.pace.waiting = Math.max(0, this.pace.waiting - 1);
    if (what === "undo") text = "Back in locked. print_receipt was called and is not undone.";
    this.model.set(this.traits());
    this.model.receive({ kind: "reply", id, status: "ok", text, error: null });
  }

  open(at) {
    const step = this.steps[at];
    this.sandbox = { at, active: [...step.active], parents: [], context: step.context.map((entry) => ({ ...entry, changed: false, previous: null })), messages: [], timers: true, trail: [], notice: null };
    this.offer();
  }

  try(text) {
    const type = text.split(/[\s{]/)[0];
    const [state] = this.sandbox.active;
    const on = this.chart.states[state]?.on?.[type];
    const to = typeof on === "string" ? on : on?.to;
    this.sandbox.trail.push({ message: text, state: to ?? state, note: on ? "1 step" : `ignored in ${state}` });
    if (to) this.sandbox.active = [to];
    this.offer();
  }

  offer() {
    const here = this.chart.states[this.sandbox.active[0]]?.on ?? {};
    const types = [...new Set(this.graph.edges.map((edge) => edge.message))];
    this.sandbox.messages = types.map((type) => ({ type, enabled: type in here, reason: type in here ? "" : `Not in ${this.sandbox.active[0]}.`, fields: [] }));
  }
}

export function entries(context, previous) {
  return Object.entries(context).map(([key, value]) => {
    const changed = key in previous && previous[key] !== value;
    return { key, value: JSON.stringify(value), previous: changed ? JSON.stringify(previous[key]) : null, changed };
  });
}
