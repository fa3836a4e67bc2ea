/** The steps of an execution as far as they are kept. Pure: no DOM, no timers. */
import type { Interval } from "./gantt";
import { BusyTime } from "./gantt";
import type { StepBatch, StepRow } from "./protocol";

/** Rows that are kept; the newest, when there are more. */
export const MOST_STEPS = 10_000;

export class StepStore {
  /** When work was done: not in the waits for a person or for a retry. */
  readonly busy = new BusyTime();
  /** Counts batches, so that a view knows whether it has seen the last one. */
  version = 0;
  #rows: (StepRow | undefined)[] = [];
  #first = 0;
  /** The orders of steps that have others in them, and of those at work, since when. */
  readonly #parents = new Set<number>();
  readonly #underWay = new Map<number, number>();
  readonly #most: number;

  constructor(most = MOST_STEPS) {
    this.#most = most;
  }

  /** How many steps came before the first one that is kept. */
  get dropped(): number {
    return this.#first;
  }

  /** Take rows, each in place of the one with the same order. */
  add(batch: StepBatch): void {
    this.version += 1;
    if (batch.reset) this.#clear();
    for (const row of batch.rows) {
      if (row.order < this.#first) continue;
      this.#rows[row.order - this.#first] = row;
      this.#note(row);
    }
    const excess = this.#rows.length - this.#most;
    if (excess > 0) {
      this.#rows.splice(0, excess);
      this.#first += excess;
    }
  }

  /** The steps that pass a filter, in their order. */
  rows(passes: (row: StepRow) => boolean = () => true): StepRow[] {
    return this.#rows.filter((row): row is StepRow => row !== undefined && passes(row));
  }

  /** When work was done, with what is under way taken to last until `now`. */
  busyUntil(now: number): readonly Interval[] {
    if (this.#underWay.size === 0) return this.busy.stretches;
    const since = Math.min(...this.#underWay.values());
    const before = this.busy.stretches.filter(([, to]) => to < since);
    const first = this.busy.stretches[before.length]?.[0] ?? since;
    return [...before, [Math.min(first, since), Math.max(now, since)]];
  }

  /** A step around others only waits for them: their work counts, not its own. */
  #note(row: StepRow): void {
    if (row.parent !== null) {
      this.#parents.add(row.parent);
      this.#underWay.delete(row.parent);
    }
    this.#underWay.delete(row.order);
    if (this.#parents.has(row.order)) return;
    for (const [kind, from, to] of row.spans) {
      if (kind === "pause" || kind === "wait") continue;
      this.busy.add(from, to ?? from);
      const isAtWork = row.status === "running" || row.status === "retrying";
      if (to === null && isAtWork) this.#underWay.set(row.order, from);
    }
  }

  #clear(): void {
    this.#rows = [];
    this.#first = 0;
    this.busy.clear();
    this.#parents.clear();
    this.#underWay.clear();
  }
}

/** The step by which an execution failed: the last one, and of those within it the outer. */
export function lastFailed(rows: readonly StepRow[]): StepRow | undefined {
  let found: StepRow | undefined;
  for (const row of rows) {
    if (row.status !== "failed") continue;
    if (!found || row.depth <= found.depth) found = row;
  }
  return found;
}

/** A filter that wants all words in a step's name, status or text. */
export function stepFilter(text: string): (row: StepRow) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (row) => {
    const whole = `${row.name} ${row.status} ${row.text}`.toLowerCase();
    return words.every((word) => whole.includes(word));
  };
}
