/** Executions without a kernel: each scene is what the kernel would have sent. */
const START = Date.now() - 42_000;

function step(order, name, status, spans, more = {}) {
  return {
    order,
    key: String(order),
    name,
    parent: null,
    depth: 0,
    status,
    spans: spans.map(([kind, from, to]) => [
      kind,
      START + from * 1000,
      to === null ? null : START + to * 1000,
    ]),
    attempts: 1,
    most: null,
    done: null,
    total: null,
    retried: 0,
    text: "",
    executor: "",
    child: "",
    ...more,
  };
}

const can = { enabled: true, reason: "" };
const cannot = (reason) => ({ enabled: false, reason });

function info(state, more = {}) {
  return {
    id: "01J9ZK3V5T-1f8e",
    name: "import_invoices",
    state,
    input: '{"folder": "2026-11"}',
    result: "",
    started: START,
    ended: null,
    clock: Date.now(),
    steps: 5,
    completed: 2,
    failed: 0,
    retries: 2,
    pauses: [],
    cancel: can,
    resume: can,
    fork: can,
    ...more,
  };
}

const download = [
  ["failed", 3.4, 7],
  ["wait", 7, 10],
  ["failed", 10, 13],
  ["wait", 13, 18],
];
const files = step(0, "list_files", "completed", [["work", 0, 3]], { text: "84 files" });
const got = step(1, "download", "completed", [...download, ["work", 18, 24]], {
  attempts: 3,
  most: 4,
  text: "12.4 MB",
});
const pages = step(2, "read_page", "running", [["work", 18.5, null]], {
  done: 52,
  total: 84,
  retried: 2,
  executor: "process",
});
const ask = { name: "approve_supplier", key: "3", text: "Nordlicht GmbH is new: 12 invoices, 2,310.00 EUR. Accept this supplier?" };
const asked = step(3, "approve_supplier", "paused", [["pause", 25, null]]);

const DAY = 86_400;

const many = Array.from({ length: 10_000 }, (_, i) =>
  step(i, i % 7 ? "score" : "fetch", i === 9_999 ? "running" : i % 997 === 5 ? "failed" : "completed", [
    [i % 997 === 5 ? "failed" : "work", i * 0.004, i === 9_999 ? null : i * 0.004 + 0.004],
  ], { text: i % 997 === 5 ? "ValueError: no score" : String(i * i) }),
);

export const EXECUTIONS = {
  running: [info("running", { pauses: [ask] }), [files, got, pages, asked, step(4, "book", "waiting", [])]],
  completed: [
    info("completed", { ended: START + 68_000, completed: 5, result: '{"booked": 84, "total": "18204.50"}' }),
    [
      files,
      got,
      { ...pages, status: "completed", done: 84, spans: [["work", START + 21_000, START + 51_000]] },
      { ...asked, status: "completed", text: '{"approved": true}', spans: [["pause", START + 25_000, START + 57_000]] },
      step(4, "book", "completed", [["work", 58, 67]], { text: "84 entries" }),
    ],
  ],
  failed: [
    info("failed", {
      ended: START + 31_000, failed: 1, completed: 1, retries: 3, cancel: cannot("It has ended."),
    }),
    [
      files,
      step(1, "download", "failed", [...download, ["failed", 18, 21], ["wait", 21, 27], ["failed", 27, 30]], {
        attempts: 4, most: 4, text: "TimeoutError: no answer within 5 s",
      }),
    ],
    {
      level: "error",
      what: "download: no answer within 5 s, four times",
      why: "TimeoutError: files.example.org accepted the connection and sent nothing.",
      fix: "Raise timeout or fork from download when the server is back; list_files is kept.",
      detail: "Traceback (most recent call last):\n  Cell In[3], line 8, in download\nTimeoutError: no answer",
    },
  ],
  paused: [
    info("paused", { started: START - 2 * DAY * 1000, pauses: [ask], completed: 2, steps: 3, retries: 0 }),
    [
      { ...files, spans: [["work", START - 2 * DAY * 1000, START - 2 * DAY * 1000 + 4000]] },
      { ...got, spans: [["work", START - 2 * DAY * 1000 + 4000, START - 2 * DAY * 1000 + 21_000]], attempts: 1 },
      { ...asked, order: 2, spans: [["pause", START - 2 * DAY * 1000 + 21_000, null]] },
    ],
  ],
  undefined: [
    info("needs_definition", {
      pauses: [ask], steps: 2, completed: 1,
      resume: cannot("This kernel does not know import_invoices yet. Run the cell that defines it."),
      fork: cannot("Run the cell that defines import_invoices first."),
    }),
    [files, { ...asked, order: 1 }],
    {
      level: "warning",
      what: "import_invoices is not defined in this kernel.",
      why: "The kernel was started anew, and the cell with @workflow has not run yet.",
      fix: "Run that cell: the execution is found again by its name.",
      detail: "",
    },
  ],
  crowded: [info("running", { steps: 10_000, completed: 9_980, failed: 11, retries: 0 }), many],
  empty: [info("running", { steps: 0, completed: 0, retries: 0, started: Date.now() }), []],
  loading: [info("running", { steps: 7 }), null],
  nested: [
    info("running", { steps: 6 }),
    [
      step(0, "parallel", "running", [["work", 0, null]]),
      step(1, "left", "completed", [["work", 0, 12]], { parent: 0, depth: 1, text: '"left"' }),
      step(2, "right", "retrying", [["failed", 0, 6], ["wait", 6, 60], ["work", 60, null]], { parent: 0, depth: 1, attempts: 2, most: 3 }),
      step(3, "<img src=x onerror=alert(1)>", "running", [["work", 13, null]], { parent: 0, depth: 1, executor: "thread" }),
      step(4, "an_unreasonably_long_name_of_a_task_that_nobody_would_write", "failed", [["lost", 0, 3], ["failed", 20, 25]], { parent: 3, depth: 2, attempts: 2, text: "ConnectionResetError: [Errno 104] Connection reset by peer" }),
      step(5, "book", "skipped", []),
    ],
  ],
};

/** A model that answers as the kernel would. */
export function execution(FakeModel, name) {
  const [facts, rows, notice = null] = EXECUTIONS[name];
  const model = new FakeModel({ component: facts.name, execution: facts, notice });
  let batch = 0;
  const send = (changed, reset) => {
    for (let i = 0; i < Math.max(1, changed.length); i += 500) {
      batch += 1;
      model.receive({ kind: "steps", batch, rows: changed.slice(i, i + 500), reset: reset && i === 0 });
    }
  };
  model.onSend = (message) => {
    if (message.kind === "need" && message.what === "steps" && rows) {
      setTimeout(() => send(rows, true));
    } else if (message.kind === "send") {
      setTimeout(() => model.receive({ kind: "reply", id: message.id, status: "ok", text: "", error: null }), 400);
    }
  };
  return { model, act: (changed) => send(changed, false) };
}
