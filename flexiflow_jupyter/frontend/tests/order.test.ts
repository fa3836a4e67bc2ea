import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { orderButtons } from "../src/order";
import { inOrder } from "../src/contextOrder";
import type { ContextEntry, MessageInfo } from "../src/protocol";

function message(type: string, enabled: boolean): MessageInfo {
  return { type, enabled, reason: "", fields: [] };
}

describe("message buttons", () => {
  it("stand enabled before disabled, each in document order", () => {
    const messages = [message("a", false), message("b", true), message("c", false), message("d", true)];
    const { row, menu } = orderButtons(messages);

    assert.deepEqual(row.map(({ type }) => type), ["b", "d", "a", "c"]);
    assert.deepEqual(menu, []);
  });

  it("beyond ten move to a menu when they do nothing now", () => {
    const messages = Array.from({ length: 11 }, (_, n) => message(`m${n}`, n === 7));
    const { row, menu } = orderButtons(messages);

    assert.deepEqual(row.map(({ type }) => type), ["m7"]);
    assert.equal(menu.length, 10);
  });
});

describe("context keys", () => {
  it("beyond eight show what changed first", () => {
    const entries: ContextEntry[] = Array.from({ length: 12 }, (_, n) => ({
      key: `k${n}`,
      value: "1",
      previous: null,
      changed: n === 11,
    }));

    assert.deepEqual(inOrder(entries).map(({ key }) => key).slice(0, 2), ["k11", "k0"]);
    assert.equal(inOrder(entries).length, 8);
    assert.deepEqual(inOrder(entries.slice(0, 8)).map(({ key }) => key)[0], "k0");
  });
});
