/**
 * Places for edge labels: on their lines, where they cover no state, no other label
 * and, if possible, no other line. In the order of the edges, and once more where they
 * are in each other's way. Pure.
 */
import type { Box, Point } from "./geometry";
import { samples } from "./geometry";

export interface LabelRequest {
  id: string;
  points: readonly Point[];
  /** Tip of the arrow head, which no label is to cover. */
  tip: Point | null;
  /** Where the label would best be. */
  wish: Point;
  /** A place beside the line, where nothing on the line is free. */
  beside: Point | null;
  width: number;
  height: number;
}

const SAMPLES = 16;
const GAP = 3;
/** Room for an arrow head behind its tip. */
const HEAD = 6;
/** What a label pays for standing beside its line, where Graphviz made room for it. */
const OFF_LINE = 30;
/** What it pays where there may be none. */
const LAST_RESORT = 100;

/** How often labels that are in the way are placed again. */
const ROUNDS = 3;

/** The middle of each label by the id of its edge. */
export function placeLabels(
  requests: readonly LabelRequest[],
  states: readonly Box[],
): Map<string, Point> {
  const lines = requests.map(({ points }) => [...samples(points, SAMPLES)]);
  const tips = requests.flatMap(({ tip }) => tip ?? []);
  const found = new Map<string, Point>();
  const boxes: (Box | undefined)[] = requests.map(() => undefined);
  const place = (index: number): boolean => {
    const request = requests[index] as LabelRequest;
    const others = boxes.filter((box, at) => box !== undefined && at !== index) as Box[];
    let best = request.wish;
    let least = Infinity;
    const own = lines[index] ?? [];
    const consider = (at: Point, extra: number): void => {
      const box = boxAt(at, request);
      const cost =
        states.reduce((sum, state) => sum + overlap(box, state), 0) * 4 +
        others.reduce((sum, other) => sum + overlap(box, other), 0) * 4 +
        crossings(box, lines, index) * 40 +
        tips.filter(({ x, y }) => isInside(x, y, grown(box, HEAD))).length * 60 +
        Math.hypot(at.x - request.wish.x, at.y - request.wish.y) +
        extra;
      if (cost >= least) return;
      least = cost;
      best = at;
    };
    for (const at of [request.wish, ...own.slice(2, -2)]) consider(at, 0);
    if (request.beside) consider(request.beside, OFF_LINE);
    if (least > LAST_RESORT) for (const at of sides(own, request)) consider(at, LAST_RESORT);
    const before = found.get(request.id);
    boxes[index] = boxAt(best, request);
    found.set(request.id, best);
    return before?.x !== best.x || before.y !== best.y;
  };
  requests.forEach((_, index) => place(index));
  for (let round = 0; round < ROUNDS; round += 1) {
    const inTheWay = requests.map((_, index) => index).filter((index) => covers(boxes, index));
    const moved = inTheWay.filter((index) => place(index));
    if (moved.length === 0) break;
  }
  return found;
}

/** Whether a label lies over another one. */
function covers(boxes: readonly (Box | undefined)[], index: number): boolean {
  const own = boxes[index];
  return boxes.some((box, at) => own && box && at !== index && overlap(own, box) > 0);
}

/** Places next to the inner part of a line: for short lines, where none is on them. */
function sides(line: readonly Point[], { width, height }: LabelRequest): Point[] {
  const [across, down] = [width / 2 + 2 * GAP, height / 2 + 2 * GAP];
  const inner = line.slice(Math.floor(line.length / 4), Math.ceil((line.length * 3) / 4));
  return inner.flatMap(({ x, y }) => [
    { x: x - across, y },
    { x: x + across, y },
    { x, y: y - down },
    { x, y: y + down },
  ]);
}

function boxAt(at: Point, { width, height }: LabelRequest): Box {
  return {
    x: at.x - width / 2 - GAP,
    y: at.y - height / 2 - GAP,
    width: width + 2 * GAP,
    height: height + 2 * GAP,
  };
}

function overlap(a: Box, b: Box): number {
  const across = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const down = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return across > 0 && down > 0 ? across * down : 0;
}

/** A box with a border around it. */
function grown(box: Box, by: number): Box {
  return {
    x: box.x - by,
    y: box.y - by,
    width: box.width + 2 * by,
    height: box.height + 2 * by,
  };
}

/** How many other lines run through a box. */
function crossings(box: Box, lines: readonly Point[][], own: number): number {
  let count = 0;
  lines.forEach((line, index) => {
    if (index === own) return;
    if (line.some(({ x, y }) => isInside(x, y, box))) count += 1;
  });
  return count;
}

function isInside(x: number, y: number, box: Box): boolean {
  return x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
}
