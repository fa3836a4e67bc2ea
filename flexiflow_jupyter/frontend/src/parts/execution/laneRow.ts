/** One row of the lanes: name, bars, words; it shows one step after the other. */
import { html, setAttribute, setText } from "../../dom";
import type { TimeMap } from "../../gantt";
import type { Bar } from "../../ganttRow";
import { barsOf, isUnderWay, labelOf, laneWords, STATUS_ICONS, wordsOf } from "../../ganttRow";
import { icon } from "../../icons";
import type { StepRow, StepStatus } from "../../protocol";

/** Deeper steps are not set in any further. */
const MOST_DEPTH = 4;
const INDENT_PX = 12;

export interface LaneTime {
  map: TimeMap;
  start: number;
  now: number;
}

export interface Place {
  top: number;
  rowIndex: number;
  isOpen: boolean;
}

export class LaneRow {
  readonly el: HTMLElement;
  readonly #mark = html("span", { class: "ff-mark" });
  readonly #name = html("span", { class: "ff-step-name", dir: "auto" });
  readonly #lane = html("span", { class: "ff-lane", role: "cell" });
  readonly #words = html("span", { class: "ff-step-words", role: "cell" });
  readonly #cell: HTMLElement;
  /** The step that is shown, null while the node waits for one. */
  step: StepRow | null = null;
  #map: TimeMap | null = null;
  #status: StepStatus | null = null;
  #top = -1;

  constructor() {
    this.#cell = html("span", { class: "ff-step-cell", role: "cell" }, this.#mark, this.#name);
    const cells = [this.#cell, this.#lane, this.#words];
    this.el = html("div", { class: "ff-step", tabindex: -1, hidden: true }, ...cells);
  }

  show(step: StepRow, time: LaneTime, place: Place): void {
    const isNew = step !== this.step;
    if (isNew) this.#fill(step);
    if (isNew || time.map !== this.#map || isUnderWay(step.status)) this.#draw(step, time);
    this.step = step;
    this.#map = time.map;
    if (place.top !== this.#top) {
      this.#top = place.top;
      this.el.style.transform = `translateY(${place.top}px)`;
    }
    setAttribute(this.el, "aria-rowindex", place.rowIndex);
    setAttribute(this.el, "data-open", place.isOpen);
    if (this.el.hidden) {
      this.el.hidden = false;
      this.el.setAttribute("role", "row");
    }
  }

  clear(): void {
    if (!this.step) return;
    this.step = null;
    this.el.hidden = true;
    for (const name of ["data-task", "data-status", "data-key", "role"]) {
      this.el.removeAttribute(name);
    }
    this.#status = null;
  }

  #fill(step: StepRow): void {
    setAttribute(this.el, "data-task", step.name);
    setAttribute(this.el, "data-key", step.key);
    setAttribute(this.el, "data-done", step.done);
    setAttribute(this.el, "data-total", step.total);
    setText(this.#name, step.name);
    setAttribute(this.#name, "title", step.name);
    setAttribute(this.#words, "title", step.text || null);
    this.#cell.style.paddingLeft = `${Math.min(step.depth, MOST_DEPTH) * INDENT_PX}px`;
    if (step.status === this.#status) return;
    this.#status = step.status;
    setAttribute(this.el, "data-status", step.status);
    this.#mark.replaceChildren(icon(STATUS_ICONS[step.status]));
  }

  #draw(step: StepRow, { map, start, now }: LaneTime): void {
    const bars = barsOf(step, map, now);
    const nodes: Node[] = bars.map(barNode);
    const label = labelOf(step, bars);
    if (label) {
      const node = html("span", { class: "ff-lane-label", "data-side": label.side }, label.text);
      if (label.side === "after") node.style.left = percent(label.at);
      else node.style.right = percent(1 - label.at);
      nodes.push(node);
    }
    this.#lane.replaceChildren(...nodes);
    setText(this.#words, wordsOf(step, now));
    setAttribute(this.#lane, "aria-label", laneWords(step, start, now));
  }
}

function barNode(bar: Bar): HTMLElement {
  const kind = bar.filled === null ? bar.kind : "items";
  const node = html("span", { class: `ff-bar-${kind}` });
  node.style.left = percent(bar.left);
  node.style.width = percent(bar.width);
  if (bar.filled !== null) {
    const inner = html("span", {});
    inner.style.width = percent(Math.min(1, bar.filled));
    node.append(inner);
  }
  return node;
}

export function percent(part: number): string {
  return `${Math.round(part * 1e5) / 1e3}%`;
}
