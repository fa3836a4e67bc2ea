import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventFilter } from "../src/eventFilter";
import { EventLog } from "../src/eventLog";
import { toJsonLines } from "../src/jsonLines";
import type { EventBatch, EventRow } from "../src/protocol";

function row(seq: number, name = "state.changed", story = "a41c"): EventRow {
  return [seq, 1_795_147_200_000 + seq, name, "turnstile", story, `step ${seq}`, "info"];
}

function batch(from: number, to: number, published = to, dropped = 0): EventBatch {
  const events = Array.from({ length: to - from + 1 }, (_, n) => row(from + n));
  return { batch: 1, events, published, dropped };
}

function numbers(rows: { first: number; end: number; at(n: number): EventRow }): number[] {
  return Array.from({ length: rows.end - rows.first }, (_, n) => rows.at(rows.first + n)[0]);
}

describe("event log", () => {
  it("keeps the newest and counts the others: kept + dropped = published", () => {
    const log = new EventLog(10);
    for (let from = 1; from <= 22; from += 4) log.add(batch(from, from + 3));

    assert.equal(log.kept, 10);
    assert.equal(log.dropped, 14);
    assert.equal(log.lastSeq, 24);
    assert.equal(log.at(log.start)[0], 15);
    assert.throws(() => log.at(log.start - 1), /No row/);
  });

  it("counts what the kernel left out", () => {
    const log = new EventLog(10);
    log.add(batch(501, 504, 504, 500));

    assert.equal(log.kept + log.dropped, 504);
  });

  it("takes in a backlog that comes after live rows", () => {
    const log = new EventLog(10);
    log.add(batch(5, 7));
    log.add(batch(1, 7));

    assert.equal(log.kept, 7);
    assert.equal(log.epoch, 1);
    assert.deepEqual([log.at(log.start)[0], log.lastSeq], [1, 7]);
  });

  it("passes over rows that it has", () => {
    const log = new EventLog(10);
    log.add(batch(1, 4));
    log.add(batch(3, 6));

    assert.equal(log.kept, 6);
    assert.equal(log.epoch, 0);
  });
});

describe("event filter", () => {
  it("shows all rows of the log without a query", () => {
    const log = new EventLog(4);
    const filter = new EventFilter(log);
    log.add(batch(1, 6));
    filter.advance();

    assert.deepEqual(numbers(filter), [3, 4, 5, 6]);
  });

  it("wants every word, in any column, in any case", () => {
    const log = new EventLog(10);
    const filter = new EventFilter(log);
    log.add({ batch: 1, events: [row(1, "Order.Paid"), row(2), row(3)], published: 3, dropped: 0 });
    filter.query = { text: "PAID step", story: "" };
    filter.advance();

    assert.deepEqual(numbers(filter), [1]);
  });

  it("follows the ring: matches that fell out are gone, ordinals only grow", () => {
    const log = new EventLog(10);
    const filter = new EventFilter(log);
    filter.query = { text: "changed", story: "" };
    let last = -1;
    for (let seq = 1; seq <= 12_000; seq += 3) {
      log.add(batch(seq, seq + 2));
      filter.advance();
      assert.ok(filter.first >= last);
      last = filter.first;
    }

    assert.equal(filter.end - filter.first, 10);
    assert.equal(filter.at(filter.end - 1)[0], 12_000);
  });

  it("shows one story only", () => {
    const log = new EventLog(10);
    const filter = new EventFilter(log);
    log.add({ batch: 1, events: [row(1, "a", "s1"), row(2, "b", "s2")], published: 2, dropped: 0 });
    filter.query = { text: "", story: "s2" };
    filter.advance();

    assert.deepEqual(numbers(filter), [2]);
  });

  it("starts anew when rows were put in before others", () => {
    const log = new EventLog(10);
    const filter = new EventFilter(log);
    filter.query = { text: "step", story: "" };
    log.add(batch(5, 6));
    filter.advance();
    log.add(batch(1, 6));

    assert.equal(filter.advance(), true);
    assert.deepEqual(numbers(filter), [1, 2, 3, 4, 5, 6]);
  });
});

describe("JSON Lines", () => {
  it("has one object a line, with what a line break would break escaped", () => {
    const odd: EventRow = [1, 0, "a", "", "", "two\nlines", "failed"];
    const lines = toJsonLines([odd, row(2)]).split("\n");

    assert.equal(lines.length, 3);
    assert.deepEqual(JSON.parse(lines[0] ?? ""), {
      seq: 1,
      time: "1970-01-01T00:00:00.000Z",
      name: "a",
      component: "",
      story: "",
      data: "two\nlines",
      level: "failed",
    });
    assert.equal(toJsonLines([]), "");
  });
});
