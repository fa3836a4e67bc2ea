/** What a new definition changed, in words. Pure. */
import type { ChangesInfo, Mark } from "../protocol";

const MARKS: readonly Mark[] = ["added", "removed", "changed"];

/** The marks that are drawn, in a fixed order: what a legend has to explain. */
export function drawnMarks({ states, edges }: ChangesInfo): Mark[] {
  const found = new Set([...Object.values(states), ...Object.values(edges)]);
  return MARKS.filter((mark) => found.has(mark));
}

/** The counts in words: "1 state added, 2 transitions removed". */
export function summary(changes: ChangesInfo): string {
  const parts: string[] = [];
  for (const mark of MARKS) {
    for (const [noun, marked] of [
      ["state", changes.states],
      ["transition", changes.edges],
    ] as const) {
      const count = Object.values(marked).filter((each) => each === mark).length;
      if (count > 0) parts.push(`${count} ${noun}${count === 1 ? "" : "s"} ${mark}`);
    }
  }
  if (parts.length > 0) return parts.join(", ");
  return changes.lines.length > 0 ? changes.lines.join(", ") : "nothing that is drawn";
}
