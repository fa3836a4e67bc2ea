/** The extension's own decisions: which package, which language, what came. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { isDefinition } from "../src/labextension/cells";
import { codePoints, isOurs, wordAt } from "../src/labextension/hover";
import { readEngines } from "../src/labextension/link";
import { byVersion, takeShared } from "../src/labextension/shared";

it("of several versions the one in use is taken, else the newest", async () => {
  const provide = (value: string, loaded?: number) => ({ get: () => () => value, loaded });
  const newest = { p: { "4.9.0": provide("old"), "4.10.0": provide("new") } };
  const used = { p: { "4.9.0": provide("old", 1), "4.10.0": provide("new") } };

  assert.equal(await takeShared(newest, "p"), "new");
  assert.equal(await takeShared(used, "p"), "old");
  assert.equal(await takeShared(newest, "q"), null);
});

it("versions are ordered by their numbers", () => {
  const sorted = ["4.10.0", "4.2.0", "4.9.1-rc0"].map((v): [string, null] => [v, null]);
  assert.deepEqual(
    sorted.sort(byVersion).map(([version]) => version),
    ["4.2.0", "4.9.1-rc0", "4.10.0"],
  );
});

it("a cell is a definition when it begins with the magic as a word", () => {
  assert.ok(isDefinition("%%flexiflow\nname: x"));
  assert.ok(isDefinition("\n  \n%%flexiflow --no-panel\n"));
  assert.ok(!isDefinition("%%flexiflows\n"));
  assert.ok(!isDefinition("x = '%%flexiflow'"));
});

it("data of another shape lists nothing", () => {
  for (const data of [null, 3, {}, { engines: "x" }]) assert.deepEqual(readEngines(data), []);
});

it("only the words of FlexiFlow's cells and lines are asked for", () => {
  assert.ok(isOurs("%%flexiflow\nname: x", 15));
  assert.ok(isOurs("x = 1\n%flexiflow list", 12));
  assert.ok(!isOurs("x = 1\n%flexiflow list", 3));
});

it("a word reaches to both sides of the pointer", () => {
  assert.deepEqual(wordAt("on: {coin: open}", 6), { from: 5, to: 9 });
  assert.equal(wordAt("on:  {", 4), null);
});

it("the kernel counts characters, also beyond the first plane", () => {
  assert.equal(codePoints("😀a", 3), 2);
});
