import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MessageListener, WidgetModel } from "../src/host";
import { readTrait } from "../src/host";
import type { EventRow, StepAnswer, ToKernel, ToPage } from "../src/protocol";
import type { Session } from "../src/session";
import { openSession } from "../src/session";

/** A model whose proxies, like those of a host, are different objects. */
class FakeHost {
  readonly sent: ToKernel[] = [];
  readonly traits: Record<string, unknown> = { layout: {} };
  readonly #listeners = new Map<string, Set<unknown>>();

  proxy(): WidgetModel {
    return {
      get: (name) => this.traits[name],
      on: (name: string, listener: unknown) => {
        this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(listener));
      },
      off: (name, listener) => this.#listeners.get(name)?.delete(listener),
      send: (content) => this.sent.push(content),
    };
  }

  set(name: string, value: unknown): void {
    this.traits[name] = value;
    for (const listener of this.#listeners.get(`change:${name}`) ?? []) (listener as () => void)();
  }

  receive(message: ToPage): void {
    for (const listener of this.#listeners.get("msg:custom") ?? []) {
      (listener as MessageListener)(message, []);
    }
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
}

function opened(): { host: FakeHost; session: Session; release: () => void } {
  const host = new FakeHost();
  const [session, release] = openSession(host.proxy());
  return { host, session, release };
}

/** Keep timers from running by themselves; `run` runs those that wait now. */
function holdTimers(): { run(): void; restore(): void; readonly waiting: number } {
  const page = globalThis as unknown as Record<string, unknown>;
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const held = new Map<number, () => void>();
  let last = 0;
  page["setTimeout"] = (run: () => void): number => {
    last += 1;
    held.set(last, run);
    return last;
  };
  page["clearTimeout"] = (handle: number): void => void held.delete(handle);
  return {
    get waiting() {
      return held.size;
    },
    run() {
      const now = [...held];
      held.clear();
      for (const [, body] of now) body();
    },
    restore() {
      Object.assign(page, { setTimeout: set, clearTimeout: clear });
    },
  };
}

const row: EventRow = [7, 0, "state.changed", "turnstile", "a41c", "", "info"];
const error = { what: "push failed.", why: "", fix: "", detail: "" };

describe("session", () => {
  it("is one for all proxies of a model, until the last gives it back", () => {
    const { host, session, release } = opened();
    const [same, releaseSame] = openSession(host.proxy());

    assert.equal(same, session);
    release();
    release();
    assert.ok(host.listeners > 0);
    releaseSame();
    assert.equal(host.listeners, 0);
  });

  it("gives each send an id of its own and the version", () => {
    const { host, session, release } = opened();
    session.send("coin");
    session.sendText("pay", 'pay {"amount": 2}');
    const [first, second] = host.sent;

    assert.ok(first?.kind === "send" && second?.kind === "send");
    assert.ok(first.id !== second.id);
    assert.equal(first.v, 1);
    assert.deepEqual("text" in second && second.text, 'pay {"amount": 2}');
    release();
  });

  it("acknowledges each batch once, when it has been drawn", () => {
    const { host, session, release } = opened();
    host.receive({ kind: "snapshot", batch: 1, events: [row], published: 1, dropped: 0 });
    host.receive({ kind: "events", batch: 2, events: [], published: 1, dropped: 0 });

    assert.equal(host.sent.length, 0);
    session.acknowledge();
    session.acknowledge();
    assert.deepEqual(host.sent, [
      { v: 1, kind: "ack", batch: 1 },
      { v: 1, kind: "ack", batch: 2 },
    ]);
    release();
  });

  it("asks again for what it was not told, until an answer comes", () => {
    const clock = holdTimers();
    try {
      const { host, session, release } = opened();
      session.wantEvents();
      clock.run();
      clock.run();
      assert.equal(host.sent.length, 3);

      host.receive({ kind: "snapshot", batch: 1, events: [], published: 0, dropped: 0 });
      clock.run();
      assert.equal(host.sent.length, 3);
      release();
      assert.equal(clock.waiting, 0);
    } finally {
      clock.restore();
    }
  });

  it("stops asking after a while", () => {
    const clock = holdTimers();
    try {
      const { host, session, release } = opened();
      session.wantEvents();
      for (let n = 0; n < 20; n += 1) clock.run();
      assert.equal(host.sent.length, 5);
      release();
    } finally {
      clock.restore();
    }
  });

  it("asks for events once, from the last one it has", () => {
    const { host, session, release } = opened();
    host.receive({ kind: "events", batch: 1, events: [row], published: 7, dropped: 6 });
    session.wantEvents();
    session.wantEvents();

    assert.deepEqual(host.sent, [{ v: 1, kind: "need", what: "events", since: 7 }]);
    release();
  });

  it("keeps the problem of a failed send until the message is sent again", () => {
    const { host, session, release } = opened();
    session.send("push");
    const [sent] = host.sent;
    assert.ok(sent?.kind === "send");
    host.receive({ kind: "reply", id: sent.id, status: "failed", text: "", error });

    assert.equal(session.trouble?.problem, error);
    session.send("coin");
    assert.ok(session.trouble?.sent);
    session.retry(session.trouble.sent);
    assert.equal(session.trouble, null);
    release();
  });

  it("says why a message did nothing, until the next send", () => {
    const { host, session, release } = opened();
    session.send("push");
    const [sent] = host.sent;
    assert.ok(sent?.kind === "send");
    host.receive({ kind: "reply", id: sent.id, status: "ignored", text: "Not now.", error: null });

    assert.equal(session.note, "Not now.");
    session.send("push");
    assert.equal(session.note, "");
    release();
  });
});

describe("timeline of a session", () => {
  const answer: StepAnswer = {
    kind: "step",
    at: 2,
    active: ["locked"],
    parents: [],
    edge: null,
    time_ms: 0,
    message: "push",
    cause: "after push in unlocked",
    story: "",
    seq: 4,
    state: "locked",
    context: [],
    context_more: 0,
    output: [],
    failed: "",
  };

  it("shows the step that it asked for, until the view is closed", () => {
    const { host, session, release } = opened();
    host.set("timeline", { first: 0, last: 5 });
    session.looking.look(2);
    assert.deepEqual(host.sent, [{ v: 1, kind: "need", what: "step", at: 2 }]);
    host.receive(answer);
    assert.equal(session.lookingAt.value, answer);
    host.set("closed", "replaced");

    assert.equal(session.lookingAt.value, null);
    release();
    assert.equal(host.listeners, 0);
  });

  it("does something once, and keeps what came of it until the next deed", () => {
    const { host, session, release } = opened();
    session.do("fork", { at: 2 });
    const [sent] = host.sent;
    assert.ok(sent?.kind === "do");
    assert.deepEqual([sent.what, sent.at], ["fork", 2]);
    assert.equal(session.deeds.statusOf("fork"), "pending");
    host.receive({ kind: "reply", id: sent.id, status: "failed", text: "", error });
    assert.equal(session.deeds.statusOf("fork"), "failed");
    assert.equal(session.trouble?.problem, error);

    session.do("undo");
    const undo = host.sent[1];
    assert.ok(undo?.kind === "do");
    host.receive({ kind: "reply", id: undo.id, status: "ok", text: "Back in locked.", error: null });
    assert.equal(session.said, "Back in locked.");
    session.send("coin");
    assert.equal(session.said, "");
    release();
  });
});

describe("traits", () => {
  it("that are missing or empty have their empty values", () => {
    const host = new FakeHost();
    host.traits["graph"] = {};

    assert.deepEqual(readTrait(host.proxy(), "graph"), { nodes: [], edges: [] });
    assert.deepEqual(readTrait(host.proxy(), "active"), []);
    assert.equal(readTrait(host.proxy(), "notice"), null);
  });
});
