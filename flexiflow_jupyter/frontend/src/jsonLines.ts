/** Events as JSON Lines, one object a line. Pure. */
import type { EventRow } from "./protocol";

export function toJsonLines(rows: Iterable<EventRow>): string {
  const lines: string[] = [];
  for (const [seq, time, name, component, story, data, level] of rows) {
    const at = Number.isFinite(time) ? new Date(time).toISOString() : null;
    lines.push(JSON.stringify({ seq, time: at, name, component, story, data, level }));
  }
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}
