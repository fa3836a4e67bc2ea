/** What an entry looks like in the picture: lines, heads, boxes. Pure arithmetic. */
import type { Columns } from "./columns";
import type { Entry } from "./flowStore";

export const ROW_PX = 30;
/** Where in its row the line of a message runs. */
export const LINE_PX = 22;
/** Half of an activation bar, which lines end at. */
const HALF_BAR = 5;
const HEAD_PX = 8;
const CROSS_PX = 14;
const CHAR_PX = 6.3;
const STUB_PX = 72;
const LOOP_PX = 26;
const LEAST_LABEL = 48;

export interface Box {
  left: number;
  width: number;
  align: "left" | "center" | "right";
}

export interface Shape {
  /** Lines, as the data of a path. */
  lines: string;
  /** Filled heads of arrows. */
  heads: string;
  /** Crosses of what did not arrive. */
  crosses: string;
  /** Where it comes from outside. */
  dots: { x: number; y: number }[];
  label: Box;
  isDashed: boolean;
}

/** The shape of an entry; null for one that is drawn as text across the picture. */
export function shapeOf(entry: Entry, columns: Columns): Shape | null {
  if (entry.kind === "gap") return null;
  if (entry.kind === "state") return stateShape(entry, columns);
  const from = columns.byName.get(entry.from)?.x;
  const ends = entry.to.flatMap((name) => columns.byName.get(name)?.x ?? []);
  const isDead = entry.kind === "dead" || entry.status === "failed";
  if (ends.length === 1 && ends[0] === from && from !== undefined) {
    return loopShape(from, columns, { isDashed: entry.kind === "event", isDead });
  }
  const others = ends.filter((x) => x !== from);
  if (others.length === 0) return stubShape(from ?? columns.edge, columns, entry);
  const shape = arrowShape(from ?? null, others, columns, {
    isDashed: entry.kind === "event",
    isDead,
  });
  return from === undefined ? widened(shape, entry, columns) : shape;
}

/** What comes from outside may have little room before the first life line. */
function widened(shape: Shape, entry: Entry, columns: Columns): Shape {
  const { left, width } = shape.label;
  const text = entry.status === "failed" ? `${entry.text}: ${entry.error}` : entry.text;
  const wanted = text.length * CHAR_PX + 34;
  if (wanted <= width) return shape;
  const most = Math.min(columns.right - left, left + width - columns.edge + columns.columnPx);
  return { ...shape, label: { left: left - 6, width: Math.max(width, Math.min(wanted, most)), align: "left" } };
}

interface Manner {
  isDashed: boolean;
  isDead: boolean;
}

function arrowShape(
  from: number | null,
  ends: readonly number[],
  columns: Columns,
  { isDashed, isDead }: Manner,
): Shape {
  const start = from ?? columns.edge;
  const lines: string[] = [];
  const heads: string[] = [];
  const crosses: string[] = [];
  for (const end of ends) {
    const way = end >= start ? 1 : -1;
    const begin = from === null ? start : start + way * HALF_BAR;
    const tip = end - way * HALF_BAR;
    const stop = isDead ? tip - way * (CROSS_PX + 4) : tip - way * (HEAD_PX - 1);
    lines.push(`M${begin},${LINE_PX}H${stop}`);
    if (isDead) crosses.push(cross(tip - way * (CROSS_PX - 3)));
    else heads.push(`M${tip},${LINE_PX}l${-way * HEAD_PX},-4v8z`);
  }
  const low = Math.min(start, ...ends);
  const high = Math.max(start, ...ends);
  return {
    lines: lines.join(""),
    heads: heads.join(""),
    crosses: crosses.join(""),
    dots: from === null ? [{ x: start, y: LINE_PX }] : [],
    label: { left: low + 10, width: Math.max(LEAST_LABEL, high - low - 20), align: "center" },
    isDashed,
  };
}

/** A message of a component to itself. */
function loopShape(x: number, columns: Columns, { isDashed, isDead }: Manner): Shape {
  const way = x + columns.columnPx / 2 > columns.right - 8 && columns.list.length > 1 ? -1 : 1;
  const begin = x + way * HALF_BAR;
  const far = begin + way * LOOP_PX;
  const back = isDead ? begin + way * CROSS_PX : begin + way * (HEAD_PX - 1);
  const room = columns.columnPx - LOOP_PX - 20;
  return {
    lines: `M${begin},9H${far}V${LINE_PX}H${back}`,
    heads: isDead ? "" : `M${begin},${LINE_PX}l${way * HEAD_PX},-4v8z`,
    crosses: isDead ? cross(begin + way * 8) : "",
    dots: [],
    label: way > 0
      ? { left: far + 6, width: Math.max(LEAST_LABEL, room), align: "left" }
      : { left: far - 6 - Math.max(LEAST_LABEL, room), width: Math.max(LEAST_LABEL, room), align: "right" },
    isDashed,
  };
}

/** What goes to nobody who has a column here. */
function stubShape(x: number, columns: Columns, entry: Entry): Shape {
  const isDashed = entry.kind === "event";
  const wanted = Math.max(STUB_PX, Math.ceil(entry.text.length * CHAR_PX) + 24);
  const room = columns.right - x - HALF_BAR;
  const isRight = room >= Math.min(wanted, columns.columnPx / 2 - HALF_BAR);
  const way = isRight ? 1 : -1;
  const space = isRight ? room : x - columns.edge - HALF_BAR;
  const length = Math.max(STUB_PX / 2, Math.min(wanted, space));
  const begin = x + way * HALF_BAR;
  const end = begin + way * length;
  return {
    lines: `M${begin},${LINE_PX}H${end}`,
    heads: "",
    crosses: entry.kind === "dead" ? cross(end - way * 8) : "",
    dots: entry.kind === "dead" ? [] : [{ x: end, y: LINE_PX }],
    label: { left: Math.min(begin, end) + 4, width: Math.max(LEAST_LABEL, length - 8), align: "center" },
    isDashed,
  };
}

/** A box beside the life line: at its right, where there is room. */
function stateShape(entry: Entry, columns: Columns): Shape {
  const none: Shape = {
    lines: "",
    heads: "",
    crosses: "",
    dots: [],
    label: { left: columns.edge, width: columns.right - columns.edge, align: "left" },
    isDashed: false,
  };
  const x = columns.byName.get(entry.to[0] ?? "")?.x;
  if (x === undefined) return none;
  const wanted = entry.text.length * CHAR_PX + 22;
  const room = Math.max(LEAST_LABEL, columns.columnPx * 1.5 - 24);
  const width = Math.min(wanted, room);
  const isLast = x + HALF_BAR + 6 + width > columns.right;
  const label: Box = isLast
    ? { left: x - HALF_BAR - 6 - width, width, align: "right" }
    : { left: x + HALF_BAR + 6, width, align: "left" };
  return { ...none, label };
}

function cross(x: number): string {
  return `M${x - 4.5},${LINE_PX - 4.5}l9,9m0,-9l-9,9`;
}

export interface Bar {
  x: number;
  top: number;
  bottom: number;
}

/** The activation bars of messages, in pixels from the top of the rows shown. */
export function barsOf(shown: readonly Entry[], columns: Columns): Bar[] {
  const bars: Bar[] = [];
  for (const [at, entry] of shown.entries()) {
    if (entry.kind !== "message") continue;
    const x = columns.byName.get(entry.to[0] ?? "")?.x;
    if (x === undefined) continue;
    const last = entry.end < 0 ? shown.length - 1 : lastBefore(shown, entry.end, at);
    const top = at * ROW_PX + LINE_PX - 3;
    bars.push({ x, top, bottom: Math.max(top + 12, (last + 1) * ROW_PX - 2) });
  }
  return bars;
}

/** The index of the last entry shown with an ordinal up to this one. */
function lastBefore(shown: readonly Entry[], ordinal: number, from: number): number {
  let low = from;
  let high = shown.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const entry = shown[middle];
    if (entry && entry.ordinal <= ordinal) low = middle;
    else high = middle - 1;
  }
  return low;
}
