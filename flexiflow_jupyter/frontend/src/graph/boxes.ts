/**
 * States with states in them: their regions, and their edges, which end at the border.
 * Pure.
 */
import type { Graph, GraphNode } from "../protocol";
import type { Box, EdgeShape, Geometry, Point } from "./geometry";
import { nearestOn } from "./geometry";

const HEAD = 10;
const CROSSING_STEPS = 16;
/** Between a parallel state's border and its regions. */
const INSET = 8;
/** Height of a title in a box; a line down between two regions begins below it. */
const TITLE_HEIGHT = 28;

/** The regions of a parallel state in document order; a history is none. */
export function regionsOf(parent: GraphNode, graph: Graph): GraphNode[] {
  if (parent.kind !== "parallel") return [];
  return graph.nodes.filter((node) => node.parent === parent.path && node.kind !== "history");
}

/** A line between two regions, from one point to another. */
export type Divider = readonly [Point, Point];

/**
 * The lines between the regions in a box, `null` when no straight line parts them.
 */
export function dividers(box: Box, regions: readonly Box[]): Divider[] | null {
  const rows = gaps(regions.map(({ y, height }) => [y, y + height]));
  if (rows) {
    return rows.map((y) => [
      { x: box.x, y },
      { x: box.x + box.width, y },
    ]);
  }
  const columns = gaps(regions.map(({ x, width }) => [x, x + width]));
  return (
    columns?.map((x) => [
      { x, y: box.y + TITLE_HEIGHT },
      { x, y: box.y + box.height },
    ]) ?? null
  );
}

/** The middles of the gaps between spans, null when two of them overlap. */
function gaps(spans: readonly (readonly [number, number])[]): number[] | null {
  const sorted = [...spans].sort(([a], [b]) => a - b);
  const found: number[] = [];
  for (let n = 1; n < sorted.length; n += 1) {
    const [end, start] = [sorted[n - 1]?.[1] ?? 0, sorted[n]?.[0] ?? 0];
    if (end > start) return null;
    found.push((end + start) / 2);
  }
  return found;
}

/**
 * Turn a picture that goes down around: the kernel names regions backwards, for that
 * is how they stand in order where the picture goes sideways.
 */
export function mirrorRegions(geometry: Geometry, graph: Graph): void {
  if (!graph.nodes.some(({ kind }) => kind === "parallel")) return;
  const flip = ({ x, y }: Point): Point => ({ x: geometry.width - x, y });
  for (const boxes of [geometry.nodes, geometry.clusters]) {
    for (const [id, box] of boxes) {
      boxes.set(id, { ...box, x: geometry.width - box.x - box.width });
    }
  }
  for (const dot of geometry.dots) dot.at = flip(dot.at);
  for (const shape of [...geometry.edges.values(), ...geometry.entries]) {
    shape.points = shape.points.map(flip);
    shape.tip = shape.tip && flip(shape.tip);
    shape.label = shape.label && flip(shape.label);
    shape.beside = shape.beside && flip(shape.beside);
  }
}

/** Give regions above each other the width of their parent, others the same top. */
export function alignRegions(geometry: Geometry, graph: Graph): void {
  for (const node of graph.nodes) {
    const box = geometry.clusters.get(node.id);
    const own = regionsOf(node, graph).map(({ id }) => id);
    const regions = own.map((id) => geometry.clusters.get(id) ?? geometry.nodes.get(id));
    if (!box || own.length === 0 || regions.includes(undefined)) continue;
    const top = Math.min(...(regions as Box[]).map(({ y }) => y));
    const hasRows = gaps((regions as Box[]).map(({ y, height }) => [y, y + height])) !== null;
    for (const id of own) {
      const region = geometry.clusters.get(id);
      if (!region) continue;
      const aligned = hasRows
        ? { x: box.x + INSET, width: box.width - 2 * INSET }
        : { y: top, height: region.y + region.height - top };
      geometry.clusters.set(id, { ...region, ...aligned });
    }
  }
}

/** End the edges of boxes at their borders: Graphviz knows edges between nodes only. */
export function tieToBorders(geometry: Geometry, graph: Graph): void {
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
  settleLabel(shape);
}

/** Cut off what a line runs in the box that it enters; its head stands at the border. */
function enter(shape: EdgeShape, box: Box): void {
  const cut = outside(shape.points, box);
  if (!cut) return;
  const tip = cut.at(-1) as Point;
  const short = outside(shape.points, grown(box, HEAD)) ?? cut;
  shape.points = short.length >= 4 ? short : cut;
  shape.tip = tip;
  settleLabel(shape);
}

function settleLabel(shape: EdgeShape): void {
  if (shape.beside) shape.label = nearestOn(shape.points, shape.beside);
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

function nearestBorder(point: Point, box: Box): Point {
  const [right, bottom] = [box.x + box.width, box.y + box.height];
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
