/**
 * Edges of states with states in them: they end at the border, whether they come from
 * without or within. Graphviz knows edges between nodes only, and loses some. Pure.
 */
import type { Graph, GraphNode } from "../protocol";
import type { Box, EdgeShape, Geometry, Point } from "./geometry";
import { nearestOn } from "./geometry";
import { border } from "./pairs";

const HEAD = 10;
const CROSSING_STEPS = 16;

/** End the edges of boxes at their borders: Graphviz knows edges between nodes only. */
export function tieToBorders(geometry: Geometry, graph: Graph): void {
  for (const entry of geometry.entries) {
    const box = geometry.clusters.get(`n${entry.id.slice(1, -1)}`);
    if (box) enter(entry, box);
  }
  const nodes = new Map(graph.nodes.map((node) => [node.path, node]));
  for (const { id, source, target } of graph.edges) {
    const shape = geometry.edges.get(id);
    if (!shape || target === null) continue;
    const [from, to] = [nodes.get(source), nodes.get(target)];
    if (!from || !to) continue;
    const [outer, inner] = [geometry.clusters.get(from.id), geometry.clusters.get(to.id)];
    if (outer && isWithin(to, from, nodes)) beginAt(shape, outer);
    else if (outer) leave(shape, outer);
    if (inner && isWithin(from, to, nodes)) endAt(shape, inner);
    else if (inner) enter(shape, inner);
  }
}

/** Cut off what a line runs in the box that it leaves. */
function leave(shape: EdgeShape, box: Box): void {
  const back = [...shape.points].reverse();
  const cut = outside(back, box);
  if (cut) shape.points = cut.reverse();
  else beginAt(shape, box);
  settleLabel(shape, box);
}

/** Cut off what a line runs in the box that it enters; its head stands at the border. */
function enter(shape: EdgeShape, box: Box): void {
  const cut = outside(shape.points, box);
  if (!cut) return endAt(shape, box);
  const tip = cut.at(-1) as Point;
  const short = outside(shape.points, grown(box, HEAD)) ?? cut;
  shape.points = short.length >= 4 ? short : cut;
  shape.tip = tip;
  settleLabel(shape, box);
}

/** Keep a label with what is left of its line; its old place may be in the box. */
function settleLabel(shape: EdgeShape, box: Box): void {
  if (!shape.beside) return;
  shape.label = nearestOn(shape.points, shape.beside);
  if (isInside(shape.beside, box)) shape.beside = null;
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** The part of a Bezier line before it enters a box to end in it, if it does. */
function outside(points: readonly Point[], box: Box): Point[] | null {
  for (let piece = points.length - 4; piece >= 0; piece -= 3) {
    const curve = points.slice(piece, piece + 4) as Curve;
    if (isInside(curve[0], box)) continue;
    const [first, last] = split(curve, crossing(curve, box));
    return isInside(last[3], box) ? [...points.slice(0, piece), ...first] : null;
  }
  return null;
}

type Curve = [Point, Point, Point, Point];

/** Where a piece enters a box for the last time, between 0 and 1. */
function crossing(curve: Curve, box: Box): number {
  let [before, after] = [0, 1];
  for (let step = 1; step < CROSSING_STEPS; step += 1) {
    const t = step / CROSSING_STEPS;
    if (!isInside(split(curve, t)[0][3], box)) before = t;
  }
  after = Math.min(1, before + 1 / CROSSING_STEPS);
  for (let round = 0; round < 12; round += 1) {
    const t = (before + after) / 2;
    if (isInside(split(curve, t)[0][3], box)) after = t;
    else before = t;
  }
  return before;
}

/** Both parts of a Bezier curve (de Casteljau). */
function split([a, b, c, d]: Curve, t: number): [Curve, Curve] {
  const [ab, bc, cd] = [along(a, b, t), along(b, c, t), along(c, d, t)];
  const [abc, bcd] = [along(ab, bc, t), along(bc, cd, t)];
  const middle = along(abc, bcd, t);
  return [
    [a, ab, abc, middle],
    [middle, bcd, cd, d],
  ];
}

function isInside({ x, y }: Point, box: Box): boolean {
  return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
}

function isWithin(
  node: GraphNode,
  outer: GraphNode,
  nodes: ReadonlyMap<string, GraphNode>,
): boolean {
  let parent = node.parent;
  while (parent !== null && parent !== outer.path) parent = nodes.get(parent)?.parent ?? null;
  return parent !== null;
}

function beginAt(shape: EdgeShape, box: Box): void {
  const [start, ...rest] = shape.points;
  if (!start) return;
  const from = nearestBorder(start, box);
  shape.points = [from, along(from, start, 1 / 3), along(from, start, 2 / 3), start, ...rest];
}

function endAt(shape: EdgeShape, box: Box): void {
  const end = shape.points.at(-1);
  if (!end) return;
  const tip = nearestBorder(end, box);
  const length = Math.hypot(tip.x - end.x, tip.y - end.y);
  shape.tip = tip;
  if (length <= HEAD) return;
  const last = along(end, tip, 1 - HEAD / length);
  shape.points = [...shape.points, along(end, last, 1 / 3), along(end, last, 2 / 3), last];
}

function along(from: Point, to: Point, share: number): Point {
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function nearestBorder(from: Point, box: Box): Point {
  const [right, bottom] = [box.x + box.width, box.y + box.height];
  const point = {
    x: Math.min(right, Math.max(box.x, from.x)),
    y: Math.min(bottom, Math.max(box.y, from.y)),
  };
  const ways: Point[] = [
    { x: box.x, y: point.y },
    { x: right, y: point.y },
    { x: point.x, y: box.y },
    { x: point.x, y: bottom },
  ];
  const far = (way: Point): number => Math.hypot(way.x - point.x, way.y - point.y);
  return ways.reduce((best, way) => (far(way) < far(best) ? way : best));
}

/** Begin the shapes of edges from a box to itself; the page draws them as arches. */
export function seedLoops(geometry: Geometry, { nodes, edges }: Graph): void {
  const boxes = new Map(nodes.map(({ id, path }) => [path, geometry.clusters.get(id)]));
  for (const { id, source, target } of edges) {
    const box = boxes.get(source);
    if (!box || geometry.edges.has(id) || (target !== null && target !== source)) continue;
    const top = { x: box.x + box.width / 2, y: box.y - 1 };
    geometry.edges.set(id, { points: [], tip: top, label: top, beside: top });
  }
}

/** Draw the edges that Graphviz has lost straight from state to state. */
export function drawLost(geometry: Geometry, { nodes, edges }: Graph): void {
  const boxes = new Map(
    nodes.map(({ id, path }) => [path, geometry.clusters.get(id) ?? geometry.nodes.get(id)]),
  );
  for (const { id, source, target } of edges) {
    const [from, to] = [boxes.get(source), boxes.get(target ?? source)];
    if (!from || !to || from === to || geometry.edges.has(id)) continue;
    const [start, tip] = [border(from, middle(to)), border(to, middle(from))];
    const length = Math.hypot(tip.x - start.x, tip.y - start.y);
    const end = along(start, tip, length > HEAD ? 1 - HEAD / length : 0.5);
    const points = [start, along(start, end, 1 / 3), along(start, end, 2 / 3), end];
    geometry.edges.set(id, { points, tip, label: along(start, end, 0.5), beside: null });
  }
}

function middle({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}
