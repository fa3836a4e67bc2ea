import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseFreeForm } from "../src/freeForm";

describe("free-form message", () => {
  it("is a type, alone or with a JSON object", () => {
    const alone = parseFreeForm("  coin ");
    const withFields = parseFreeForm('pay {"amount": 2, "by": "card"}');

    assert.deepEqual(alone, { ok: true, message: { type: "coin", fields: {} }, text: "coin" });
    assert.ok(withFields.ok);
    assert.deepEqual(withFields.message, { type: "pay", fields: { amount: 2, by: "card" } });
  });

  it("puts a space before the object, as the kernel wants it", () => {
    const result = parseFreeForm('pay{"a": 1}');

    assert.ok(result.ok);
    assert.equal(result.text, 'pay {"a": 1}');
  });

  it("says what is wrong and what is right", () => {
    for (const text of ["", "   ", '{"type": "coin"}', "coin {", 'coin {"a": }', "coin [1]", "coin 3"]) {
      const result = parseFreeForm(text);

      assert.equal(result.ok, false, text);
      if (!result.ok) assert.ok(result.what.length > 0 && result.fix.includes("coin"));
    }
  });
});
