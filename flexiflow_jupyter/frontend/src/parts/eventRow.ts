/** The rows of the event table: one node for one row after the other, and the details. */
import { html, setAttribute, setText } from "../dom";
import { formatCount, formatTime } from "../format";
import type { IconName } from "../icons";
import { icon } from "../icons";
import type { EventLevel, EventRow } from "../protocol";

const LEVEL_ICONS: Record<EventLevel, IconName | null> = {
  info: null,
  failed: "warn",
  ignored: "ban",
};

export interface Place {
  top: number;
  rowIndex: number;
  isOpen: boolean;
}

/** One row node; it shows one row after the other. */
export class RowSlot {
  readonly el: HTMLElement;
  readonly #seq = cell("ff-seq");
  readonly #time = cell("ff-time");
  readonly #mark = html("span", { class: "ff-mark" });
  readonly #name = html("span", {});
  readonly #component = cell("ff-who");
  readonly #story = html("span", { class: "ff-story" });
  readonly #data = cell("ff-data");
  ordinal = -1;
  #row: EventRow | null = null;
  #level: EventLevel | null = null;
  #top = -1;

  constructor(isWide: boolean) {
    const event = html("span", { class: "ff-event", role: "cell" }, this.#mark, this.#name);
    const story = html("span", { role: "cell", class: "ff-story-cell" }, this.#story);
    const cells = isWide
      ? [this.#seq, this.#time, event, this.#component, story, this.#data]
      : [this.#time, event, story, this.#data];
    this.el = html("div", { class: "ff-event-row", tabindex: -1 }, ...cells);
    this.el.hidden = true;
  }

  show(row: EventRow, ordinal: number, place: Place): void {
    this.ordinal = ordinal;
    if (row !== this.#row) this.#fill(row);
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

  /** Show nothing; the node waits for another row. */
  clear(): void {
    if (this.ordinal < 0) return;
    this.ordinal = -1;
    this.#row = null;
    this.el.hidden = true;
    this.el.removeAttribute("data-seq");
    this.el.removeAttribute("role");
  }

  #fill(row: EventRow): void {
    this.#row = row;
    const [seq, time, name, component, story, text, level] = row;
    this.el.setAttribute("data-seq", String(seq));
    setText(this.#seq, String(seq));
    setText(this.#time, formatTime(time));
    setText(this.#name, name);
    setText(this.#component, component);
    setText(this.#story, story);
    setText(this.#data, text);
    if (level === this.#level) return;
    this.#level = level;
    const mark = LEVEL_ICONS[level];
    this.#mark.replaceChildren(...(mark ? [icon(mark)] : []));
    this.el.setAttribute("data-level", level);
  }
}

function cell(className: string): HTMLElement {
  return html("span", { class: className, role: "cell" });
}

export function headRow(isWide: boolean): HTMLElement {
  const names = isWide
    ? ["Seq", "Time", "Event", "Component", "Story", "Data"]
    : ["Time", "Event", "Story", "Data"];
  const cells = names.map((name) =>
    html("span", { role: "columnheader", class: `ff-col-${name.toLowerCase()}` }, name),
  );
  return html("div", { class: "ff-event-head", role: "row", "aria-rowindex": 1 }, ...cells);
}

/** Everything of one event, as lines, and a button for its story. */
export function detailOf(row: EventRow, onStory: (story: string) => void): HTMLElement[] {
  const [seq, time, name, component, story, text] = row;
  const at = new Date(time);
  const facts: [string, string][] = [
    ["event", name],
    ["component", component || "none"],
    ["at", Number.isNaN(at.getTime()) ? "unknown" : at.toISOString()],
    ["number", formatCount(seq)],
    ["data", text || "none"],
  ];
  const list = html("dl", {});
  for (const [key, value] of facts) list.append(html("dt", {}, key), html("dd", {}, value));
  if (!story) return [list];
  const only = html("button", { type: "button", class: "ff-link" }, `Only story ${story}`);
  only.addEventListener("click", () => onStory(story));
  return [list, only];
}
