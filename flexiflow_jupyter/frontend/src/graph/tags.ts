/**
 * Names in a picture that is too small to read: those that matter are written at a
 * readable size over their states; hovering or focusing a state names it too. A step
 * changes a few attributes here: it measures nothing and moves nothing else.
 */
import { svg } from "../dom";
import { cut } from "../format";
import { textWidth } from "./measure";
import type { NodeParts, Picture } from "./picture";

const HEIGHT = 20;
const FONT = '700 11px Helvetica, Arial, "Liberation Sans", sans-serif';
const LONGEST = 24;

interface Tag {
  el: SVGGElement;
  isOn: boolean;
}

export class Tags {
  readonly #picture: Picture;
  readonly #others = svg("g", {});
  /** The active ones lie over the others. */
  readonly #active = svg("g", {});
  readonly #tags = new Map<string, Tag>();
  readonly #kept = new Map<string, Tag>();
  #scale = 1;
  #hovered: string | null = null;
  #named: ReadonlySet<string> = new Set();
  #isOn: ReadonlySet<string> = new Set();

  constructor(picture: Picture) {
    this.#picture = picture;
    const layer = svg("g", { class: "ff-tags", "aria-hidden": "true" });
    layer.append(this.#others, this.#active);
    picture.el.append(layer);
    picture.el.addEventListener("pointerover", (event) => this.#onHover(event));
    picture.el.addEventListener("pointerleave", () => this.#hover(null));
  }

  /** Name these states and no others; `active` ones stand out. */
  show(named: ReadonlySet<string>, active: ReadonlySet<string>): void {
    this.#named = named;
    this.#isOn = active;
    this.#draw();
  }

  /** The picture is shown at another scale; tags keep their size on screen. */
  scaled(scale: number): void {
    if (scale === this.#scale) return;
    this.#scale = scale;
    for (const [path, tag] of this.#tags) this.#place(path, tag);
    this.#kept.clear();
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
      tag.el.remove();
      this.#tags.delete(path);
      this.#kept.set(path, tag);
    }
    for (const path of wanted) {
      const parts = this.#picture.nodes.get(path);
      if (!parts) continue;
      const isOn = this.#isOn.has(path);
      const known = this.#tags.get(path);
      if (known?.isOn === isOn) continue;
      const tag = known ?? this.#kept.get(path) ?? this.#make(path, parts);
      tag.isOn = isOn;
      tag.el.setAttribute("class", isOn ? "ff-tag ff-tag-on" : "ff-tag");
      (isOn ? this.#active : this.#others).append(tag.el);
      this.#tags.set(path, tag);
    }
  }

  #make(path: string, { node }: NodeParts): Tag {
    const label = cut(node.label, LONGEST);
    const width = textWidth(label, FONT) + 14;
    const box = { x: -width / 2, y: -HEIGHT / 2, width, height: HEIGHT };
    const text = svg("text", { y: 4 }, label);
    const tag = { el: svg("g", {}, svg("rect", { ...box, rx: 6 }), text), isOn: false };
    this.#place(path, tag);
    return tag;
  }

  #place(path: string, { el }: Tag): void {
    const parts = this.#picture.nodes.get(path);
    if (!parts) return;
    const { box, isBox } = parts;
    const [x, y] = [box.x + box.width / 2, box.y + (isBox ? 0 : box.height / 2)];
    el.setAttribute("transform", `translate(${x},${y}) scale(${1 / this.#scale})`);
  }
}
