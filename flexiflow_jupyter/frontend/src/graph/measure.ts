/** Widths of texts without a layout of the page. */

const KNOWN = new Map<string, number>();
const MOST_KNOWN = 500;
let canvas: CanvasRenderingContext2D | null | undefined;

/** The width of a text in a font, in pixels; an estimate where there is no canvas. */
export function textWidth(text: string, font: string): number {
  const key = `${font}\0${text}`;
  const known = KNOWN.get(key);
  if (known !== undefined) return known;
  canvas ??= document.createElement("canvas").getContext("2d");
  if (canvas) canvas.font = font;
  const width = canvas?.measureText(text).width ?? text.length * 6;
  if (KNOWN.size >= MOST_KNOWN) KNOWN.clear();
  KNOWN.set(key, width);
  return width;
}
