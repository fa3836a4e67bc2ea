import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { columnsWanted, placeColumns } from "../src/engine/columns";
import type { Entry } from "../src/engine/flowStore";
import { EVERYTHING, FlowStore, shownEntries } from "../src/engine/flowStore";
import { barsOf, ROW_PX, shapeOf } from "../src/engine/shapes";
import { labelOf, mermaidOf, Rate, wayOf } from "../src/engine/words";
import type { FlowKind, FlowRow } from "../src/protocol";

const SPACE = { widthPx: 760, timePx: 100, storyPx: 60, leastPx: 120 };

function row(
  seq: number,
  kind: FlowKind,
  from: string,
  to: string[],
  text: string,
  outcome = "",
  story = "a1",
): FlowRow {
  return [seq, 1000 + seq, kind, from, to, text, story, outcome];
}

function filled(rows: FlowRow[], most = 1000): FlowStore {
  const store = new FlowStore(most);
  store.add({ batch: 1, rows, reset: true, published: rows.length, messages: 1 });
  return store;
}

function columnsOf(...names: string[]) {
  return placeColumns(names.map((name) => ({ name, isGone: false })), SPACE);
}

const TALK: FlowRow[] = [
  row(1, "message", "", ["order"], "pay"),
  row(2, "state", "", ["order"], "cart → charging"),
  row(3, "end", "", ["order"], "pay", "handled"),
  row(4, "message", "order", ["payments"], "charge"),
  row(5, "end", "", ["payments"], "charge", "handled"),
];

describe("what is kept of an engine", () => {
  it("a message ends at the last entry before its end", () => {
    const [pay, state, charge] = filled(TALK).entries;

    assert.equal(pay?.status, "handled");
    assert.equal(pay?.end, state?.ordinal);
    assert.equal(charge?.end, charge?.ordinal);
  });

  it("a failed message keeps what was raised", () => {
    const [entry] = filled([
      row(1, "message", "", ["order"], "pay"),
      row(2, "failed", "", ["order"], "pay", "ValueError: no"),
      row(3, "end", "", ["order"], "pay", "failed"),
    ]).entries;

    assert.equal(entry?.status, "failed");
    assert.equal(labelOf(entry as Entry), "pay: ValueError: no");
  });

  it("a message that failed before its turn is an entry of its own", () => {
    const { entries } = filled([
      row(1, "message", "", ["order"], "pay"),
      row(2, "failed", "", ["order"], "other", "CancelledError"),
    ]);

    assert.deepEqual(entries.map((entry) => [entry.kind, entry.status]), [
      ["message", "open"],
      ["dead", "failed"],
    ]);
  });

  it("missing numbers are a gap that ends what was open", () => {
    const { entries } = filled([
      row(1, "message", "", ["order"], "pay"),
      row(10, "message", "", ["payments"], "charge"),
    ]);

    assert.deepEqual(entries.map((entry) => entry.kind), ["message", "gap", "message"]);
    assert.equal(entries[0]?.status, "cut");
    assert.equal(labelOf(entries[1] as Entry), "8 left out");
  });

  it("a message that reached nobody has the number of the event before it", () => {
    const { entries } = filled([
      row(1, "state", "", ["order"], "registered"),
      row(1, "dead", "order", ["ghost"], "boo", "Unknown component"),
      row(2, "message", "", ["order"], "pay"),
    ]);

    assert.deepEqual(entries.map((entry) => entry.kind), ["state", "dead", "message"]);
  });

  it("the oldest entries go and are counted", () => {
    const rows = Array.from({ length: 50 }, (_, at) => row(at + 1, "state", "", ["a"], "x"));
    const store = filled(rows, 20);

    assert.equal(store.entries.length, 20);
    assert.equal(store.dropped, 30);
    assert.equal(store.entries[0]?.seq, 31);
  });

  it("a reset forgets what was there", () => {
    const store = filled(TALK);
    store.add({ batch: 2, rows: TALK.slice(0, 1), reset: true, published: 5, messages: 1 });

    assert.equal(store.entries.length, 1);
    assert.equal(store.dropped, 4);
  });

  it("a story shows only itself", () => {
    const store = filled([
      row(1, "state", "", ["a"], "x", "", "one"),
      row(2, "state", "", ["a"], "y", "", "two"),
      row(9, "state", "", ["a"], "z", "", "one"),
    ]);
    const shown = shownEntries(store.entries, { story: "one", hidden: new Set() });

    assert.deepEqual(shown.map((entry) => entry.text), ["x", "z"]);
    assert.equal(shownEntries(store.entries, EVERYTHING), store.entries);
  });

  it("a hidden component takes its messages with it", () => {
    const { entries } = filled(TALK);
    const shown = shownEntries(entries, { story: "", hidden: new Set(["payments"]) });

    assert.deepEqual(shown.map((entry) => entry.text), ["pay", "cart → charging"]);
  });
});

describe("the picture of an engine", () => {
  it("columns share the width and never get too narrow", () => {
    const few = columnsOf("a", "b", "c");
    const many = columnsOf(...Array.from({ length: 12 }, (_, at) => `c${at}`));

    assert.deepEqual(few.list.map((column) => column.x), [200, 400, 600]);
    assert.equal(few.sheetPx, 760);
    assert.equal(many.columnPx, 120);
    assert.equal(many.sheetPx, 100 + 12 * 120 + 60);
  });

  it("where there is no room for all, who is quiet has no column", () => {
    const names = Array.from({ length: 9 }, (_, at) => ({ name: `c${at}`, isGone: at === 8 }));
    const all = columnsWanted(names.slice(0, 5), new Set(), SPACE);
    const some = columnsWanted(names, new Set(["c7", "c6", "c5"]), SPACE);
    const many = columnsWanted(names, new Set(names.map(({ name }) => name)), SPACE);

    assert.deepEqual([all.names.length, all.quiet], [5, 0]);
    assert.deepEqual(some.names.map(({ name }) => name), ["c0", "c5", "c6", "c7", "c8"]);
    assert.equal(some.quiet, 4);
    assert.deepEqual([many.names.length, many.quiet], [9, 0]);
  });

  it("a message from outside begins with a dot at the edge", () => {
    const columns = columnsOf("order", "payments");
    const [pay, , charge] = filled(TALK).entries;
    const outside = shapeOf(pay as Entry, columns);
    const inside = shapeOf(charge as Entry, columns);

    assert.deepEqual(outside?.dots, [{ x: columns.edge, y: 22 }]);
    assert.deepEqual(inside?.dots, []);
    assert.ok(/^M255,22H/.test(inside?.lines ?? ""));
  });

  it("what is dead ends in a cross before its target", () => {
    const columns = columnsOf("order", "payments");
    const { entries } = filled([row(1, "dead", "order", ["payments"], "refund", "closed")]);
    const shape = shapeOf(entries[0] as Entry, columns);

    assert.equal(shape?.heads, "");
    assert.ok(shape?.crosses);
  });

  it("a message to itself is a loop", () => {
    const columns = columnsOf("order", "payments");
    const { entries } = filled([row(1, "message", "order", ["order"], "after 1s")]);

    assert.ok(/V22/.test(shapeOf(entries[0] as Entry, columns)?.lines ?? ""));
  });

  it("an event reaches all that hear it, dashed", () => {
    const columns = columnsOf("a", "b", "c");
    const { entries } = filled([row(1, "event", "b", ["a", "c", "audit"], "b.done")]);
    const shape = shapeOf(entries[0] as Entry, columns);

    assert.equal(shape?.isDashed, true);
    assert.equal(shape?.heads.match(/M/g)?.length, 2);
  });

  it("an event that nobody hears is a stub", () => {
    const columns = columnsOf("a", "b");
    const { entries } = filled([row(1, "event", "b", ["audit"], "b.done")]);
    const shape = shapeOf(entries[0] as Entry, columns);

    assert.equal(shape?.heads, "");
    assert.equal(shape?.dots.length, 1);
  });

  it("a bar lasts from a message to its end", () => {
    const columns = columnsOf("order", "payments");
    const store = filled(TALK);
    const bars = barsOf(store.entries, columns);

    assert.equal(bars.length, 2);
    assert.equal(bars[0]?.bottom, 2 * ROW_PX - 2);
    assert.ok((bars[1]?.top ?? 0) > 2 * ROW_PX);
  });

  it("a bar of a message under way reaches the last row", () => {
    const columns = columnsOf("order");
    const { entries } = filled([
      row(1, "message", "", ["order"], "pay"),
      row(2, "state", "", ["order"], "x"),
      row(3, "event", "order", [], "y"),
    ]);

    assert.equal(barsOf(entries, columns)[0]?.bottom, 3 * ROW_PX - 2);
  });
});

describe("the words of an engine", () => {
  it("screen readers hear from whom to whom", () => {
    const [pay, , charge] = filled(TALK).entries;

    assert.equal(wayOf(pay as Entry), "outside to order");
    assert.equal(wayOf(charge as Entry), "order to payments");
  });

  it("Mermaid gets participants, messages, notes and bars", () => {
    const text = mermaidOf(filled(TALK).entries, ["order", "payments"]);

    assert.equal(
      text,
      [
        "sequenceDiagram",
        "    actor outside",
        "    participant c0 as order",
        "    participant c1 as payments",
        "    outside->>c0: pay",
        "    activate c0",
        "    Note right of c0: cart → charging",
        "    deactivate c0",
        "    c0->>c1: charge",
        "    activate c1",
        "    deactivate c1",
        "",
      ].join("\n"),
    );
  });

  it("Mermaid takes names and data for text", () => {
    const { entries } = filled([
      row(1, "dead", "", ["a;b"], 'x {"n": "<b>#1"}\nend', "gone"),
      row(2, "event", "a;b", [], "e"),
    ]);
    const text = mermaidOf(entries, []);

    assert.ok(/participant c0 as a#59;b/.test(text));
    assert.ok(/outside-xc0: x \{"n": "#lt;b#gt;#35;1"\} end: gone/.test(text));
    assert.ok(/Note over c0: e \(bus\)/.test(text));
  });

  it("the rate is that of the last two seconds", () => {
    const rate = new Rate();

    assert.equal(rate.note(0, 0), 0);
    assert.equal(rate.note(100, 1000), 100);
    assert.equal(rate.note(100, 4000), 0);
  });
});
