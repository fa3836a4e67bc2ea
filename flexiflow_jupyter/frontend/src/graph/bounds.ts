/** The extent of a picture, and moving it to the corner. Pure. */
import type { Box, EdgeShape, Geometry, Point } from "./geometry";
import { samples } from "./geometry";

/** Length of the line from an initial dot to its state. */
const ENTRY = 26;
const DOT_RADIUS = 5;
const HALO = 6;

/** Bring initial dots close to their states; wide ranks would draw long lines. */
export function shortenEntries(geometry: Geometry): void {
  const dots = new Map(geometry.dots.map((dot) => [`${dot.id}e`, dot]));
  for (const entry of geometry.entries) {
    const dot = dots.get(entry.id);
    const end = entry.points.at(-1);
    if (!dot || !end || !entry.tip) continue;
    const [dx, dy] = [entry.tip.x - end.x, entry.tip.y - end.y];
    const length = Math.hypot(dx, dy) || 1;
    const reach = Math.min(ENTRY, Math.hypot(dot.at.x - end.x, dot.at.y - end.y));
    const away = (by: number): Point => ({
      x: end.x - (dx / length) * by,
      y: end.y - (dy / length) * by,
    });
    dot.at = away(reach);
    dot.radius = DOT_RADIUS;
    const start = away(Math.max(0, reach - DOT_RADIUS));
    const last = away(HALO - 1);
    entry.points = [start, start, last, last];
    entry.tip = { x: last.x + dx, y: last.y + dy };
  }
}

/** Move everything so that the picture starts at 0, 0 and has no empty border. */
export function trim(geometry: Geometry, labelWidths: ReadonlyMap<string, number>): void {
  const box = extent(geometry, labelWidths);
  const move = (point: Point): Point => ({ x: point.x - box.x, y: point.y - box.y });
  for (const boxes of [geometry.nodes, geometry.clusters]) {
    for (const [id, each] of boxes) boxes.set(id, { ...each, ...move(each) });
  }
  for (const dot of geometry.dots) dot.at = move(dot.at);
  for (const shape of [...geometry.edges.values(), ...geometry.entries]) moveShape(shape, move);
  geometry.width = box.width;
  geometry.height = box.height;
}

function moveShape(shape: EdgeShape, move: (point: Point) => Point): void {
  shape.points = shape.points.map(move);
  shape.tip = shape.tip && move(shape.tip);
  shape.label = shape.label && move(shape.label);
  shape.beside = shape.beside && move(shape.beside);
}

function extent(geometry: Geometry, labelWidths: ReadonlyMap<string, number>): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const take = (x: number, y: number, across: number, down: number): void => {
    left = Math.min(left, x - across);
    right = Math.max(right, x + across);
    top = Math.min(top, y - down);
    bottom = Math.max(bottom, y + down);
  };
  for (const box of [...geometry.nodes.values(), ...geometry.clusters.values()]) {
    const [across, down] = [box.width / 2, box.height / 2];
    take(box.x + across, box.y + down, across + HALO, down + HALO);
  }
  for (const { at, radius } of geometry.dots) take(at.x, at.y, radius, radius);
  for (const [id, shape] of geometry.edges) {
    for (const { x, y } of samples(shape.points, 12)) take(x, y, 1, 1);
    if (shape.label) take(shape.label.x, shape.label.y, (labelWidths.get(id) ?? 0) / 2, 11);
  }
  if (left > right) return { x: 0, y: 0, width: geometry.width, height: geometry.height };
  return { x: left, y: top, width: right - left, height: bottom - top };
}
