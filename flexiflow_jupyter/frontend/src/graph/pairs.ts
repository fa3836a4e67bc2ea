/**
 * Two states with one transition each way: both lines bulge, one to each side, so
 * that their labels have room. Other lines stay as Graphviz drew them. Pure.
 */
import type { GraphEdge } from "../protocol";
import type { Box, Geometry, Point } from "./geometry";

/** Distance between the straight way and the top of the bulge. */
const BULGE = 26;
const HEAD = 10;
/** Gaps between two states in which a bend looks right. */
const NEAREST = 40;
const FARTHEST = 240;
/** A line this much longer than the straight way goes around something. */
const DETOUR = 1.2;

/** Bend the lines of every such pair; `boxes` are the states by path. */
export function bendPairs(
  geometry: Geometry,
  edges: readonly GraphEdge[],
  boxes: ReadonlyMap<string, Box>,
): void {
  const ways = new Map<string, GraphEdge[]>();
  for (const edge of edges) {
    if (edge.target === null || edge.target === edge.source) continue;
    const way = JSON.stringify([edge.source, edge.target]);
    ways.set(way, [...(ways.get(way) ?? []), edge]);
  }
  for (const [way, there] of ways) {
    const [source, target] = JSON.parse(way) as [string, string];
    const back = ways.get(JSON.stringify([target, source]));
    if (there.length !== 1 || back?.length !== 1) continue;
    const [from, to] = [boxes.get(source), boxes.get(target)];
    const ids = [there[0]?.id ?? "", back[0]?.id ?? ""];
    if (!from || !to || !ids.every((id) => isDirect(geometry, id, from, to))) continue;
    bend(geometry, ids[0] ?? "", from, to);
  }
}

/** Whether a line goes straight between two boxes, past nothing else. */
function isDirect(geometry: Geometry, id: string, from: Box, to: Box): boolean {
  const points = geometry.edges.get(id)?.points;
  const [start, end] = [points?.[0], points?.at(-1)];
  if (!points || !start || !end) return false;
  let length = 0;
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1] as Point, points[i] as Point];
    length += Math.hypot(b.x - a.x, b.y - a.y);
  }
  const direct = Math.hypot(end.x - start.x, end.y - start.y);
  return length < direct * DETOUR + 8 && hasRoom(from, to);
}

/** Whether two boxes stand side by side or one above the other, not too close. */
function hasRoom(a: Box, b: Box): boolean {
  const dx = Math.max(b.x - a.x - a.width, a.x - b.x - b.width);
  const dy = Math.max(b.y - a.y - a.height, a.y - b.y - b.height);
  const [gap, shift, size] =
    dx > dy
      ? [dx, middle(a).y - middle(b).y, Math.min(a.height, b.height)]
      : [dy, middle(a).x - middle(b).x, Math.min(a.width, b.width)];
  return gap > NEAREST && gap < FARTHEST && Math.abs(shift) < size * 0.75;
}

function bend(geometry: Geometry, id: string, from: Box, to: Box): void {
  const shape = geometry.edges.get(id);
  const [a, b] = [middle(from), middle(to)];
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  if (!shape || length === 0) return;
  // To the left of the way: above it when it goes to the right.
  const side = { x: (b.y - a.y) / length, y: -(b.x - a.x) / length };
  const top = { x: (a.x + b.x) / 2 + side.x * BULGE, y: (a.y + b.y) / 2 + side.y * BULGE };
  const aim = { x: top.x + side.x * BULGE * -0.2, y: top.y + side.y * BULGE * -0.2 };
  const start = border(from, aim);
  const tip = border(to, aim);
  const back = Math.hypot(aim.x - tip.x, aim.y - tip.y) || 1;
  const end = {
    x: tip.x + ((aim.x - tip.x) / back) * HEAD,
    y: tip.y + ((aim.y - tip.y) / back) * HEAD,
  };
  // Control points that put the middle of the cubic on `top`.
  const chord = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  const lift = { x: (top.x - chord.x) / 0.75, y: (top.y - chord.y) / 0.75 };
  const control = (share: number): Point => ({
    x: start.x + (end.x - start.x) * share + lift.x,
    y: start.y + (end.y - start.y) * share + lift.y,
  });
  shape.points = [start, control(0.3), control(0.7), end];
  shape.tip = tip;
  if (shape.label) shape.label = top;
  shape.beside = null;
}

function middle(box: Box): Point {
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Where the line from the middle of a box to a point leaves the box. */
export function border(box: Box, to: Point): Point {
  const at = middle(box);
  const [dx, dy] = [to.x - at.x, to.y - at.y];
  const across = dx === 0 ? Infinity : box.width / 2 / Math.abs(dx);
  const down = dy === 0 ? Infinity : box.height / 2 / Math.abs(dy);
  const share = Math.min(across, down, 1);
  return { x: at.x + dx * share, y: at.y + dy * share };
}
