/**
 * The virtual table of a stream: as many row nodes as can be seen, whatever the
 * number of rows. Rows are known by ordinals that only grow; a row keeps its node
 * while it stays near the visible part.
 */
import { html, setAttribute } from "../dom";
import type { EventRow } from "../protocol";
import type { TableShape } from "../rowWindow";
import { rowTop, rowWindow, tableHeight } from "../rowWindow";
import type { Scope } from "../scope";
import { detailOf, headRow, RowSlot } from "./eventRow";

export const ROW_PX = 24;
/** Rows drawn above and below: scrolling shows no gap, and readers find some more. */
const SPARE = 16;
/** A scroll comes so soon after it was asked for, on a page that is busy too. */
const OWN_MS = 1000;
/** Whether it was another one is looked at when the rows have come to rest. */
const QUIET_MS = 100;
/** What the user does goes on scrolling for a while. */
const USER_MS = 400;

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
  /** When `draw` moved the rows last, and the user a wheel, a key or the bar. */
  #movedAt = -Infinity;
  #userAt = -Infinity;
  readonly #lookLater: (delayMs: number, run: () => void) => void;

  constructor(scope: Scope, options: TableOptions) {
    this.#options = options;
    this.#redraw = scope.frame(() => this.#drawWindow());
    this.#scroller.style.height = `${options.visible * ROW_PX}px`;
    this.#scroller.append(this.#sheet);
    this.el = html(
      "div",
      {
        class: options.isWide ? "ff-table ff-wide" : "ff-table",
        role: "table",
        "aria-label": "Events",
      },
      headRow(options.isWide),
      this.#scroller,
    );
    // A host that takes the node off the page and puts it back loses its scrolling.
    const observer = new ResizeObserver(() => this.#restoreScroll());
    observer.observe(this.#scroller);
    observer.observe(this.#sheet);
    scope.add(() => observer.disconnect());
    scope.listen(this.#scroller, "scroll", () => this.#onAnyScroll(), { passive: true });
    this.#lookLater = scope.timer();
    for (const name of ["wheel", "touchmove", "pointerdown", "pointermove", "keydown"]) {
      scope.listen(this.#scroller, name, () => this.#noteUser(), { passive: true });
    }
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
    const isGrown = height !== this.#drawnPx;
    if (isGrown) {
      this.#sheet.style.height = `${height}px`;
      this.#drawnPx = height;
    }
    const most = Math.max(0, height - this.#options.visible * ROW_PX);
    const moved = gone > 0 ? this.#scrollPx - gone * ROW_PX : this.#scrollPx;
    const wanted = isFollowing ? most : Math.min(most, Math.max(0, moved));
    if (wanted !== this.#scrollPx) {
      this.#scrollPx = wanted;
      this.#movedAt = performance.now();
      // A sheet of another height is scrolled once the page has laid it out (see the
      // observer): scrolling it now would have the page laid out twice in a frame.
      if (!isGrown) this.#scroller.scrollTop = wanted;
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

  /** Tell what `draw` has moved from what the user does: reading costs a layout. */
  #onAnyScroll(): void {
    const now = performance.now();
    const isOwn = now - this.#movedAt < OWN_MS && now - this.#userAt > USER_MS;
    if (isOwn) this.#lookLater(QUIET_MS, () => this.#onScroll());
    else this.#onScroll();
  }

  #noteUser(): void {
    this.#userAt = performance.now();
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
    else if (top + ROW_PX > this.#scrollPx + height) {
      this.#scroller.scrollTop = top + ROW_PX - height;
    }
    this.#onScroll();
    this.#drawWindow();
    this.#slots.find((slot) => slot.ordinal === ordinal)?.el.focus({ preventScroll: true });
  }
}

function fail(): never {
  throw new RangeError("There are no rows");
}
