import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StepAnswer } from "../src/protocol";
import { Deeds } from "../src/timeline/deeds";
import { forkIn, panelCell } from "../src/timeline/fork";
import { KEPT, Looking } from "../src/timeline/looking";

function step(at: number): StepAnswer {
  return {
    kind: "step",
    at,
    active: [`s${at}`],
    parents: [],
    edge: null,
    time_ms: 0,
    message: "go",
    cause: "go",
    story: "",
    seq: at,
    state: `s${at}`,
    context: [],
    context_more: 0,
    output: [],
    failed: "",
  };
}

function watched(last = 100): { looking: Looking; asked: number[]; shown: (number | null)[]; clock: { now: number } } {
  const asked: number[] = [];
  const shown: (number | null)[] = [];
  const clock = { now: 0 };
  const looking = new Looking((at) => asked.push(at), () => clock.now);
  looking.shown.on((answer) => shown.push(answer?.at ?? null));
  looking.reach(last);
  return { looking, asked, shown, clock };
}

describe("looking back", () => {
  it("shows a step when its answer comes, and the live state again", () => {
    const { looking, asked, shown } = watched();
    looking.look(3);
    assert.equal(looking.shown.value, null);
    looking.receive(step(3));
    looking.live();

    assert.deepEqual(asked, [3]);
    assert.deepEqual(shown, [3, null]);
  });

  it("has one question under way, and then asks for what is wanted by now", () => {
    const { looking, asked, shown } = watched();
    for (const at of [10, 11, 12, 13]) looking.look(at);
    assert.deepEqual(asked, [10]);
    looking.receive(step(10));
    looking.receive(step(13));

    assert.deepEqual(asked, [10, 13]);
    assert.deepEqual(shown, [10, 13]);
  });

  it("shows no answer that leads away from what is wanted", () => {
    const { looking, shown } = watched();
    looking.look(50);
    looking.receive(step(50));
    looking.look(10);
    looking.look(51);
    looking.receive(step(10));
    looking.receive(step(51));

    assert.deepEqual(shown, [50, 51]);
  });

  it("asks no second time for what it keeps, and keeps few", () => {
    const { looking, asked } = watched(1000);
    for (let at = 0; at < 3 * (KEPT + 1); at += 3) {
      looking.look(at);
      looking.receive(step(at));
    }
    asked.length = 0;
    looking.look(3 * (KEPT - 1));
    looking.look(0);

    assert.deepEqual(asked, [0]);
  });

  it("has the next step at hand for whoever goes step by step", () => {
    const { looking, asked, shown } = watched(10);
    looking.look(9);
    looking.receive(step(9));
    looking.receive(step(8));
    looking.look(8);
    assert.deepEqual(shown, [9, 8]);
    looking.receive(step(7));
    looking.look(2);
    looking.receive(step(2));

    assert.deepEqual(asked, [9, 8, 7, 2]);
    assert.deepEqual(shown, [9, 8, 2]);
  });

  it("is live at the last step, and stays where it is when more are made", () => {
    const { looking } = watched(5);
    looking.look(5);
    assert.equal(looking.wanted.value, null);
    looking.look(4);
    looking.receive(step(4));
    looking.reach(9);

    assert.equal(looking.shown.value?.at, 4);
  });

  it("takes the nearest step for one that is no longer there", () => {
    const { looking, asked } = watched();
    looking.look(3);
    looking.receive(step(20));

    assert.equal(looking.wanted.value, 20);
    assert.equal(looking.shown.value?.at, 20);
    assert.deepEqual(asked, [3]);
  });

  it("goes live when the steps end before the one it shows", () => {
    const { looking } = watched(9);
    looking.look(5);
    looking.receive(step(5));
    looking.reach(4);

    assert.equal(looking.shown.value, null);
  });

  it("goes live when the nearest step that is left is the live one", () => {
    const { looking, shown } = watched(9);
    looking.look(5);
    looking.receive(step(5));
    looking.reach(10);
    looking.forget();
    looking.receive(step(10));

    assert.deepEqual(shown, [5, null]);
    assert.equal(looking.wanted.value, null);
  });

  it("forgets what it kept when steps were taken back", () => {
    const { looking, asked } = watched(9);
    looking.look(5);
    looking.receive(step(5));
    looking.live();
    looking.reach(7);
    looking.look(5);

    assert.deepEqual(asked, [5, 5]);
  });

  it("asks anew after a question that was lost", () => {
    const { looking, asked, clock } = watched();
    looking.look(3);
    clock.now = 4000;
    looking.look(4);
    clock.now = 6000;
    looking.look(5);

    assert.deepEqual(asked, [3, 5]);
  });

  it("drops an answer that comes after the view went live", () => {
    const { looking, shown } = watched();
    looking.look(3);
    looking.live();
    looking.receive(step(3));

    assert.deepEqual(shown, []);
    looking.look(3);
    assert.equal(looking.shown.value?.at, 3);
  });

  it("glances at a step without showing it, and never before a look", () => {
    const { looking, asked, shown } = watched();
    const seen: number[] = [];
    looking.glance(8, (answer) => seen.push(answer.at));
    looking.look(9);
    looking.receive(step(8));
    looking.receive(step(9));
    looking.glance(8, (answer) => seen.push(answer.at));

    assert.deepEqual(asked, [8, 9]);
    assert.deepEqual(shown, [9]);
    assert.deepEqual(seen, [8]);
  });
});

describe("fork", () => {
  it("is named by the reply, with the code that gets it", () => {
    const text = 'lift~2 goes on in idle: get_engine().get("lift~2")';
    assert.deepEqual(forkIn(text), { name: "lift~2", code: 'get_engine().get("lift~2")' });
    assert.equal(forkIn("lift is recorded."), null);
  });

  it("is shown by a cell of its own where no panel came", () => {
    const made = panelCell("d1", "lift~2", 'get_engine().get("lift~2")');
    const code = 'from flexiflow_jupyter import get_engine, panel\n\npanel(get_engine().get("lift~2"))';
    assert.equal(made.text, code);
  });
});

describe("deeds", () => {
  it("are pending until the final reply, and then ok or failed", () => {
    const deeds = new Deeds();
    deeds.start("a", "fork");
    assert.equal(deeds.statusOf("fork"), "pending");
    assert.equal(deeds.reply("a", "pending"), "fork");
    assert.equal(deeds.statusOf("fork"), "pending");
    deeds.reply("a", "ok");
    assert.equal(deeds.statusOf("fork"), "ok");
    assert.equal(deeds.settle("fork"), true);

    assert.equal(deeds.statusOf("fork"), "idle");
    assert.equal(deeds.reply("a", "failed"), undefined);
  });

  it("keep a failure until they are done again", () => {
    const deeds = new Deeds();
    deeds.start("a", "undo");
    deeds.reply("a", "failed");
    assert.equal(deeds.settle("undo"), false);
    assert.equal(deeds.statusOf("undo"), "failed");
    deeds.start("b", "undo");
    deeds.abandon();

    assert.equal(deeds.statusOf("undo"), "idle");
  });
});
