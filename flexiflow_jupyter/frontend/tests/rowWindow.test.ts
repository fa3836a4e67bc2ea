import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { rowTop, rowWindow, tableHeight } from "../src/rowWindow";

const plain = { count: 100, rowPx: 24, openIndex: -1, openPx: 0 };
const open = { ...plain, openIndex: 10, openPx: 80 };

describe("row window", () => {
  it("is the visible rows and some more", () => {
    assert.deepEqual(rowWindow(0, 96, plain), { from: 0, to: 7 });
    assert.deepEqual(rowWindow(2304, 96, plain), { from: 93, to: 100 });
  });

  it("leaves room below an open row", () => {
    assert.equal(tableHeight(open), 2480);
    assert.equal(rowTop(10, open), 240);
    assert.equal(rowTop(11, open), 344);
  });

  it("holds every row that is seen, wherever the page is scrolled to", () => {
    for (let px = 0; px <= tableHeight(open) - 96; px += 7) {
      const { from, to } = rowWindow(px, 96, open, 0);
      for (let index = 0; index < open.count; index += 1) {
        const top = rowTop(index, open);
        const isSeen = top + 24 > px && top < px + 96;
        if (isSeen) assert.ok(index >= from && index < to, `${index} at ${px}`);
      }
    }
  });
});
