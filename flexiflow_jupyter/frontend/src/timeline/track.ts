/**
 * The picture of the track: a few paths, whatever the number of steps. Pure.
 *
 * Ticks that would stand closer than a few pixels are thinned out to round numbers;
 * labels are there while each has 40 px. A message that failed is a cross between the
 * step before it and the next one.
 */
import { cut } from "../format";
import type { TimelineInfo } from "../protocol";

/** Room at both ends, for half a handle. */
export const PAD = 8;
const TICK_TOP = 14;
const TICK_END = 22;
const MIDDLE = 18;
const LEAST_TICK_GAP = 10;
const LABEL_GAP = 40;
const LETTER_PX = 6;
const CROSS = 3.5;
/** How far behind its step a failure stands, at most. */
const CROSS_AFTER = 11;

export interface TickLabel {
  x: number;
  text: string;
  full: string;
  anchor: "start" | "middle" | "end";
}

export interface TrackPicture {
  /** Up to the step that is shown. */
  line: string;
  /** From there on. */
  future: string;
  ticks: string;
  crosses: string;
  labels: TickLabel[];
  /** Where the live handle stands. */
  liveX: number;
  /** Where the handle of an earlier step stands, null while live. */
  pastX: number | null;
}

export type Steps = Pick<TimelineInfo, "first" | "last" | "failed" | "labels">;

/** Draw a track of a width; `at` is the earlier step that is shown, null while live. */
export function drawTrack(width: number, steps: Steps, at: number | null): TrackPicture {
  const x = (step: number): number => xOf(width, steps, step);
  const shownX = at === null ? x(steps.last) : x(at);
  const numbers = tickNumbers(width, steps);
  return {
    line: `M${PAD},${MIDDLE}H${round(shownX)}`,
    future: at === null ? "" : `M${round(shownX)},${MIDDLE}H${round(x(steps.last))}`,
    ticks: numbers.map((step) => `M${round(x(step))},${TICK_TOP}V${TICK_END}`).join(""),
    crosses: crossesOf(width, steps),
    labels: labelsOf(width, steps),
    liveX: round(x(steps.last)),
    pastX: at === null ? null : round(shownX),
  };
}

/** The step that is nearest to a place on the track. */
export function stepAt(width: number, steps: Steps, x: number): number {
  const gap = gapOf(width, steps);
  const step = gap === 0 ? steps.first : steps.first + Math.round((x - PAD) / gap);
  return Math.min(steps.last, Math.max(steps.first, step));
}

export function xOf(width: number, steps: Steps, step: number): number {
  const inside = Math.min(steps.last, Math.max(steps.first, step));
  return PAD + (inside - steps.first) * gapOf(width, steps);
}

function gapOf(width: number, { first, last }: Steps): number {
  return last > first ? Math.max(0, width - 2 * PAD) / (last - first) : 0;
}

/** Every step, or round ones, with both ends. */
function tickNumbers(width: number, steps: Steps): number[] {
  const { first, last } = steps;
  if (last <= first) return last < first ? [] : [first];
  const stride = strideOf(gapOf(width, steps));
  const numbers = [first];
  for (let n = (Math.floor(first / stride) + 1) * stride; n < last; n += stride) {
    const isClear = stride === 1 || (n - first >= stride / 2 && last - n >= stride / 2);
    if (isClear) numbers.push(n);
  }
  numbers.push(last);
  return numbers;
}

/** The least of 1, 2, 5, 10, 20, ... that keeps ticks apart. */
function strideOf(gap: number): number {
  if (gap <= 0) return Number.MAX_SAFE_INTEGER;
  for (let decade = 1; ; decade *= 10) {
    for (const factor of [1, 2, 5]) {
      if (gap * decade * factor >= LEAST_TICK_GAP) return decade * factor;
    }
  }
}

function crossesOf(width: number, steps: Steps): string {
  const gap = gapOf(width, steps);
  const drawn = new Set<number>();
  let path = "";
  for (const step of steps.failed) {
    if (step < steps.first || step > steps.last) continue;
    const after = step === steps.last ? CROSS_AFTER : Math.min(CROSS_AFTER, gap / 2);
    const x = round(xOf(width, steps, step) + after);
    const place = Math.round(x / 4);
    if (drawn.has(place)) continue;
    drawn.add(place);
    path += `M${x - CROSS},${MIDDLE - CROSS}l7,7M${x + CROSS},${MIDDLE - CROSS}l-7,7`;
  }
  return path;
}

function labelsOf(width: number, steps: Steps): TickLabel[] {
  const gap = gapOf(width, steps);
  const isWhole = steps.labels.length === steps.last - steps.first + 1;
  if (!isWhole || (steps.last > steps.first && gap < LABEL_GAP)) return [];
  return steps.labels.map((full, n) => {
    const x = round(xOf(width, steps, steps.first + n));
    const room = gap === 0 ? width : gap;
    const text = cut(full, Math.max(3, Math.floor((room - 6) / LETTER_PX)));
    return { x, text, full, anchor: anchorOf(text, n, steps) };
  });
}

/** Labels at the ends stay within the track. */
function anchorOf(text: string, n: number, steps: Steps): TickLabel["anchor"] {
  if (n === 0) return "start";
  const isLast = n === steps.last - steps.first;
  return isLast && (text.length * LETTER_PX) / 2 > 2 * PAD ? "end" : "middle";
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
