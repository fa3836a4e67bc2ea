/**
 * Where the parts of a picture stand, read from Graphviz's JSON. Pure.
 *
 * DOT expected (dev/sample_traits.json has one): a digraph whose state nodes are named
 * like the ids of the `graph` trait (n0, n1, ...), whose edges carry `id=e0`, ..., and
 * whose initial dots are nodes `i0` of `shape=point` with edges of id `i0e`. Compound
 * states are subgraphs `cluster_n3`; edges between one and a state in it are tied to an
 * invisible point. Labels serve to measure only: the texts drawn are those of the trait.
 * Sizes are points and are drawn as pixels.
 */

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface EdgeShape {
  /** Bezier: a start, then three points for each piece. */
  points: Point[];
  /** Tip of the arrow head; its base is the last point. */
  tip: Point | null;
  /** Middle of the label, on the line; null when there is none. */
  label: Point | null;
  /** Where Graphviz made room for it, beside the line. */
  beside: Point | null;
}

/** Where a machine or a compound state begins. */
export interface Dot {
  id: string;
  at: Point;
  radius: number;
}

/** A line from an initial dot, by the id of its edge. */
export interface Entry extends EdgeShape {
  id: string;
}

export interface Geometry {
  width: number;
  height: number;
  /** States by id. */
  nodes: Map<string, Box>;
  /** Boxes of compound states by id. */
  clusters: Map<string, Box>;
  /** Initial dots. */
  dots: Dot[];
  /** Transitions by id. */
  edges: Map<string, EdgeShape>;
  /** Lines from initial dots. */
  entries: Entry[];
}

interface RawObject {
  name?: string;
  id?: string;
  pos?: string;
  bb?: string;
  width?: string;
  height?: string;
  shape?: string;
  style?: string;
}

interface RawEdge {
  id?: string;
  pos?: string;
  lp?: string;
}

interface RawGraph {
  bb?: string;
  objects?: RawObject[];
  edges?: RawEdge[];
}

/** Read what `layout(dot, "json0")` returns; throws when it is no picture. */
export function readGeometry(json: string, edgeIds: ReadonlySet<string>): Geometry {
  const raw = JSON.parse(json) as RawGraph;
  const [left, bottom, right, top] = numbers(raw.bb);
  if (left === undefined || bottom === undefined || right === undefined || top === undefined) {
    throw new Error("the layout has no bounding box");
  }
  const flip = (x: number, y: number): Point => ({ x: x - left, y: top - y });
  const geometry: Geometry = {
    width: right - left,
    height: top - bottom,
    nodes: new Map(),
    clusters: new Map(),
    dots: [],
    edges: new Map(),
    entries: [],
  };
  for (const object of raw.objects ?? []) readObject(object, flip, geometry);
  for (const edge of raw.edges ?? []) readEdge(edge, flip, edgeIds, geometry);
  return geometry;
}

type Flip = (x: number, y: number) => Point;

function readObject(object: RawObject, flip: Flip, into: Geometry): void {
  const name = object.name ?? "";
  if (object.bb !== undefined) {
    const [x0, y0, x1, y1] = numbers(object.bb);
    if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) return;
    const corner = flip(x0, y1);
    const id = name.replace(/^cluster_?/, "");
    into.clusters.set(id, { ...corner, width: x1 - x0, height: y1 - y0 });
    return;
  }
  const [x, y] = numbers(object.pos);
  if (x === undefined || y === undefined) return;
  const at = flip(x, y);
  const width = Number(object.width) * 72;
  const height = Number(object.height) * 72;
  if (object.shape === "point") {
    if (object.style !== "invis") into.dots.push({ id: name, at, radius: width / 2 });
    return;
  }
  into.nodes.set(name, { x: at.x - width / 2, y: at.y - height / 2, width, height });
}

function readEdge(edge: RawEdge, flip: Flip, ids: ReadonlySet<string>, into: Geometry): void {
  const id = edge.id ?? "";
  const shape = readSpline(edge.pos ?? "", flip);
  if (!shape) return;
  if (!ids.has(id)) {
    into.entries.push({ ...shape, id });
    return;
  }
  const [x, y] = numbers(edge.lp);
  if (x !== undefined && y !== undefined) {
    shape.beside = flip(x, y);
    shape.label = nearestOn(shape.points, shape.beside);
  }
  into.edges.set(id, shape);
}

/** Read "e,x,y x,y x,y ..."; several splines are drawn as the first. */
function readSpline(pos: string, flip: Flip): EdgeShape | null {
  const points: Point[] = [];
  let tip: Point | null = null;
  for (const word of (pos.split(";")[0] ?? "").trim().split(/\s+/)) {
    const isEnd = word.startsWith("e,");
    if (word.startsWith("s,")) continue;
    const [x, y] = numbers(isEnd ? word.slice(2) : word);
    if (x === undefined || y === undefined) continue;
    if (isEnd) tip = flip(x, y);
    else points.push(flip(x, y));
  }
  return points.length < 4 ? null : { points, tip, label: null, beside: null };
}

function numbers(text: string | undefined): number[] {
  if (!text) return [];
  return text.split(",").map(Number).filter(Number.isFinite);
}

/** The point of a Bezier line that is nearest to another point. */
export function nearestOn(points: readonly Point[], to: Point): Point {
  let best = points[0] ?? to;
  let least = Infinity;
  for (const at of samples(points, 24)) {
    const distance = (at.x - to.x) ** 2 + (at.y - to.y) ** 2;
    if (distance < least) {
      least = distance;
      best = at;
    }
  }
  return best;
}

/** Points along a Bezier line, `each` for every piece. */
export function* samples(points: readonly Point[], each: number): Generator<Point> {
  for (let i = 0; i + 3 < points.length; i += 3) {
    const [a, b, c, d] = points.slice(i, i + 4) as [Point, Point, Point, Point];
    for (let step = 0; step <= each; step += 1) {
      const t = step / each;
      const u = 1 - t;
      const [wa, wb, wc, wd] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
      yield {
        x: wa * a.x + wb * b.x + wc * c.x + wd * d.x,
        y: wa * a.y + wb * b.y + wc * c.y + wd * d.y,
      };
    }
  }
}

/** The line as SVG path data. */
export function linePath(points: readonly Point[]): string {
  const [start, ...rest] = points;
  if (!start) return "";
  return `M${pair(start)}C${rest.map(pair).join(" ")}`;
}

export interface HeadPaths {
  /** A filled triangle. */
  full: string;
  /** Two open barbs with the line between them. */
  open: string;
}

/** The arrow head from the end of the line to its tip. */
export function headPaths(base: Point, tip: Point): HeadPaths {
  const [dx, dy] = [tip.x - base.x, tip.y - base.y];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const back = (along: number, aside: number): Point => ({
    x: tip.x - ux * along - uy * aside,
    y: tip.y - uy * along + ux * aside,
  });
  const [left, right] = [back(9.5, 4.2), back(9.5, -4.2)];
  const [barbLeft, barbRight] = [back(6, 3.8), back(6, -3.8)];
  const near = back(1, 0);
  return {
    full: `M${pair(left)}L${pair(tip)} ${pair(right)}Z`,
    open: `M${pair(base)}L${pair(near)}M${pair(barbLeft)}L${pair(near)} ${pair(barbRight)}`,
  };
}

function pair(point: Point): string {
  return `${round(point.x)},${round(point.y)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
