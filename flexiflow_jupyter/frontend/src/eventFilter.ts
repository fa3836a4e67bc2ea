/**
 * The rows of a log that a view shows: all, or those that match. Pure.
 *
 * Rows shown are addressed by ordinals that only grow, so that a table can keep
 * the node of a row while older rows fall out of the ring.
 */
import type { EventLog } from "./eventLog";
import type { EventRow } from "./protocol";

export interface Query {
  /** Words that must all occur in name, component, story or data. */
  text: string;
  /** Only the events of this story; "" for all. */
  story: string;
}

export const ALL: Query = { text: "", story: "" };

/** How many rows one call of `advance` looks at: a few milliseconds of work. */
const CHUNK = 20_000;

export class EventFilter {
  readonly #log: EventLog;
  #query: Query = ALL;
  #words: string[] = [];
  #matches: number[] = [];
  #head = 0;
  #base = 0;
  #next = 0;
  #epoch = 0;

  constructor(log: EventLog) {
    this.#log = log;
    this.#restart();
  }

  get query(): Query {
    return this.#query;
  }

  get isActive(): boolean {
    return this.#words.length > 0 || this.#query.story !== "";
  }

  set query(query: Query) {
    this.#query = query;
    this.#words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
    this.#restart();
  }

  /** Ordinal of the first row shown. */
  get first(): number {
    return this.isActive ? this.#base + this.#head : this.#log.start;
  }

  /** One past the ordinal of the last row shown. */
  get end(): number {
    return this.isActive ? this.#base + this.#matches.length : this.#log.end;
  }

  at(ordinal: number): EventRow {
    const number = this.isActive ? this.#matches[ordinal - this.#base] : ordinal;
    if (number === undefined) throw new RangeError(`No row shown at ${ordinal}`);
    return this.#log.at(number);
  }

  /** Take in what the log got and lost; true when ordinals started anew. */
  advance(): boolean {
    const anew = this.#epoch !== this.#log.epoch;
    if (anew) this.#restart();
    if (!this.isActive) return anew;
    this.#next = Math.max(this.#next, this.#log.start);
    const end = Math.min(this.#log.end, this.#next + CHUNK);
    for (; this.#next < end; this.#next += 1) {
      if (this.matches(this.#log.at(this.#next))) this.#matches.push(this.#next);
    }
    this.#forget();
    return anew;
  }

  matches(row: EventRow): boolean {
    if (this.#query.story !== "" && row[4] !== this.#query.story) return false;
    if (this.#words.length === 0) return true;
    const text = `${row[2]} ${row[3]} ${row[4]} ${row[5]}`.toLowerCase();
    return this.#words.every((word) => text.includes(word));
  }

  #restart(): void {
    this.#matches = [];
    this.#head = 0;
    this.#base = 0;
    this.#next = this.#log.start;
    this.#epoch = this.#log.epoch;
  }

  /** Pass over matches that fell out of the ring; give their room back at times. */
  #forget(): void {
    const start = this.#log.start;
    for (;;) {
      const oldest = this.#matches[this.#head];
      if (oldest === undefined || oldest >= start) break;
      this.#head += 1;
    }
    if (this.#head > 4096) {
      this.#matches.splice(0, this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
  }
}
