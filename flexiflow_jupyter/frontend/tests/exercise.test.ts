import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { paragraphsOf, piecesOf } from "../src/exerciseText";

describe("the words of an exercise", () => {
  it("shows names in backticks as code", () => {
    assert.deepEqual(piecesOf("On `coin` it goes on."), [
      { text: "On ", isCode: false },
      { text: "coin", isCode: true },
      { text: " it goes on.", isCode: false },
    ]);
  });

  it("takes a backtick without its fellow for an ordinary sign", () => {
    assert.deepEqual(piecesOf("a `b` c ` d"), [
      { text: "a ", isCode: false },
      { text: "b", isCode: true },
      { text: " c ` d", isCode: false },
    ]);
  });

  it("leaves markup alone: it is text", () => {
    assert.deepEqual(piecesOf("<b>no</b>"), [{ text: "<b>no</b>", isCode: false }]);
  });

  it("makes no paragraph of an empty line", () => {
    assert.deepEqual(paragraphsOf("one\n\ntwo\n"), ["one", "two"]);
  });
});
