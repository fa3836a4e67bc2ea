import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as viewport from "../src/graph/viewport";

const small = { width: 300, height: 100 };
const place = { width: 534, height: 204 };

describe("viewport", () => {
  it("never enlarges and never shows names too small to read", () => {
    assert.equal(viewport.fitScale(small, place), 1);
    const huge = { width: 5000, height: 3000 };

    assert.equal(viewport.fit(huge, place, 10, null).scale, viewport.READABLE);
    assert.ok(viewport.fit(huge, place, 60, null).scale < 0.12);
  });

  it("gives a height between 160 and 420, less for few states", () => {
    const tall = { width: 200, height: 3000 };

    assert.equal(viewport.placeHeight({ width: 10, height: 10 }, 534, 2), viewport.MIN_HEIGHT);
    assert.equal(viewport.placeHeight(tall, 534, 12), viewport.MAX_HEIGHT);
    assert.equal(viewport.placeHeight(tall, 534, 6), viewport.FLAT_HEIGHT);
  });

  it("puts a small picture in the middle wherever it is dragged", () => {
    const held = viewport.hold({ x: 900, y: -900, scale: 1 }, small, place);

    assert.deepEqual(held, { x: 117, y: 52, scale: 1 });
  });

  it("keeps a large picture in its place, whatever the drag", () => {
    const wide = { width: 2000, height: 100 };

    assert.equal(viewport.hold({ x: 900, y: 0, scale: 1 }, wide, place).x, 16);
    assert.equal(viewport.hold({ x: -9000, y: 0, scale: 1 }, wide, place).x, 534 - 2000 - 16);
  });

  it("keeps the point under the pointer while zooming", () => {
    const before = { x: -40, y: 10, scale: 1 };
    const after = viewport.zoom(before, 1.25, { x: 200, y: 100 }, 1);
    const under = (at: typeof before): number => (200 - at.x) / at.scale;

    assert.ok(Math.abs(under(before) - under(after)) < 1e-9);
    assert.ok(viewport.zoom(before, 100, { x: 0, y: 0 }, 1).scale <= 4);
  });

  it("pans as little as needed to reveal a box", () => {
    const at = { x: 0, y: 0, scale: 1 };
    const seen = viewport.reveal(at, { x: 50, y: 50, width: 80, height: 36 }, place);
    const outside = viewport.reveal(at, { x: 600, y: 50, width: 80, height: 36 }, place);

    assert.deepEqual(seen, at);
    assert.equal(outside.x, place.width - 16 - 680);
  });

  it("finds a corner for the controls that covers nothing", () => {
    const at = { x: 0, y: 0, scale: 1 };
    const corner = { x: 450, y: 170, width: 80, height: 30 };
    const all = { x: 0, y: 0, width: 534, height: 204 };

    assert.equal(viewport.freeCorner(at, [], place), "bottom-right");
    assert.equal(viewport.freeCorner(at, [corner], place), "bottom-left");
    assert.equal(viewport.freeCorner(at, [all], place), "none");
  });
});
