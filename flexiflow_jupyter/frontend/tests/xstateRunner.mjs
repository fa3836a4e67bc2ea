// Run machines of XState v5 and print the states that they were in.
//
// Standard input: a JSON list of cases, each with the `machine` that to_xstate wrote,
// `steps` ([["send", message], ["advance", milliseconds]]) and `fakes` (what services
// answer, by name). Standard output: a JSON list with, for each case, the state value,
// the context and whether it is done, at the start and after each step.
import { readFileSync } from "node:fs";
import { assign, createActor, createMachine, fromPromise, raise } from "xstate";

const MOST_MICROSTEPS = 3000;

// A clock that stands still until it is told to go on; ties fire in order.
class ManualClock {
  constructor() {
    this.now = 0;
    this.next = 1;
    this.timers = new Map();
  }
  setTimeout(callback, delay) {
    this.timers.set(this.next, { callback, due: this.now + delay });
    return this.next++;
  }
  clearTimeout(id) {
    this.timers.delete(id);
  }
  async advance(delay) {
    const end = this.now + delay;
    for (;;) {
      const due = [...this.timers].filter(([, timer]) => timer.due <= end);
      if (due.length === 0) break;
      due.sort(([a, x], [b, y]) => x.due - y.due || a - b);
      const [id, timer] = due[0];
      this.now = timer.due;
      this.timers.delete(id);
      timer.callback();
      await settled();
    }
    this.now = end;
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

const MISSING = Symbol("missing");

function dig(value, keys) {
  let found = value;
  for (const key of keys) {
    if (found === null || typeof found !== "object" || !(key in found)) return MISSING;
    found = found[key];
  }
  return found;
}

function lookUp(root, keys, { context, event }) {
  if (root === "context") return dig(context, keys);
  if (root === "result") return dig(event.output, keys);
  if (root === "error") return dig(event.error, keys);
  return dig(event, keys);
}

function resolve(value, args) {
  if (typeof value === "string" && value.startsWith("$")) {
    if (value.startsWith("$$")) return value.slice(1);
    const [root, ...keys] = value.slice(1).split(".");
    const found = lookUp(root, keys, args);
    return found === MISSING ? null : found;
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, args));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, resolve(item, args)]),
    );
  }
  return value;
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const number = (value) => typeof value === "number";
const TESTS = {
  eq: same,
  ne: (a, b) => !same(a, b),
  lt: (a, b) => number(a) && number(b) && a < b,
  le: (a, b) => number(a) && number(b) && a <= b,
  gt: (a, b) => number(a) && number(b) && a > b,
  ge: (a, b) => number(a) && number(b) && a >= b,
  min: (a, b) => number(a) && a >= b,
  one_of: (a, b) => b.some((item) => same(a, item)),
  exists: (a, b) => (a !== MISSING && a !== null) === b,
};

function holds(guard, args) {
  return Object.entries(guard).every(([key, wanted]) => {
    if (key === "all") return wanted.every((item) => holds(item, args));
    if (key === "any") return wanted.some((item) => holds(item, args));
    if (key === "not") return !holds(wanted, args);
    const context = key.startsWith("context.");
    const keys = (context ? key.slice(8) : key).split(".");
    const actual = lookUp(context ? "context" : "message", keys, args);
    const tests = wanted !== null && typeof wanted === "object" ? wanted : { eq: wanted };
    return Object.entries(tests).every(([name, operand]) =>
      TESTS[name](actual, resolve(operand, args)),
    );
  });
}

const actions = {
  "flexiflow.set": assign((args, params) => resolve(params, args)),
  "flexiflow.add": assign((args, params) =>
    Object.fromEntries(
      Object.entries(params).map(([key, value]) => [
        key,
        (args.context[key] ?? 0) + resolve(value, args),
      ]),
    ),
  ),
  "flexiflow.raise": raise((args, params) => resolve(params, args)),
};

// Functions that a chart names do nothing here, as in a simulation.
function namesIn(value, found = new Set()) {
  if (Array.isArray(value)) value.forEach((item) => namesIn(item, found));
  else if (typeof value === "string") found.add(value);
  else if (value !== null && typeof value === "object") {
    if (typeof value.type === "string") found.add(value.type);
    Object.values(value).forEach((item) => namesIn(item, found));
  }
  return found;
}

function actors(fakes) {
  const found = {};
  for (const [name, answers] of Object.entries(fakes)) {
    const left = [...answers];
    found[name] = fromPromise(async () => {
      const answer = left.shift();
      if (answer === "error") throw new Error("faked");
      return answer?.result ?? answer;
    });
  }
  return found;
}

async function run({ machine, steps, fakes = {} }) {
  const idle = Object.fromEntries([...namesIn(machine)].map((name) => [name, () => {}]));
  const clock = new ManualClock();
  let microsteps = 0;
  const actor = createActor(
    createMachine(machine).provide({
      actions: { ...idle, ...actions },
      guards: { "flexiflow.if": (args, params) => holds(params, args) },
      actors: actors(fakes),
    }),
    {
      clock,
      inspect: ({ type }) => {
        if (type === "@xstate.microstep" && ++microsteps > MOST_MICROSTEPS) {
          throw new Error("restless");
        }
      },
    },
  );
  const seen = [];
  const look = () => {
    const { value, context, status } = actor.getSnapshot();
    seen.push({ value, context, done: status === "done" });
  };
  let failure = null;
  actor.subscribe({ error: (error) => (failure = error) });
  actor.start();
  await settled();
  look();
  for (const [kind, given] of steps) {
    microsteps = 0;
    if (kind === "send") actor.send(given);
    else await clock.advance(given);
    await settled();
    if (failure) throw failure;
    look();
  }
  actor.stop();
  return seen;
}

const results = [];
for (const item of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    results.push({ seen: await run(item) });
  } catch (error) {
    results.push({ error: String(error?.stack ?? error) });
  }
}
process.stdout.write(JSON.stringify(results));
