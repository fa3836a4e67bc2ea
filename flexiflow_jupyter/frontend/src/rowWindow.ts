/** Which rows of a long table are near the visible part. Pure arithmetic. */

export interface RowWindow {
  /** Index of the first row to draw. */
  from: number;
  /** One past the last row to draw. */
  to: number;
}

export interface TableShape {
  count: number;
  rowPx: number;
  /** Index of the row with details below it, -1 when none is open. */
  openIndex: number;
  /** Height of those details. */
  openPx: number;
}

/** Height of the whole table. */
export function tableHeight(shape: TableShape): number {
  return shape.count * shape.rowPx + (shape.openIndex >= 0 ? shape.openPx : 0);
}

/** Distance from the top of the table to the top of a row. */
export function rowTop(index: number, shape: TableShape): number {
  const isBelow = shape.openIndex >= 0 && index > shape.openIndex;
  return index * shape.rowPx + (isBelow ? shape.openPx : 0);
}

/** The rows that touch the visible part, and `spare` more on each side. */
export function rowWindow(
  scrollPx: number,
  heightPx: number,
  shape: TableShape,
  spare = 3,
): RowWindow {
  const from = Math.floor(indexAt(scrollPx, shape)) - spare;
  const to = Math.ceil(indexAt(scrollPx + heightPx, shape)) + spare;
  return { from: clamp(from, 0, shape.count), to: clamp(to, 0, shape.count) };
}

/** The row, with its fraction, at a distance from the top. */
function indexAt(px: number, shape: TableShape): number {
  const openEnd = (shape.openIndex + 1) * shape.rowPx;
  if (shape.openIndex < 0 || px <= openEnd) return px / shape.rowPx;
  return (openEnd + Math.max(0, px - openEnd - shape.openPx)) / shape.rowPx;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
