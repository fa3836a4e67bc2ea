/** States with states in them: their regions and the lines between. Pure. */
import type { Graph, GraphNode } from "../protocol";
import type { Box, Geometry, Point } from "./geometry";

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
