import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readFields } from "../src/fields";
import type { Field, FieldKind } from "../src/protocol";

function field(name: string, kind: FieldKind, extra: Partial<Field> = {}): Field {
  return { name, kind, hint: "", required: false, ...extra };
}

describe("fields", () => {
  it("become values of their kinds", () => {
    const fields = [
      field("items", "number"),
      field("order_id", "text"),
      field("express", "boolean"),
      field("pay_by", "choice", { choices: ["card", 2] }),
      field("note", "json"),
      field("rest", "json"),
    ];
    const typed = new Map<string, string | boolean>([
      ["items", "2.5"],
      ["order_id", "007"],
      ["express", false],
      ["pay_by", "1"],
      ["note", '{"a": [1]}'],
      ["rest", "plain text"],
    ]);

    const result = readFields(fields, typed);

    assert.ok(result.ok);
    assert.deepEqual(result.fields, {
      items: 2.5,
      order_id: "007",
      express: false,
      pay_by: 2,
      note: { a: [1] },
      rest: "plain text",
    });
  });

  it("that are empty are left out unless they are required", () => {
    const optional = readFields([field("a", "number")], new Map());
    const required = readFields([field("a", "number", { required: true, hint: "at least 1" })], new Map());

    assert.deepEqual(optional, { ok: true, fields: {} });
    assert.deepEqual(required, { ok: false, name: "a", problem: "a is empty; wanted is at least 1." });
  });

  it("that do not fit are named", () => {
    const result = readFields([field("a", "number")], new Map([["a", "two"]]));

    assert.deepEqual(result, { ok: false, name: "a", problem: "a is two; wanted is a number." });
  });
});
