/** The picture as it stands in the page, as an SVG or a PNG that needs no page. */
import { svg } from "../../dom";
import type { Paint } from "../../graph/colour";
import { hex, readColour } from "../../graph/colour";
import type { Size } from "../../graph/viewport";

const PAD = 16;
const SHARPNESS = 2;
/** A side of a PNG is not made longer than this: browsers refuse larger ones. */
const MOST_PIXELS = 8000;

/** Attributes of a drawing by the style that the page computes, with what they are when unset. */
const PLAIN: readonly [attribute: string, unset: string][] = [
  ["stroke-width", "1px"],
  ["stroke-dasharray", "none"],
  ["stroke-linecap", "butt"],
  ["opacity", "1"],
];
const OF_TEXT: readonly [attribute: string, unset: string][] = [
  ["font-family", ""],
  ["font-size", ""],
  ["font-weight", "400"],
  ["text-anchor", "start"],
];
/** What serves the pointer, the focus or the eye for a moment only. */
const PASSING = ".ff-hit, .ff-ring, .ff-trail";

/** Write what is drawn under `world` as SVG: colours and fonts are in it. */
export function standaloneSvg(world: SVGGElement, size: Size, ground: string): string {
  const copy = world.cloneNode(true) as SVGGElement;
  const painter = new Painter();
  const originals = [world, ...world.querySelectorAll<SVGElement>("*")];
  const copies = [copy, ...copy.querySelectorAll<SVGElement>("*")];
  const gone: Element[] = [...copy.querySelectorAll(PASSING)];
  originals.forEach((original, index) => {
    const made = copies[index];
    if (!made || original.tagName === "title") return;
    const style = getComputedStyle(original);
    if (style.display === "none" || style.visibility === "hidden") gone.push(made);
    else dress(made, style, painter);
  });
  for (const element of gone) element.remove();
  const [width, height] = [Math.ceil(size.width) + 2 * PAD, Math.ceil(size.height) + 2 * PAD];
  const box = { x: -PAD, y: -PAD, width, height };
  const whole = svg("svg", { width, height, viewBox: `${-PAD} ${-PAD} ${width} ${height}` });
  whole.append(svg("rect", { ...box, fill: painter.paint(ground).colour }), copy);
  return new XMLSerializer().serializeToString(whole);
}

/** Put the computed look on an element, and take away what only the page understands. */
function dress(made: SVGElement, style: CSSStyleDeclaration, painter: Painter): void {
  for (const { name } of [...made.attributes]) {
    const isForPage = /^(class|style|role|tabindex|title|aria-.*|data-.*)$/.test(name);
    if (isForPage) made.removeAttribute(name);
  }
  if (made.tagName === "g") {
    if (style.opacity !== "1") made.setAttribute("opacity", style.opacity);
    return;
  }
  for (const name of ["fill", "stroke"] as const) {
    const { colour, opacity } = painter.paint(style.getPropertyValue(name));
    const own = Number(style.getPropertyValue(`${name}-opacity`) || 1) * opacity;
    made.setAttribute(name, own === 0 ? "none" : colour);
    if (own < 1 && own > 0) made.setAttribute(`${name}-opacity`, own.toFixed(3));
  }
  // What the page moves by its style is moved by an attribute.
  if (style.transform !== "none") made.setAttribute("transform", style.transform);
  const wanted = made.tagName === "text" ? [...PLAIN, ...OF_TEXT] : PLAIN;
  for (const [name, unset] of wanted) {
    const value = style.getPropertyValue(name);
    if (value && value !== unset) made.setAttribute(name, value);
  }
}

/** Reads colours, with the help of a canvas where they are written in newer ways. */
class Painter {
  readonly #known = new Map<string, Paint>();
  #canvas: CanvasRenderingContext2D | null = null;

  paint(text: string): Paint {
    const known = this.#known.get(text) ?? readColour(text) ?? this.#measured(text);
    this.#known.set(text, known);
    return known;
  }

  #measured(text: string): Paint {
    const made = document.createElement("canvas");
    this.#canvas ??= made.getContext("2d", { willReadFrequently: true });
    const canvas = this.#canvas;
    if (!canvas) return { colour: "#000000", opacity: 1 };
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red = 0, green = 0, blue = 0, alpha = 255] = canvas.getImageData(0, 0, 1, 1).data;
    return { colour: hex(red, green, blue), opacity: alpha / 255 };
  }
}

/** Draw an SVG as a PNG, twice as sharp as on the page. */
export async function pngOf(text: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const [width, height] = [image.naturalWidth || 1, image.naturalHeight || 1];
  const scale = Math.min(SHARPNESS, MOST_PIXELS / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob);
      else reject(new Error("the browser made no picture of it"));
    }, "image/png");
  });
}
