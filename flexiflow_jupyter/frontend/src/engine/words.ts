/** What an entry says, for the picture, for screen readers, and as Mermaid text. Pure. */
import { formatCount } from "../format";
import type { Entry } from "./flowStore";

export const OUTSIDE = "outside";

/** What stands at its line. */
export function labelOf(entry: Entry): string {
  if (entry.kind === "gap") return `${formatCount(Number(entry.text))} left out`;
  if (entry.kind === "event") return `${entry.text} (bus)`;
  if (entry.kind === "state" && entry.error) return `${entry.text}: ${entry.error}`;
  if (entry.status === "failed" && entry.error) return `${entry.text}: ${entry.error}`;
  return entry.text;
}

/** From whom to whom, with what came of it: what the picture says by its lines. */
export function wayOf(entry: Entry): string {
  const from = entry.from || OUTSIDE;
  const to = entry.to.join(", ");
  switch (entry.kind) {
    case "gap":
      return "";
    case "state":
      return to;
    case "event":
      return to ? `${from} tells ${to}` : `${from} tells the bus`;
    case "dead":
      return `${from} to ${to}, not delivered`;
    case "message":
      return `${from} to ${to}${outcome(entry)}`;
  }
}

function outcome(entry: Entry): string {
  if (entry.status === "failed") return ", failed";
  if (entry.status === "ignored") return ", ignored";
  if (entry.status === "open") return ", at work";
  return "";
}

/** The messages of a second, from the counts and instants of the last looks. */
export class Rate {
  #looks: { at: number; count: number }[] = [];

  /** Note a count; how many came a second within the last two seconds. */
  note(count: number, at: number): number {
    this.#looks.push({ at, count });
    while (this.#looks.length > 2 && (this.#looks[1]?.at ?? at) < at - 2000) this.#looks.shift();
    const first = this.#looks[0];
    if (!first || at - first.at < 250) return 0;
    return Math.max(0, Math.round(((count - first.count) * 1000) / (at - first.at)));
  }
}

const MOST_MERMAID = 200;

/** The same picture as text: a Mermaid `sequenceDiagram`. */
export function mermaidOf(entries: readonly Entry[], components: readonly string[]): string {
  const shown = entries.slice(-MOST_MERMAID);
  const names = new Set(components);
  for (const entry of shown) {
    if (entry.kind === "gap") continue;
    if (entry.kind !== "event") for (const name of entry.to) names.add(name);
    if (entry.from) names.add(entry.from);
  }
  const ids = new Map([...names].map((name, at) => [name, `c${at}`]));
  const usesOutside = shown.some((entry) => isSent(entry) && !ids.has(entry.from));
  const lines = ["sequenceDiagram"];
  if (usesOutside) lines.push(`    actor outside`);
  for (const [name, id] of ids) lines.push(`    participant ${id} as ${mermaidText(name)}`);
  const open = new Set<Entry>();
  for (const entry of shown) {
    for (const one of [...open]) {
      if (one.end >= 0 && one.end < entry.ordinal) {
        open.delete(one);
        lines.push(`    deactivate ${ids.get(one.to[0] ?? "")}`);
      }
    }
    lines.push(...mermaidLines(entry, ids));
    if (entry.kind === "message" && ids.has(entry.to[0] ?? "") && entry.status !== "failed") {
      open.add(entry);
      lines.push(`    activate ${ids.get(entry.to[0] ?? "")}`);
    }
  }
  for (const one of open) lines.push(`    deactivate ${ids.get(one.to[0] ?? "")}`);
  return `${lines.join("\n")}\n`;
}

function isSent(entry: Entry): boolean {
  return entry.kind === "message" || entry.kind === "event" || entry.kind === "dead";
}

function mermaidLines(entry: Entry, ids: ReadonlyMap<string, string>): string[] {
  const label = mermaidText(labelOf(entry));
  const from = ids.get(entry.from) ?? "outside";
  const to = entry.to.flatMap((name) => ids.get(name) ?? []);
  if (entry.kind === "gap") {
    const all = [...ids.values()];
    const first = all[0];
    const last = all[all.length - 1];
    return first ? [`    Note over ${first === last ? first : `${first},${last}`}: ${label}`] : [];
  }
  if (entry.kind === "state") return to.map((id) => `    Note right of ${id}: ${label}`);
  if (entry.kind === "event") {
    if (to.length === 0) return [`    Note over ${from}: ${label}`];
    return to.map((id) => `    ${from}--)${id}: ${label}`);
  }
  const isDead = entry.kind === "dead" || entry.status === "failed";
  return to.map((id) => `    ${from}${isDead ? "-x" : "->>"}${id}: ${label}`);
}

/** Text of the user's that Mermaid takes for nothing else. */
function mermaidText(text: string): string {
  const plain = text
    .replaceAll("#", "#35;")
    .replaceAll(";", (mark, at: number, whole: string) =>
      whole.slice(at - 3, at) === "#35" ? mark : "#59;",
    );
  return plain.replaceAll(/[\r\n]+/g, " ").replaceAll("<", "#lt;").replaceAll(">", "#gt;") || "#160;";
}
