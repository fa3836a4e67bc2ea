/** The free-form message: `TYPE` or `TYPE {json}`. Pure. */

export interface FreeMessage {
  type: string;
  fields: Record<string, unknown>;
}

export type FreeFormResult =
  | { ok: true; message: FreeMessage }
  | { ok: false; what: string; fix: string };

/**
 * Read what was typed. The type ends at the first brace, so it may hold spaces;
 * the rest is one JSON object. An empty text has a problem too.
 */
export function parseFreeForm(text: string): FreeFormResult {
  const trimmed = text.trim();
  const brace = trimmed.indexOf("{");
  const type = (brace < 0 ? trimmed : trimmed.slice(0, brace)).trim();
  if (type === "") {
    return problem(
      brace < 0 ? "There is no message yet." : "The message has no type.",
      'Type its name, like coin, or with fields: coin {"amount": 2}.',
    );
  }
  if (brace < 0) return { ok: true, message: { type, fields: {} } };
  return parseFields(type, trimmed.slice(brace));
}

function parseFields(type: string, json: string): FreeFormResult {
  const shape = `Write ${type} {"name": value}, with double quotes around names and text.`;
  let fields: unknown;
  try {
    fields = JSON.parse(json);
  } catch (error) {
    return problem(`The text after ${type} is no JSON: ${reasonOf(error)}.`, shape);
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    return problem(`The text after ${type} is no JSON object.`, shape);
  }
  if ("type" in fields) {
    return problem("A field cannot be named type.", "The type is the first word; leave it out.");
  }
  return { ok: true, message: { type, fields: fields as Record<string, unknown> } };
}

/** The parser's own words, without the copy of the text that engines append. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const short = text.replace(/^JSON\.parse: /, "").replace(/, (?:\.\.\.)?".*$/s, "");
  return short.replace(/ in JSON(?= at|$)/, "").replace(/\.$/, "");
}

function problem(what: string, fix: string): FreeFormResult {
  return { ok: false, what, fix };
}
