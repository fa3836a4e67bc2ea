/**
 * The newest events of a stream, in a ring shared by the views of a model. Pure.
 *
 * Rows are addressed by their number in the log: `start` is the oldest one kept,
 * `end` is one past the newest. Numbers only grow, whatever is dropped.
 */
import type { EventBatch, EventRow } from "./protocol";

export const CAPACITY = 10_000;

export class EventLog {
  readonly #capacity: number;
  #rows: (EventRow | undefined)[] = [];
  #start = 0;
  #end = 0;
  #published = 0;
  #epoch = 0;

  constructor(capacity: number = CAPACITY) {
    this.#capacity = capacity;
  }

  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  /** Number of rows kept. */
  get kept(): number {
    return this.#end - this.#start;
  }

  /** All that was published and is not kept here: kept + dropped = published. */
  get dropped(): number {
    return Math.max(0, this.#published - this.kept);
  }

  /** Grows when rows were put in before others, so that all numbers are stale. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Sequence number of the newest row, 0 when there is none. */
  get lastSeq(): number {
    return this.#end > this.#start ? this.at(this.#end - 1)[0] : 0;
  }

  at(number: number): EventRow {
    const row = this.#rows[number % this.#capacity];
    if (!row || number < this.#start || number >= this.#end) {
      throw new RangeError(`No row ${number} in ${this.#start}..${this.#end}`);
    }
    return row;
  }

  /** Add a batch; rows that are known already are passed over. */
  add(batch: EventBatch): void {
    const first = batch.events[0];
    if (first && this.kept > 0 && first[0] <= this.lastSeq) this.#merge(batch.events);
    else this.#append(batch.events);
    this.#published = Math.max(this.#published, batch.published, batch.dropped + this.kept);
  }

  #append(rows: readonly EventRow[]): void {
    for (const row of rows) {
      this.#rows[this.#end % this.#capacity] = row;
      this.#end += 1;
    }
    this.#start = Math.max(this.#start, this.#end - this.#capacity);
  }

  /** Put rows in by their sequence number; the numbers of all rows change. */
  #merge(rows: readonly EventRow[]): void {
    const last = this.lastSeq;
    const known = new Map<number, EventRow>();
    for (let n = this.#start; n < this.#end; n += 1) known.set(this.at(n)[0], this.at(n));
    const news = rows.filter((row) => !known.has(row[0]));
    if (news.every((row) => row[0] > last)) {
      this.#append(news);
      return;
    }
    const all = [...known.values(), ...news].sort((a, b) => a[0] - b[0]);
    this.#rows = [];
    this.#start = this.#end;
    this.#epoch += 1;
    this.#append(all.slice(-this.#capacity));
  }
}
