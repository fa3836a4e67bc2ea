/**
 * Where a moment stands on the lanes of an execution. Pure arithmetic.
 *
 * Time runs evenly, save where nothing but a person is waited for: a stretch without
 * work that would squeeze all the rest is folded to a narrow piece of its own.
 */

export interface Segment {
  /** Epoch ms of its beginning and its end. */
  from: number;
  to: number;
  /** Fractions of the lane's width, 0 to 1. */
  left: number;
  right: number;
  /** Whether the time in it is folded: it is longer than it looks. */
  isFolded: boolean;
}

export interface TimeMap {
  /** In order, without gaps, from 0 to 1. */
  segments: readonly Segment[];
  /** Distance of the marks on the axis, in ms. */
  stepMs: number;
}

export interface Mark {
  /** Fraction of the lane's width. */
  at: number;
  text: string;
  /** Whether the mark names a folded stretch instead of a moment. */
  isFold: boolean;
}

/** A stretch of time, epoch ms. */
export type Interval = readonly [from: number, to: number];

/** Round distances of marks, in ms: parts of a second, a minute, an hour, days. */
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3,
  900e3, 1800e3, 3600e3, 7200e3, 14400e3, 21600e3, 43200e3, 86400e3,
];
const DAY = 86400e3;
const FEWEST_MARKS = 5;
const MOST_MARKS = 7;
/** The part of the lane that stays free on the right, for what comes next. */
const ROOM = 1.06;
/** Idle time shorter than this is never folded. */
const SHORTEST_FOLD_MS = 10_000;
/** How many times all the rest a stretch is when it is folded. */
const FOLD_WHEN = 2;
const FOLD_WIDTH = 0.12;
const ALL_FOLDS_WIDTH = 0.4;

/** The shortest round length that holds `ms` in 5 to 7 marks, and their distance. */
export function roundLength(ms: number): { lengthMs: number; stepMs: number } {
  const wanted = Math.max(ms * ROOM, FEWEST_MARKS);
  let best = { lengthMs: Infinity, stepMs: 0 };
  for (const stepMs of [...STEPS, roundDays(wanted)]) {
    const marks = Math.max(FEWEST_MARKS, Math.ceil(wanted / stepMs));
    const lengthMs = marks * stepMs;
    if (marks <= MOST_MARKS && lengthMs < best.lengthMs) best = { lengthMs, stepMs };
  }
  return best;
}

/** A round number of days for marks of executions that take weeks and more. */
function roundDays(wanted: number): number {
  const days = Math.max(1, wanted / DAY / MOST_MARKS);
  const tens = 10 ** Math.floor(Math.log10(days));
  return DAY * tens * Math.ceil(days / tens);
}

/**
 * The map of an execution from `start` to `end` (now, while it lasts), in which work
 * was done in the `busy` stretches, ordered and apart.
 */
export function timeMap(start: number, end: number, busy: readonly Interval[]): TimeMap {
  const last = Math.max(start, end);
  const idle = idleStretches(start, last, busy);
  const folded = foldedOf(idle, last - start);
  const hidden = folded.reduce((sum, [from, to]) => sum + to - from, 0);
  const { lengthMs, stepMs } = roundLength(last - start - hidden);
  const foldWidth = Math.min(FOLD_WIDTH, ALL_FOLDS_WIDTH / Math.max(1, folded.length));
  const perMs = (1 - foldWidth * folded.length) / lengthMs;
  const segments: Segment[] = [];
  let at = start;
  let left = 0;
  for (const [from, to] of folded) {
    const begin = left + (from - at) * perMs;
    if (from > at) segments.push({ from: at, to: from, left, right: begin, isFolded: false });
    left = begin + foldWidth;
    segments.push({ from, to, left: begin, right: left, isFolded: true });
    at = to;
  }
  const rest = Math.max((1 - left) / perMs, 0);
  segments.push({ from: at, to: at + rest, left, right: 1, isFolded: false });
  return { segments, stepMs };
}

/** The fraction of the lane at which a moment stands; 0 or 1 for one outside. */
export function positionOf(ms: number, map: TimeMap): number {
  const found = map.segments.find((segment) => ms < segment.to) ?? map.segments.at(-1);
  if (!found) return 0;
  const part = (ms - found.from) / (found.to - found.from);
  return found.left + Math.min(1, Math.max(0, part)) * (found.right - found.left);
}

/** The marks of the axis: round times since the beginning, and the folded stretches. */
export function marksOf(map: TimeMap): Mark[] {
  const marks: Mark[] = [];
  map.segments.forEach((segment, index) => {
    if (segment.isFolded) {
      const at = (segment.left + segment.right) / 2;
      marks.push({ at, text: lengthText(segment.to - segment.from), isFold: true });
    } else {
      // After a fold the clock starts anew: what counts is how long the rest took.
      marks.push(...marksIn(segment, map.stepMs, index > 0));
    }
  });
  return marks;
}

function marksIn(segment: Segment, stepMs: number, isLater: boolean): Mark[] {
  const marks: Mark[] = [];
  const count = Math.floor((segment.to - segment.from) / stepMs + 1e-9);
  for (let i = isLater ? 1 : 0; i <= count; i += 1) {
    const part = (i * stepMs) / (segment.to - segment.from);
    const at = segment.left + part * (segment.right - segment.left);
    const text = `${isLater ? "+" : ""}${markText(i * stepMs, stepMs)}`;
    const isAtEdge = i > 0 && segment.right - at < (segment.right < 1 ? 0.04 : 0.02);
    if (!isAtEdge) marks.push({ at, text, isFold: false });
  }
  return marks;
}

/** A time on the axis, in the unit of its marks: "0s", "40s", "200ms", "1.5s", "3m". */
function markText(ms: number, stepMs: number): string {
  if (stepMs < 500) return `${ms}ms`;
  if (stepMs < 60e3 && ms < 60e3) return `${trim(ms / 1000)}s`;
  if (stepMs < 60e3) return twoUnits(ms, 60e3, "m", "s");
  if (stepMs < 3600e3 && ms < 3600e3) return `${trim(ms / 60e3)}m`;
  if (stepMs < 3600e3) return twoUnits(ms, 3600e3, "h", "m");
  return stepMs < DAY ? `${trim(ms / 3600e3)}h` : `${trim(ms / DAY)}d`;
}

/** "1m15s", and "1m" where nothing is left over. */
function twoUnits(ms: number, unitMs: number, unit: string, part: string): string {
  const rest = trim((ms % unitMs) / (unitMs / 60));
  return `${Math.floor(ms / unitMs)}${unit}${rest === "0" ? "" : rest + part}`;
}

/** A long stretch in its one largest unit: "45 min", "2 d". */
function lengthText(ms: number): string {
  if (ms < 60e3) return `${Math.round(ms / 1000)} s`;
  if (ms < 3600e3) return `${Math.round(ms / 60e3)} min`;
  return ms < 2 * DAY ? `${Math.round(ms / 3600e3)} h` : `${Math.round(ms / DAY)} d`;
}

function trim(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

/** What lies between the busy stretches, and after them. */
function idleStretches(start: number, end: number, busy: readonly Interval[]): Interval[] {
  const idle: Interval[] = [];
  let at = start;
  for (const [from, to] of busy) {
    if (from > at) idle.push([at, Math.min(from, end)]);
    at = Math.max(at, to);
  }
  if (end > at) idle.push([at, end]);
  return idle;
}

/** The idle stretches that would leave no room for the rest, in order of time. */
function foldedOf(idle: readonly Interval[], totalMs: number): Interval[] {
  const length = ([from, to]: Interval): number => to - from;
  const kept = new Set<Interval>();
  let shown = totalMs - idle.reduce((sum, stretch) => sum + length(stretch), 0);
  for (const stretch of [...idle].sort((a, b) => length(a) - length(b))) {
    if (length(stretch) > Math.max(SHORTEST_FOLD_MS, FOLD_WHEN * shown)) break;
    kept.add(stretch);
    shown += length(stretch);
  }
  return idle.filter((stretch) => !kept.has(stretch));
}

/** The union of stretches of time, added one by one; near ones grow together. */
export class BusyTime {
  readonly #stretches: [number, number][] = [];
  readonly #toleranceMs: number;

  constructor(toleranceMs = 1000) {
    this.#toleranceMs = toleranceMs;
  }

  /** In order of time, apart by more than the tolerance. */
  get stretches(): readonly Interval[] {
    return this.#stretches;
  }

  add(from: number, to: number): void {
    const list = this.#stretches;
    let at = list.length;
    while (at > 0 && (list[at - 1]?.[1] ?? 0) + this.#toleranceMs >= from) at -= 1;
    const merged: [number, number] = [from, Math.max(from, to)];
    let count = 0;
    for (let next = list[at]; next && next[0] - this.#toleranceMs <= merged[1]; next = list[at + count]) {
      merged[0] = Math.min(merged[0], next[0]);
      merged[1] = Math.max(merged[1], next[1]);
      count += 1;
    }
    list.splice(at, count, merged);
  }

  clear(): void {
    this.#stretches.length = 0;
  }
}
