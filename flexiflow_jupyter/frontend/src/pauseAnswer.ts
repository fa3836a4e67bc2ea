/** How the kernel will take what a person types: JSON when it parses, else text. Pure. */

export function answerHint(text: string): string {
  const typed = text.trim();
  if (!typed) return "Nothing typed: the answer is None.";
  try {
    return `Taken as ${kindOf(JSON.parse(typed))}.`;
  } catch {
    const looksLikeJson = /^[[{"]/.test(typed);
    return looksLikeJson ? "This is not whole JSON, so it is taken as text." : "Taken as text.";
  }
}

function kindOf(data: unknown): string {
  if (data === null) return "None";
  if (Array.isArray(data)) return "a list";
  if (typeof data === "object") return "an object";
  if (typeof data === "boolean") return data ? "True" : "False";
  return typeof data === "number" ? "a number" : "text";
}
