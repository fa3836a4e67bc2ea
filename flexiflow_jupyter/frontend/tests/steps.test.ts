import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { timeMap } from "../src/gantt";
import { barsOf, factsOf, labelOf, laneWords, tookText, wordsOf } from "../src/ganttRow";
import { answerHint } from "../src/pauseAnswer";
import type { StepRow } from "../src/protocol";
import { stepFilter, StepStore } from "../src/stepStore";

const plain: StepRow = {
  order: 0,
  key: "1",
  name: "pack",
  parent: null,
  depth: 0,
  status: "completed",
  spans: [["work", 0, 1000]],
  attempts: 1,
  most: null,
  done: null,
  total: null,
  retried: 0,
  text: "84 files",
  executor: "",
  child: "",
};
const row = (changes: Partial<StepRow>): StepRow => ({ ...plain, ...changes });
const map = timeMap(0, 9000, [[0, 9000]]);

describe("the bars of a step", () => {
  it("stand where its spans are", () => {
    const [bar] = barsOf(plain, map, 9000);
    assert.deepEqual(bar, { kind: "work", left: 0, width: 0.1, filled: null });
  });

  it("grow until now while the step runs", () => {
    const [bar] = barsOf(row({ status: "running", spans: [["work", 0, null]] }), map, 5000);
    assert.deepEqual(bar, { kind: "run", left: 0, width: 0.5, filled: null });
  });

  it("do not grow once the step is over, whatever its last span says", () => {
    const [bar] = barsOf(row({ status: "cancelled", spans: [["work", 1000, null]] }), map, 1000);
    assert.equal(bar?.width, 0);
  });

  it("leave out an attempt that is due later", () => {
    const spans: StepRow["spans"] = [["failed", 0, 1000], ["wait", 1000, 4000], ["work", 4000, null]];
    const bars = barsOf(row({ status: "retrying", spans }), map, 2000);
    assert.deepEqual(bars.map((bar) => bar.kind), ["failed", "wait"]);
  });

  it("are filled as far as the items of a map are done", () => {
    const running = row({ status: "running", spans: [["work", 0, null]], done: 52, total: 84 });
    assert.equal(barsOf(running, map, 5000)[0]?.filled, 52 / 84);
    const none = row({ status: "running", spans: [["work", 0, null]], done: 0, total: 0 });
    assert.equal(barsOf(none, map, 5000)[0]?.filled, null);
  });
});

describe("the words of a step", () => {
  it("say what came of it, or why nothing has", () => {
    assert.equal(wordsOf(plain, 0), "84 files");
    assert.equal(wordsOf(row({ status: "paused" }), 0), "waits for a person");
    assert.equal(wordsOf(row({ status: "failed", text: "TimeoutError: no answer" }), 0), "TimeoutError");
    assert.equal(wordsOf(row({ status: "failed", text: "" }), 0), "failed");
    assert.equal(wordsOf(row({ status: "running", text: "" }), 0), "running");
    const retry = row({ status: "retrying", spans: [["work", 5000, null]] });
    assert.equal(wordsOf(retry, 2000), "again in 3 s");
    assert.equal(wordsOf(retry, 6000), "trying again");
    const asleep = row({ status: "running", spans: [["wait", 0, 60_000]] });
    assert.equal(wordsOf(asleep, 15_000), "wakes in 45 s");
    assert.equal(wordsOf(asleep, 61_000), "running");
    assert.equal(wordsOf(row({ status: "waiting", text: "" }), 0), "not started");
  });

  it("say that a step waits for a machine, and why", () => {
    const waits = row({ status: "waiting", text: "No worker fits: it needs 1 GPU." });
    assert.equal(wordsOf(waits, 0), "waits for a machine");
    assert.equal(Object.fromEntries(factsOf(waits, 0, 0))["why it waits"], waits.text);
    assert.equal(wordsOf({ ...waits, done: 0, total: 20 }, 0), "0 / 20, waits for a machine");
  });

  it("count the items of a map", () => {
    const items = { done: 52, total: 1084, retried: 2 };
    assert.equal(wordsOf(row({ status: "running", ...items }), 0), "52 / 1,084, 2 retried");
    assert.equal(wordsOf(row({ status: "failed", ...items, retried: 0 }), 0), "52 / 1,084, failed");
  });

  it("tell tries beside the bars where there is room", () => {
    const tried = row({ attempts: 3, most: 4 });
    const bar = { kind: "work", width: 0.1, filled: null } as const;
    assert.deepEqual(labelOf(tried, [{ ...bar, left: 0.3 }]), { at: 0.4, side: "after", text: "try 3 of 4" });
    assert.equal(labelOf(tried, [{ ...bar, left: 0.9 }])?.side, "before");
    assert.equal(labelOf(tried, [{ ...bar, left: 0, width: 1 }]), null);
    assert.equal(labelOf(plain, [{ ...bar, left: 0.3 }]), null);
  });

  it("say the bars for those who do not see them", () => {
    assert.equal(laneWords(plain, 0, 9000), "after 0.0 s, took 1 s");
    const running = row({ status: "running", spans: [["work", 2000, null]], attempts: 2 });
    assert.equal(laneWords(running, 0, 9000), "after 2 s, for 7 s so far, 2 tries");
    assert.equal(laneWords(row({ spans: [] }), 0, 9000), "not started");
  });

  it("hold every fact", () => {
    const facts = Object.fromEntries(factsOf(row({ executor: "thread", attempts: 2 }), 0, 0));
    assert.equal(facts["runs in"], "thread");
    assert.equal(facts["child run"], undefined);
    const call = factsOf(row({ child: "run-1.2" }), 0, 0);
    assert.deepEqual(call.find(([name]) => name === "child run"), ["child run", "run-1.2"]);
    assert.equal(facts["tries"], "2");
    assert.equal(facts["result"], "84 files");
  });

  it("give long times in two units", () => {
    assert.deepEqual([400, 42_000, 68_000, 7500e3].map(tookText), ["0.4 s", "42 s", "1 min 08 s", "2 h 5 min"]);
  });
});

describe("the store of steps", () => {
  const batch = (rows: StepRow[], reset = false): { batch: number; rows: StepRow[]; reset: boolean } => ({
    batch: 1,
    rows,
    reset,
  });

  it("keeps the last row of each order", () => {
    const store = new StepStore();
    store.add(batch([row({ order: 1, key: "2" }), plain]));
    store.add(batch([row({ text: "85 files" })]));
    assert.deepEqual(store.rows().map((step) => [step.key, step.text]), [["1", "85 files"], ["2", "84 files"]]);
  });

  it("forgets all on a reset", () => {
    const store = new StepStore();
    store.add(batch([plain, row({ order: 1 })]));
    store.add(batch([row({ text: "anew" })], true));
    assert.deepEqual(store.rows().map((step) => step.text), ["anew"]);
  });

  it("keeps the newest, and counts the others", () => {
    const store = new StepStore(3);
    store.add(batch([0, 1, 2, 3, 4].map((order) => row({ order, key: String(order) }))));
    assert.deepEqual(store.rows().map((step) => step.key), ["2", "3", "4"]);
    assert.equal(store.dropped, 2);
    store.add(batch([row({ order: 0, key: "late" })]));
    assert.equal(store.rows().length, 3);
  });

  it("knows when work was done: until now while a step is at work", () => {
    const store = new StepStore();
    store.add(batch([row({ status: "running", spans: [["work", 500, null]] })]));
    assert.deepEqual(store.busyUntil(9000), [[500, 9000]]);
    store.add(batch([row({ spans: [["work", 500, 700]] })]));
    assert.deepEqual(store.busyUntil(9000), [[500, 700]]);
  });

  it("takes the wait for a person for no work, in the steps around it neither", () => {
    const store = new StepStore();
    store.add(batch([row({ status: "running", spans: [["work", 0, null]] })]));
    store.add(batch([row({ order: 1, parent: 0, status: "paused", spans: [["pause", 5, null]] })]));
    assert.deepEqual(store.busyUntil(1e6), [[0, 0]]);
    store.add(batch([row({ order: 2, status: "running", spans: [["wait", 9e5, 9e6]] })]));
    assert.deepEqual(store.busyUntil(1e6), [[0, 0]]);
  });

  it("finds steps by the words of a filter", () => {
    const passes = stepFilter("PACK files");
    assert.ok(passes(plain));
    assert.ok(!passes(row({ name: "send" })));
    assert.ok(stepFilter(" ")(plain));
  });
});

describe("an answer", () => {
  it("is said to be what the kernel will take it for", () => {
    for (const [text, kind] of [
      ['{"approved": true}', "an object"],
      ["[1]", "a list"],
      ["0", "a number"],
      ["false", "False"],
      ["null", "None"],
      ['""', "text"],
    ] as const) {
      assert.equal(answerHint(text), `Taken as ${kind}.`);
    }
    assert.equal(answerHint("Ann said yes"), "Taken as text.");
    assert.equal(answerHint("NaN"), "Taken as text.");
    assert.ok(answerHint('{"approved": tru').includes("not whole JSON"));
    assert.ok(answerHint("  ").includes("None"));
  });
});
