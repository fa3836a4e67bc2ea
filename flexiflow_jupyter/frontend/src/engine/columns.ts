/** Where the life lines of an engine's components stand. Pure arithmetic. */

/** What a picture is made for. */
export interface Space {
  widthPx: number;
  /** Width of the times at the left. */
  timePx: number;
  /** Width of the stories at the right, 0 where there is no room for them. */
  storyPx: number;
  /** The least width of a column. */
  leastPx: number;
}

export interface Column {
  name: string;
  /** The life line. */
  x: number;
  /** Whether the engine has no such component now. */
  isGone: boolean;
}

export interface Columns {
  list: readonly Column[];
  byName: ReadonlyMap<string, Column>;
  /** Width of one column. */
  columnPx: number;
  /** Width of a head. */
  headPx: number;
  /** Width of everything; it is scrolled where that is more than there is. */
  sheetPx: number;
  /** Where messages from outside begin. */
  edge: number;
  /** Where the stories begin. */
  right: number;
}

/**
 * The components that have a column: all where there is room for them, else those that
 * take part in what is shown. The others are quiet, and counted.
 */
export function columnsWanted(
  names: readonly { name: string; isGone: boolean }[],
  busy: ReadonlySet<string>,
  space: Space,
): { names: readonly { name: string; isGone: boolean }[]; quiet: number } {
  const room = Math.floor((space.widthPx - space.timePx - space.storyPx) / space.leastPx);
  if (names.length <= room) return { names, quiet: 0 };
  const loud = names.filter(({ name, isGone }) => isGone || busy.has(name));
  const rest = names.filter(({ name, isGone }) => !isGone && !busy.has(name));
  const more = new Set(rest.slice(0, Math.max(0, room - loud.length)));
  const wanted = names.filter((each) => loud.includes(each) || more.has(each));
  return { names: wanted, quiet: names.length - wanted.length };
}

const WIDEST_HEAD = 156;
const BETWEEN_HEADS = 12;

export function placeColumns(
  names: readonly { name: string; isGone: boolean }[],
  space: Space,
): Columns {
  const { widthPx, timePx, storyPx, leastPx } = space;
  const region = Math.max(0, widthPx - timePx - storyPx);
  const columnPx = Math.max(leastPx, region / Math.max(1, names.length));
  const list = names.map(({ name, isGone }, at) => ({
    name,
    isGone,
    x: Math.round(timePx + columnPx * (at + 0.5)),
  }));
  const right = Math.round(timePx + columnPx * Math.max(1, names.length));
  return {
    list,
    byName: new Map(list.map((column) => [column.name, column])),
    columnPx,
    headPx: Math.min(WIDEST_HEAD, columnPx - BETWEEN_HEADS),
    sheetPx: Math.max(widthPx, right + storyPx),
    edge: timePx + 6,
    right,
  };
}
