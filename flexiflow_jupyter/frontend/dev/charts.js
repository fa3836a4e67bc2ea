/** Sample charts and a small machine over them, enough to press every button. */
import { entries, Timeline } from "./timeline.js";

const NODE = 'shape=box style=rounded fontname="Helvetica,Arial" fontsize=13 height=0.5 width=1.1 margin="0.25,0.1"';

/** DOT and graph as the kernel sends them. */
function structure(chart) {
  const states = Object.keys(chart.states);
  const nodes = states.map((path, n) => ({
    id: `n${n}`,
    path,
    label: path,
    kind: chart.states[path].final ? "final" : "atomic",
    parent: null,
    description: chart.states[path].description ?? null,
  }));
  const idOf = Object.fromEntries(nodes.map((node) => [node.path, node.id]));
  const edges = [];
  for (const path of states) {
    for (const [message, on] of Object.entries(chart.states[path].on ?? {})) {
      const target = typeof on === "string" ? on : on.to;
      edges.push({
        id: `e${edges.length}`,
        source: path,
        target: target ?? null,
        message,
        guard: on.guard ?? null,
        description: null,
        internal: !target,
      });
    }
  }
  const quote = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const lines = [
    "graph [rankdir=LR nodesep=0.35 ranksep=0.55 bgcolor=transparent]",
    `node [${NODE}]`,
    'edge [fontname="Helvetica,Arial" fontsize=12]',
    'i0 [id=i0 shape=point label="" width=0.14 height=0.14]',
    ...nodes.map((node) => `${node.id} [id=${node.id} label=${quote(node.label)}]`),
    `i0 -> ${idOf[states[0]]} [id=i0e]`,
    ...edges.map((edge) => {
      const to = idOf[edge.target ?? edge.source];
      return `${idOf[edge.source]} -> ${to} [id=${edge.id} label=${quote(edge.message)}]`;
    }),
  ];
  return { dot: states.length ? `digraph {\n\t${lines.join("\n\t")}\n}\n` : "", graph: { nodes, edges } };
}

export function machine(Model, chart, runtime) {
  const { dot, graph } = structure(chart);
  const context = { ...chart.context };
  let [state, seq, step, batch, previous, last] = [chart.start ?? Object.keys(chart.states)[0] ?? null, 0, 0, 0, {}, null];
  let since = Date.now() - 4000;
  const rows = [];
  const model = new Model({ component: chart.name, notice: chart.notice ?? null, closed: chart.closed ?? "" });
  const timeline = new Timeline(model, chart, graph);
  timeline.add("start", state, null, context, {});

  const traits = () => {
    const here = state ? chart.states[state] : {};
    const types = [...new Set(graph.edges.map((edge) => edge.message))];
    const home = (type) => graph.edges.filter((edge) => edge.message === type).map((edge) => edge.source);
    const whyNot = (type) => `Not in ${state}. It is accepted in ${home(type).join(", ")}.`;
    return {
      dot, graph, since, steps: step,
      active: state ? [state] : [],
      parents: [],
      last: { edge: last, step },
      edges: Object.fromEntries(graph.edges.map((edge) => {
        const guard = edge.source === state && chart.states[state].on[edge.message].blocked;
        const enabled = edge.source === state && !guard;
        return [edge.id, { enabled, reason: enabled ? "" : guard || whyNot(edge.message) }];
      })),
      messages: types.map((type) => {
        const on = here.on?.[type];
        const enabled = on !== undefined && !on.blocked;
        return { type, enabled, reason: enabled ? "" : on?.blocked || whyNot(type), fields: chart.fields?.[type] ?? [] };
      }),
      context: entries(context, previous),
      context_more: 0,
      queue: { pending: 0, busy: false, since: null },
      ...(state ? timeline.traits() : {}),
    };
  };
  const publish = (name, story, text, level = "info") => {
    seq += 1;
    rows.push([seq, Date.now(), name, chart.name, story, text, level]);
  };
  const flush = () => {
    batch += 1;
    model.receive({ kind: "events", batch, events: rows.splice(0), published: seq, dropped: 0 });
  };
  const act = (type, id) => {
    const story = Math.random().toString(16).slice(2, 6);
    publish("component.message.received", story, type);
    const on = state ? chart.states[state].on?.[type] : undefined;
    if (on?.fails) {
      publish("component.message.failed", story, `${type}: ${on.fails.what}`, "failed");
      timeline.fail(`${type} failed: ValueError: no address`);
      model.set(timeline.traits());
      model.receive({ kind: "reply", id, status: "failed", text: "", error: on.fails });
    } else if (on === undefined || on.blocked) {
      publish("component.message.handled", story, `${type} \u00b7 not in ${state}`, "ignored");
      model.receive({ kind: "reply", id, status: "ignored", text: on?.blocked ?? `${type} does nothing in ${state}.`, error: null });
    } else {
      const from = state;
      previous = { ...context };
      state = (typeof on === "string" ? on : on.to) ?? state;
      on.run?.(context);
      step += 1;
      since = Date.now();
      last = graph.edges.find((edge) => edge.source === from && edge.message === type)?.id ?? null;
      timeline.add(type, state, last, context, previous, step % 3 === 0 ? [["stdout", "asking the bank, try 2"]] : []);
      publish("state.changed", story, `${type} \u00b7 ${from} \u2192 ${state}`);
      model.set({ ...traits(), announce: `${chart.name} is now in ${state}` });
      model.receive({ kind: "reply", id, status: "ok", text: "", error: null });
    }
    flush();
  };
  model.onSend = (message) => {
    if (message.kind === "need" && message.what === "graphviz" && !chart.slow) {
      runtime.then((bytes) => setTimeout(() => model.receive({ kind: "runtime", what: "graphviz" }, [new DataView(bytes)])));
    }
    timeline.receive(message);
    if (message.kind === "send") {
      const type = message.type ?? message.text.split("{")[0].trim();
      setTimeout(() => act(type, message.id), chart.delay ?? 5);
    }
  };
  Object.assign(model.traits, traits());
  return { model, act };
}

const on = (to, extra = {}) => ({ to, ...extra });

export const CHARTS = {
  turnstile: {
    name: "turnstile",
    context: { coins: 2 },
    states: {
      locked: { on: { coin: on("unlocked", { run: (c) => { c.coins += 1; } }) } },
      unlocked: { on: { push: on("locked"), coin: on(null, { run: (c) => { c.coins += 1; } }) } },
    },
  },
  order: {
    name: "order",
    start: "cart",
    context: { order_id: "A1", attempts: 0, receipt: null, items: 0, total: 18204.5 },
    fields: {
      submit: [
        { name: "items", kind: "number", hint: "at least 1", required: true },
        { name: "order_id", kind: "text", hint: "", required: false },
        { name: "express", kind: "boolean", hint: "", required: false },
        { name: "pay_by", kind: "choice", hint: "", choices: ["card", "invoice"], required: false },
      ],
    },
    states: {
      cart: {
        on: {
          submit: on("charging", { guard: "items >= 1", blocked: "items is 0; the guard wants at least 1 (line 7)." }),
          cancel: on("cancelled", { fails: {
            what: "cancel failed: ValueError in notify_support",
            why: "The action raised before the step was committed. State and context are as before: cart, attempts 0.",
            fix: "Correct notify_support (cell [2], line 8), run that cell, press Retry.",
            detail: 'cell [2], line 8, in notify_support\n    raise ValueError(f"no address for {order_id}")\nValueError: no address for A1',
          } }),
        },
      },
      charging: { on: { done: on("shipping"), error: on("backoff"), cancel: on("cancelled") } },
      backoff: { on: { retry: on("charging"), cancel: on("cancelled") } },
      shipping: { on: { shipped: on("delivered"), lost: on("failed") } },
      delivered: { final: true },
      failed: { final: true },
      cancelled: { final: true },
    },
  },
  meter: { name: "meter", context: {}, states: {} },
  slow: { name: "slow", slow: true, delay: 3000, context: {}, states: { cart: { on: { submit: "paid" } }, paid: { on: { cancel: "cart" } } } },
  hostile: {
    name: '<img src=x onerror="window.hacked=1">',
    context: { '<b>"key"</b>': "</script><script>window.hacked=1</script>", "\u202eevil": "\ud83e\udd84" },
    states: {
      '<img src=x onerror="window.hacked=1">': { on: { 'a "quoted" & <i>message</i>': "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd" } },
      "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd": { on: { "\ud83e\udd84 go \\N": "a very long name of a state that goes on and on and on" } },
      "a very long name of a state that goes on and on and on": { final: true },
    },
  },
  crowd: crowd(60),
  loops: {
    name: "loops",
    context: { level: 3 },
    states: {
      off: { on: { power: "on" } },
      on: { on: { power: "off", louder: on(null), softer: on(null), mute: "muted" } },
      muted: { on: { mute: "on", reset: on(null), beep: on(null), tick: on(null), power: "off" } },
    },
  },
  hundred: crowd(100),
  closed: {
    name: "closed",
    closed: "turnstile was registered again in cell [7]; the panel there is live.",
    context: { coins: 1 },
    states: { locked: { on: { coin: "unlocked" } }, unlocked: { on: { push: "locked" } } },
  },
  warned: {
    name: "warned",
    notice: { level: "warning", what: "print_receipt is not defined yet.", why: "No function of this name in the notebook.", fix: "Define it in a cell: def print_receipt(context): ...", detail: "" },
    context: {},
    states: { idle: { on: { go: { fails: { what: "go failed.", why: "Because.", fix: "Mend it.", detail: "" } } } } },
  },
  many: {
    name: "many",
    context: Object.fromEntries(Array.from({ length: 14 }, (_, n) => [`key_${n}`, n])),
    states: {
      idle: { on: { start: "running", short: on(null) } },
      running: { on: Object.fromEntries(["wait", "split", "pack", "enough", "hold", "resume", "abort", "stop", "tick", "reset", "finish"].map((m, n) => [m, n % 2 ? "idle" : on(null)])) },
    },
  },
  six: {
    name: "six",
    context: { n: 0 },
    states: {
      draft: { on: { review: "reviewing" } },
      reviewing: { on: { approve: "approved", reject: "draft" } },
      approved: { on: { publish: "published", withdraw: "draft" } },
      published: { on: { archive: "archived", amend: "reviewing" } },
      archived: { on: { purge: "gone", restore: "published" } },
      gone: { final: true },
    },
  },
};

/** Columns of six, each state leading into the next column. */
function crowd(count) {
  const states = {};
  for (let n = 0; n < count; n += 1) {
    const on = {};
    const [column, row] = [Math.floor(n / 6), n % 6];
    for (const by of [0, 1, 2]) {
      const to = (column + 1) * 6 + ((row + by * column) % 6);
      if (to < count && (by < 2 || n % 5 === 0)) on[`m${n}_${by}`] = `step_${to}`;
    }
    states[`step_${n}`] = { on };
  }
  return { name: "fulfilment", start: "step_20", context: { load: 0.42 }, states };
}
