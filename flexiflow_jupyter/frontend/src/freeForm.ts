/** The free-form message: `TYPE` or `TYPE {json}`. Pure. */

export interface FreeMessage {
  type: string;
  fields: Record<string, unknown>;
}

export type FreeFormResult =
  | { ok: true; message: FreeMessage; /** As the kernel gets it. */ text: string }
  | { ok: false; what: string; fix: string };

/**
 * Read what was typed: the type is the first word, the rest is one JSON object. An
 * empty text has a problem too. The kernel reads the same grammar.
 */
export function parseFreeForm(text: string): FreeFormResult {
  const trimmed = text.trim();
  const type = /^[^\s{]*/.exec(trimmed)?.[0] ?? "";
  const rest = trimmed.slice(type.length).trim();
  if (type === "") {
    return problem(
      rest === "" ? "There is no message yet." : "The message has no type.",
      'Type its name, like coin, or with fields: coin {"amount": 2}.',
    );
  }
  if (rest === "") return { ok: true, message: { type, fields: {} }, text: type };
  return parseFields(type, rest);
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
  const message = { type, fields: fields as Record<string, unknown> };
  return { ok: true, message, text: `${type} ${json}` };
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
