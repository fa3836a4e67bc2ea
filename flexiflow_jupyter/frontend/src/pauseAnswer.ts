/** What a person typed as an answer: JSON when it parses, else text. Pure. */

export interface Answer {
  /** Whether anything was typed; without, the answer is nothing (None). */
  isEmpty: boolean;
  data: unknown;
  /** How it is taken, in words. */
  hint: string;
}

export function readAnswer(text: string): Answer {
  const typed = text.trim();
  if (!typed) return { isEmpty: true, data: null, hint: "Nothing typed: the answer is None." };
  try {
    const data: unknown = JSON.parse(typed);
    return { isEmpty: false, data, hint: `Taken as ${kindOf(data)}.` };
  } catch {
    const looksLikeJson = /^[[{"]/.test(typed);
    const hint = looksLikeJson ? "This is not whole JSON, so it is taken as text." : "Taken as text.";
    return { isEmpty: false, data: text, hint };
  }
}

function kindOf(data: unknown): string {
  if (data === null) return "None";
  if (Array.isArray(data)) return "a list";
  if (typeof data === "object") return "an object";
  if (typeof data === "boolean") return data ? "True" : "False";
  return typeof data === "number" ? "a number" : "text";
}
