/** Which context keys are shown, and in which order. Pure. */
import type { ContextEntry } from "./protocol";

/** More keys than this, and those that changed come first. */
export const MOST_KEYS = 8;

/** Document order; in a long list those that changed first, at most eight in all. */
export function inOrder(entries: readonly ContextEntry[]): ContextEntry[] {
  if (entries.length <= MOST_KEYS) return [...entries];
  const changed = entries.filter((entry) => entry.changed);
  const others = entries.filter((entry) => !entry.changed);
  return [...changed, ...others].slice(0, MOST_KEYS);
}
