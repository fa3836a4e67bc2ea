/**
 * Names in a picture that is too small to read: those that matter are written at a
 * readable size over their states; hovering or focusing a state names it too.
 */
import { svg } from "../dom";
import type { NodeParts, Picture } from "./picture";

const HEIGHT = 20;

export class Tags {
  readonly #picture: Picture;
  readonly #layer = svg("g", { class: "ff-tags", "aria-hidden": "true" });
  readonly #tags = new Map<string, SVGGElement>();
  #scale = 1;
  #hovered: string | null = null;
  #named: ReadonlySet<string> = new Set();

  constructor(picture: Picture) {
    this.#picture = picture;
    picture.el.append(this.#layer);
    picture.el.addEventListener("pointerover", (event) => this.#onHover(event));
    picture.el.addEventListener("pointerleave", () => this.#hover(null));
  }

  /** Name these states and no others. */
  show(named: ReadonlySet<string>): void {
    this.#named = named;
    this.#draw();
  }

  /** The picture is shown at another scale; tags keep their size on screen. */
  scaled(scale: number): void {
    this.#scale = scale;
    for (const [path, tag] of this.#tags) this.#place(path, tag);
  }

  #onHover(event: Event): void {
    const state = (event.target as Element).closest("[data-state]");
    this.#hover(state?.getAttribute("data-state") ?? null);
  }

  #hover(path: string | null): void {
    if (path === this.#hovered || this.#named.size === 0) return;
    this.#hovered = path;
    this.#draw();
  }

  #draw(): void {
    const wanted = new Set(this.#named);
    if (this.#hovered !== null && this.#named.size > 0) wanted.add(this.#hovered);
    for (const [path, tag] of this.#tags) {
      if (wanted.has(path)) continue;
      tag.remove();
      this.#tags.delete(path);
    }
    for (const path of wanted) {
      const parts = this.#picture.nodes.get(path);
      if (!parts) continue;
      let tag = this.#tags.get(path);
      if (!tag) {
        tag = drawTag(parts);
        this.#tags.set(path, tag);
        this.#layer.append(tag);
        fitTag(tag);
        this.#place(path, tag);
      }
      tag.classList.toggle("ff-tag-on", parts.el.hasAttribute("aria-current"));
    }
    // The active ones lie over the others.
    this.#layer.append(...this.#layer.querySelectorAll(".ff-tag-on"));
  }

  #place(path: string, tag: SVGGElement): void {
    const parts = this.#picture.nodes.get(path);
    if (!parts) return;
    const { box, isBox } = parts;
    const [x, y] = [box.x + box.width / 2, box.y + (isBox ? 0 : box.height / 2)];
    tag.setAttribute("transform", `translate(${x},${y}) scale(${1 / this.#scale})`);
  }
}

function drawTag({ node }: NodeParts): SVGGElement {
  const label = node.label.length > 24 ? `${node.label.slice(0, 23)}\u2026` : node.label;
  return svg("g", { class: "ff-tag" }, svg("rect", { rx: 6 }), svg("text", { y: 4 }, label));
}

function fitTag(tag: SVGGElement): void {
  const [rect, text] = [tag.querySelector("rect"), tag.querySelector("text")];
  if (!rect || !text) return;
  const width = (text.getComputedTextLength() || (text.textContent ?? "").length * 6) * 1.08 + 12;
  rect.setAttribute("x", String(-width / 2));
  rect.setAttribute("y", String(-HEIGHT / 2));
  rect.setAttribute("width", String(width));
  rect.setAttribute("height", String(HEIGHT));
}
