/** The rows of a stream up to a moment. Pure. */
import type { EventRow } from "./protocol";

interface Rows {
  readonly first: number;
  readonly end: number;
  at(ordinal: number): EventRow;
}

/** The rows whose sequence number is at most `seq`; rows are in order of it. */
export function rowsUntil(rows: Rows, seq: number): Rows {
  let [low, high] = [rows.first, rows.end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (rows.at(middle)[0] <= seq) low = middle + 1;
    else high = middle;
  }
  return { first: rows.first, end: low, at: (ordinal) => rows.at(ordinal) };
}
