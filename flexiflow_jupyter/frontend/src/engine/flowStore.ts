/**
 * What goes to and fro in an engine, as far as it is kept: messages with their ends,
 * events, changes of states. Pure: no DOM, no timers.
 *
 * Entries are known by ordinals that only grow. Each event of the kernel has a row, so
 * that a hole in their sequence numbers is a number of rows that were left out.
 */
import type { FlowBatch, FlowRow } from "../protocol";

/** Entries that are kept; the newest, when there are more. */
export const MOST_ENTRIES = 1_000;

export type EntryKind = "message" | "event" | "state" | "dead" | "gap";

/** How far a message has come; "" for what is none. */
export type EntryStatus = "" | "open" | "handled" | "ignored" | "queued" | "failed" | "cut";

export interface Entry {
  readonly ordinal: number;
  readonly kind: EntryKind;
  readonly seq: number;
  readonly time: number;
  /** Who sends it, "" for outside. */
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly story: string;
  status: EntryStatus;
  /** What was raised, "" for nothing. */
  error: string;
  /** The ordinal of the last entry before the end of a message, -1 while it is open. */
  end: number;
}

export class FlowStore {
  /** Counts changes, so that a view knows whether it has seen the last one. */
  version = 0;
  /** Messages that were received in all. */
  messages = 0;
  readonly #most: number;
  #entries: Entry[] = [];
  #next = 0;
  #open = new Map<string, Entry>();
  #lastSeq = 0;
  #published = 0;
  #rows = 0;

  constructor(most = MOST_ENTRIES) {
    this.#most = most;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Rows of the kernel that never came, or are no longer kept. */
  get dropped(): number {
    return Math.max(0, this.#published - this.#rows);
  }

  add(batch: FlowBatch): void {
    this.version += 1;
    if (batch.reset) this.#clear();
    for (const row of batch.rows) this.#take(row);
    this.#published = Math.max(this.#published, batch.published);
    this.messages = Math.max(this.messages, batch.messages);
    this.#letGo();
  }

  #clear(): void {
    this.#entries = [];
    this.#open.clear();
    this.#lastSeq = 0;
    this.#rows = 0;
  }

  #take(row: FlowRow): void {
    const [seq, , kind, , to, text, story, outcome] = row;
    const missing = this.#lastSeq > 0 ? seq - this.#lastSeq - 1 : 0;
    if (missing > 0) this.#skip(row, missing);
    this.#lastSeq = Math.max(this.#lastSeq, seq);
    this.#rows += 1;
    const target = to[0] ?? "";
    const open = this.#open.get(target);
    if (kind === "message") {
      if (open) this.#finish(open, "cut");
      this.#open.set(target, this.#push(row, "message", "open"));
    } else if (kind === "end") {
      if (open) this.#finish(open, isStatus(outcome) ? outcome : "handled");
    } else if (kind === "failed") {
      if (open && open.text === text && open.story === story) {
        open.status = "failed";
        open.error = outcome;
      } else this.#push(row, "dead", "failed").error = outcome;
    } else if (kind === "dead") {
      this.#push(row, "dead", "failed").error = outcome;
    } else {
      const entry = this.#push(row, kind, "");
      entry.error = outcome;
    }
  }

  /** Rows are missing: nobody knows what ended meanwhile. */
  #skip(row: FlowRow, missing: number): void {
    for (const entry of [...this.#open.values()]) this.#finish(entry, "cut");
    const gap: FlowRow = [row[0], row[1], "event", "", [], String(missing), "", ""];
    this.#push(gap, "gap", "");
  }

  #finish(entry: Entry, status: EntryStatus): void {
    if (entry.status === "open") entry.status = status;
    entry.end = this.#next - 1;
    this.#open.delete(entry.to[0] ?? "");
  }

  #push(row: FlowRow, kind: EntryKind, status: EntryStatus): Entry {
    const [seq, time, , from, to, text, story] = row;
    const ordinal = this.#next;
    this.#next += 1;
    const entry = { ordinal, kind, seq, time, from, to, text, story, status, error: "", end: -1 };
    this.#entries.push(entry);
    return entry;
  }

  #letGo(): void {
    const excess = this.#entries.length - this.#most;
    if (excess <= 0) return;
    const next = this.#entries[excess];
    const gone = this.#entries.splice(0, excess);
    // Ends have no entry of their own: what is kept is told from the numbers.
    if (next) this.#rows = Math.min(this.#rows, this.#lastSeq - next.seq + 1);
    for (const entry of gone) {
      if (this.#open.get(entry.to[0] ?? "") === entry) this.#open.delete(entry.to[0] ?? "");
    }
  }
}

function isStatus(text: string): text is "handled" | "ignored" | "queued" | "failed" {
  return text === "handled" || text === "ignored" || text === "queued" || text === "failed";
}

/** Which entries are looked at. */
export interface FlowQuery {
  /** Only this story; "" for all. */
  story: string;
  /** Components that are left out. */
  hidden: ReadonlySet<string>;
}

export const EVERYTHING: FlowQuery = { story: "", hidden: new Set() };

/** The entries that a query shows, in order. */
export function shownEntries(entries: readonly Entry[], query: FlowQuery): readonly Entry[] {
  if (query.story === "" && query.hidden.size === 0) return entries;
  return entries.filter((entry) => isShown(entry, query));
}

function isShown(entry: Entry, { story, hidden }: FlowQuery): boolean {
  if (entry.kind === "gap") return story === "";
  if (story !== "" && entry.story !== story) return false;
  if (hidden.size === 0) return true;
  if (entry.kind === "event") {
    return !hidden.has(entry.from) || entry.to.some((name) => !hidden.has(name));
  }
  return entry.to.some((name) => !hidden.has(name));
}
