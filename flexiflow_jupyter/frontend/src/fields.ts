/** The values of a message's fields, from what was typed. Pure. */
import type { Field } from "./protocol";

export type FieldResult =
  | { ok: true; fields: Record<string, unknown> }
  | { ok: false; name: string; problem: string };

/** Read every field; the first that does not fit is named. */
export function readFields(
  fields: readonly Field[],
  typed: ReadonlyMap<string, string | boolean>,
): FieldResult {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const text = typed.get(field.name) ?? "";
    if (text === "") {
      if (!field.required) continue;
      return { ok: false, name: field.name, problem: `${field.name} is empty; ${wanted(field)}.` };
    }
    const value = readValue(field, text);
    if (value === undefined) {
      const problem = `${field.name} is ${String(text)}; ${wanted(field)}.`;
      return { ok: false, name: field.name, problem };
    }
    values[field.name] = value;
  }
  return { ok: true, fields: values };
}

/** Read one value; undefined when it does not fit the field's kind. */
function readValue(field: Field, typed: string | boolean): unknown {
  if (typeof typed === "boolean") return typed;
  switch (field.kind) {
    case "text":
      return typed;
    case "number": {
      const value = Number(typed);
      return typed.trim() !== "" && Number.isFinite(value) ? value : undefined;
    }
    case "boolean":
      return typed === "true";
    case "choice":
      return field.choices?.[Number(typed)];
    case "json":
      return readJson(typed);
  }
}

/** JSON when it parses, else the text itself. */
function readJson(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    return typed;
  }
}

function wanted(field: Field): string {
  const kinds = {
    text: "text",
    number: "a number",
    boolean: "yes or no",
    choice: "a choice",
    json: "a value",
  };
  return field.hint ? `wanted is ${field.hint}` : `wanted is ${kinds[field.kind]}`;
}
