/** The rows of the diagram: one node shows one entry after the other. */
import { html, setAttribute, setText, svg } from "../../dom";
import type { Columns } from "../../engine/columns";
import type { Entry } from "../../engine/flowStore";
import { ROW_PX, shapeOf } from "../../engine/shapes";
import { labelOf, wayOf } from "../../engine/words";
import { formatTime } from "../../format";
import type { IconName } from "../../icons";
import { icon } from "../../icons";

/** What tells rows apart in the page; a node that waits has none of it. */
const HOOKS = ["role", "data-seq", "data-kind", "data-status", "data-story", "data-latest"];

export interface RowPlace {
  top: number;
  rowIndex: number;
  /** Counts what changes the place of lines: widths, columns. */
  geometry: number;
  isNarrow: boolean;
  isLatest: boolean;
  isOpen: boolean;
}

export class FlowRowSlot {
  readonly el = html("div", { class: "ff-flow-row", tabindex: -1 });
  readonly #time = html("span", { class: "ff-time", role: "cell" });
  readonly #lines = svg("path", { class: "ff-flow-line" });
  readonly #heads = svg("path", { class: "ff-flow-head" });
  readonly #crosses = svg("path", { class: "ff-flow-cross" });
  readonly #dots = svg("g", { class: "ff-flow-dots" });
  readonly #picture: SVGSVGElement;
  readonly #way = html("span", { class: "ff-said" });
  readonly #mark = html("span", { class: "ff-mark" });
  readonly #text = html("span", { dir: "auto" });
  readonly #label: HTMLElement;
  readonly #story = html("span", { class: "ff-story", title: "Only this story" });
  readonly #storyCell: HTMLElement;
  ordinal = -1;
  #drawn = "";
  #top = -1;

  constructor() {
    this.#picture = svg("svg", { "aria-hidden": "true", height: ROW_PX });
    this.#picture.append(this.#lines, this.#heads, this.#crosses, this.#dots);
    this.#label = html("span", { class: "ff-flow-label" }, this.#mark, this.#text);
    const what = html("span", { class: "ff-flow-what", role: "cell" }, this.#way, this.#label);
    this.#storyCell = html("span", { class: "ff-flow-story", role: "cell" }, this.#story);
    this.el.append(this.#picture, this.#time, what, this.#storyCell);
    this.el.hidden = true;
  }

  show(entry: Entry, columns: Columns, place: RowPlace): void {
    this.ordinal = entry.ordinal;
    const drawn = [entry.ordinal, entry.status, entry.error, place.geometry].join(" ");
    if (drawn !== this.#drawn) {
      this.#drawn = drawn;
      this.#fill(entry, columns, place);
    }
    if (place.top !== this.#top) {
      this.#top = place.top;
      this.el.style.transform = `translateY(${place.top}px)`;
    }
    setAttribute(this.el, "aria-rowindex", place.rowIndex);
    setAttribute(this.el, "data-latest", place.isLatest);
    setAttribute(this.el, "data-open", place.isOpen);
    if (this.el.hidden) {
      this.el.hidden = false;
      this.el.setAttribute("role", "row");
    }
  }

  /** Show nothing; the node waits for another entry. */
  clear(): void {
    if (this.ordinal < 0) return;
    this.ordinal = -1;
    this.#drawn = "";
    this.el.hidden = true;
    for (const name of HOOKS) this.el.removeAttribute(name);
  }

  #fill(entry: Entry, columns: Columns, place: RowPlace): void {
    const shape = shapeOf(entry, columns);
    const time = formatTime(entry.time);
    setAttribute(this.el, "data-seq", entry.seq);
    setAttribute(this.el, "data-kind", entry.kind);
    setAttribute(this.el, "data-status", entry.status || (entry.error ? "failed" : null));
    setAttribute(this.el, "data-story", entry.story || null);
    setText(this.#time, entry.kind === "gap" ? "" : place.isNarrow ? time.slice(3) : time);
    setAttribute(this.#picture, "width", columns.sheetPx);
    setAttribute(this.#lines, "d", shape?.lines ?? "");
    setAttribute(this.#lines, "data-dashed", shape?.isDashed ?? false);
    setAttribute(this.#heads, "d", shape?.heads ?? "");
    setAttribute(this.#crosses, "d", shape?.crosses ?? "");
    const dots = (shape?.dots ?? []).map(({ x, y }) => svg("circle", { cx: x, cy: y, r: 3 }));
    this.#dots.replaceChildren(...dots);
    this.#place(entry, columns, shape?.label);
    const label = labelOf(entry);
    const way = wayOf(entry);
    setText(this.#way, way ? `${way}: ` : "");
    setText(this.#text, label);
    setAttribute(this.#label, "title", label);
    const mark = markOf(entry);
    this.#mark.replaceChildren(...(mark ? [icon(mark)] : []));
    setText(this.#story, entry.story);
    this.#storyCell.style.left = `${columns.right}px`;
  }

  #place(entry: Entry, columns: Columns, box: { left: number; width: number; align: string } | undefined): void {
    const { style } = this.#label;
    const left = box?.left ?? columns.edge;
    const width = box?.width ?? columns.right - columns.edge;
    style.left = `${left}px`;
    style.width = `${width}px`;
    setAttribute(this.#label, "data-align", box?.align ?? "center");
    setAttribute(this.#label, "data-chip", entry.kind === "state");
  }
}

function markOf(entry: Entry): IconName | null {
  if (entry.status === "ignored") return "ban";
  if (entry.kind === "gap") return "warn";
  return null;
}
