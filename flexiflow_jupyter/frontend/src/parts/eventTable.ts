/**
 * The virtual table of a stream: as many row nodes as can be seen, whatever the
 * number of rows. Rows are known by ordinals that only grow; a row keeps its node
 * while it stays near the visible part.
 */
import { html, setAttribute, setText } from "../dom";
import { formatCount, formatTime } from "../format";
import type { IconName } from "../icons";
import { icon } from "../icons";
import type { EventLevel, EventRow } from "../protocol";
import type { TableShape } from "../rowWindow";
import { rowTop, rowWindow, tableHeight } from "../rowWindow";
import type { Scope } from "../scope";

export const ROW_PX = 24;
/** Rows drawn above and below: scrolling shows no gap, and readers find some more. */
const SPARE = 16;

/** The rows to show; ordinals from `first` up to and without `end`. */
export interface Rows {
  readonly first: number;
  readonly end: number;
  at(ordinal: number): EventRow;
}

export interface TableOptions {
  /** Rows seen at once. */
  visible: number;
  /** Whether to show the columns Seq and Component. */
  isWide: boolean;
  onStory: (story: string) => void;
  /** The user scrolled; true when the newest row is in sight. */
  onScroll: (isAtEnd: boolean) => void;
}

const LEVEL_ICONS: Record<EventLevel, IconName | null> = {
  info: null,
  failed: "warn",
  ignored: "ban",
};

export class EventTable {
  readonly el: HTMLElement;
  readonly #options: TableOptions;
  readonly #scroller = html("div", { class: "ff-rows", role: "rowgroup", tabindex: 0 });
  readonly #sheet = html("div", { class: "ff-sheet" });
  readonly #detailCell = html("div", { role: "cell" });
  readonly #detail = html("div", { class: "ff-row-detail", role: "row" }, this.#detailCell);
  readonly #slots: RowSlot[] = [];
  readonly #redraw: () => void;
  #rows: Rows = { first: 0, end: 0, at: () => fail() };
  #scrollPx = 0;
  #open = -1;
  #openPx = 0;
  #drawnPx = -1;

  constructor(scope: Scope, options: TableOptions) {
    this.#options = options;
    this.#redraw = scope.frame(() => this.#drawWindow());
    this.#scroller.style.height = `${options.visible * ROW_PX}px`;
    this.#scroller.append(this.#sheet);
    this.el = html(
      "div",
      { class: `ff-table${options.isWide ? " ff-wide" : ""}`, role: "table", "aria-label": "Events" },
      headRow(options.isWide),
      this.#scroller,
    );
    // A host that takes the node off the page and puts it back loses its scrolling.
    const observer = new ResizeObserver(() => this.#restoreScroll());
    observer.observe(this.#scroller);
    scope.add(() => observer.disconnect());
    scope.listen(this.#scroller, "scroll", () => this.#onScroll(), { passive: true });
    scope.listen(this.#sheet, "click", (event: MouseEvent) => this.#onClick(event));
    scope.listen(this.#scroller, "keydown", (event: KeyboardEvent) => this.#onKey(event));
  }

  /** Show these rows, at their end or where the user has scrolled to. */
  draw(rows: Rows, isFollowing: boolean): void {
    const gone = rows.first - this.#rows.first;
    this.#rows = rows;
    if (this.#open >= 0 && (this.#open < rows.first || this.#open >= rows.end)) this.#close();
    const shape = this.#shape();
    const height = tableHeight(shape);
    if (height !== this.#drawnPx) {
      this.#sheet.style.height = `${height}px`;
      this.#drawnPx = height;
    }
    const most = Math.max(0, height - this.#options.visible * ROW_PX);
    const moved = gone > 0 ? this.#scrollPx - gone * ROW_PX : this.#scrollPx;
    const wanted = isFollowing ? most : Math.min(most, Math.max(0, moved));
    if (wanted !== this.#scrollPx || isFollowing) {
      this.#scrollPx = wanted;
      this.#scroller.scrollTop = wanted;
    }
    setAttribute(this.el, "aria-rowcount", shape.count + 1);
    this.#drawWindow();
  }

  /** Ordinals have started anew: nothing of what is drawn can be kept. */
  reset(): void {
    this.#close();
    for (const slot of this.#slots) slot.clear();
  }

  #shape(): TableShape {
    const { first, end } = this.#rows;
    const openIndex = this.#open < 0 ? -1 : this.#open - first;
    return { count: end - first, rowPx: ROW_PX, openIndex, openPx: this.#openPx };
  }

  #drawWindow(): void {
    const shape = this.#shape();
    const heightPx = this.#options.visible * ROW_PX;
    const { from, to } = rowWindow(this.#scrollPx, heightPx, shape, SPARE);
    const pool = this.#options.visible + 2 * SPARE + 2;
    const used = new Set<RowSlot>();
    for (let index = from; index < Math.min(to, from + pool); index += 1) {
      const ordinal = this.#rows.first + index;
      const slot = this.#slot(ordinal % pool);
      used.add(slot);
      slot.show(this.#rows.at(ordinal), ordinal, {
        top: rowTop(index, shape),
        rowIndex: index + 2,
        isOpen: ordinal === this.#open,
      });
    }
    for (const slot of this.#slots) if (!used.has(slot)) slot.clear();
    if (this.#open >= 0) {
      this.#detail.style.transform = `translateY(${rowTop(shape.openIndex, shape) + ROW_PX}px)`;
    }
  }

  #slot(at: number): RowSlot {
    let slot = this.#slots[at];
    for (let i = this.#slots.length; !slot; i += 1) {
      const made = new RowSlot(this.#options.isWide);
      this.#slots.push(made);
      this.#sheet.append(made.el);
      if (i === at) slot = made;
    }
    return slot;
  }

  #restoreScroll(): void {
    if (this.#scroller.clientHeight > 0) this.#scroller.scrollTop = this.#scrollPx;
  }

  #onScroll(): void {
    const px = this.#scroller.scrollTop;
    if (Math.abs(px - this.#scrollPx) < 1 || this.#scroller.clientHeight === 0) return;
    this.#scrollPx = px;
    const most = this.#drawnPx - this.#options.visible * ROW_PX;
    this.#options.onScroll(px >= most - 2);
    this.#redraw();
  }

  #onClick(event: MouseEvent): void {
    const target = event.target as Element;
    const slot = this.#slots.find((each) => each.el.contains(target));
    if (!slot || slot.ordinal < 0) return;
    const row = this.#rows.at(slot.ordinal);
    if (target.closest(".ff-story") && row[4]) this.#options.onStory(row[4]);
    else this.#toggle(slot.ordinal);
  }

  #toggle(ordinal: number): void {
    if (this.#open === ordinal) this.#close();
    else this.#openRow(ordinal);
    this.#sheet.style.height = `${tableHeight(this.#shape())}px`;
    this.#drawnPx = tableHeight(this.#shape());
    this.#drawWindow();
    if (this.#open < 0) return;
    // Whoever reads a row does not want the next event to carry it away.
    this.#options.onScroll(false);
    const bottom = rowTop(this.#open - this.#rows.first, this.#shape()) + ROW_PX + this.#openPx;
    const over = bottom - this.#scrollPx - this.#options.visible * ROW_PX;
    if (over > 0) this.#scroller.scrollTop += over;
  }

  #openRow(ordinal: number): void {
    const row = this.#rows.at(ordinal);
    this.#open = ordinal;
    this.#detailCell.replaceChildren(...detailOf(row, this.#options.onStory));
    this.#sheet.append(this.#detail);
    this.#openPx = Math.max(ROW_PX, this.#detail.offsetHeight);
  }

  #close(): void {
    this.#open = -1;
    this.#openPx = 0;
    this.#detail.remove();
  }

  /** Arrows go from row to row, Enter opens one. */
  #onKey(event: KeyboardEvent): void {
    if (event.shiftKey || (event.target as Element).closest(".ff-row-detail")) return;
    const slot = this.#slots.find((each) => each.el.contains(event.target as Node));
    const at = slot?.ordinal ?? -1;
    const to = this.#goal(event.key, at);
    if (to !== null) {
      event.preventDefault();
      this.#focusRow(to);
    } else if (at >= 0 && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#toggle(at);
    } else if (event.key === "Escape" && this.#open >= 0) this.#toggle(this.#open);
  }

  #goal(key: string, at: number): number | null {
    const { first, end } = this.#rows;
    if (end === first) return null;
    const page = this.#options.visible - 1;
    const from = at < 0 ? Math.min(end - 1, first + Math.ceil(this.#scrollPx / ROW_PX) - 1) : at;
    const goals: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      PageDown: from + page,
      PageUp: from - page,
      Home: first,
      End: end - 1,
    };
    const goal = goals[key];
    return goal === undefined ? null : Math.min(end - 1, Math.max(first, goal));
  }

  #focusRow(ordinal: number): void {
    const shape = this.#shape();
    const top = rowTop(ordinal - this.#rows.first, shape);
    const height = this.#options.visible * ROW_PX;
    if (top < this.#scrollPx) this.#scroller.scrollTop = top;
    else if (top + ROW_PX > this.#scrollPx + height) this.#scroller.scrollTop = top + ROW_PX - height;
    this.#onScroll();
    this.#drawWindow();
    this.#slots.find((slot) => slot.ordinal === ordinal)?.el.focus({ preventScroll: true });
  }
}

interface Place {
  top: number;
  rowIndex: number;
  isOpen: boolean;
}

/** One row node; it shows one row after the other. */
class RowSlot {
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
    const name_ = LEVEL_ICONS[level];
    this.#mark.replaceChildren(...(name_ ? [icon(name_)] : []));
    this.el.setAttribute("data-level", level);
  }
}

function cell(className: string): HTMLElement {
  return html("span", { class: className, role: "cell" });
}

function headRow(isWide: boolean): HTMLElement {
  const names = isWide
    ? ["Seq", "Time", "Event", "Component", "Story", "Data"]
    : ["Time", "Event", "Story", "Data"];
  const cells = names.map((name) =>
    html("span", { role: "columnheader", class: `ff-col-${name.toLowerCase()}` }, name),
  );
  return html("div", { class: "ff-event-head", role: "row", "aria-rowindex": 1 }, ...cells);
}

/** Everything of one event, as lines, and a button for its story. */
function detailOf(row: EventRow, onStory: (story: string) => void): HTMLElement[] {
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

function fail(): never {
  throw new RangeError("There are no rows");
}
