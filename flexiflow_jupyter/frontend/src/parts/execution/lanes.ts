/**
 * The steps of an execution on their lanes: as many row nodes as can be seen, however
 * many steps there are.
 */
import { html, setAttribute, setText } from "../../dom";
import { countOf, formatCount } from "../../format";
import type { TimeMap } from "../../gantt";
import { marksOf, positionOf, timeMap } from "../../gantt";
import { factsOf } from "../../ganttRow";
import { icon } from "../../icons";
import type { ExecutionInfo, StepRow, TraitName, Traits } from "../../protocol";
import type { TableShape } from "../../rowWindow";
import { rowTop, rowWindow, tableHeight } from "../../rowWindow";
import { stepFilter } from "../../stepStore";
import type { Part, ViewContext } from "../../view";
import { isHidden } from "../../view";
import { clockOf } from "./clock";
import { isOver } from "./head";
import { LaneRow, percent } from "./laneRow";

const ROW_PX = 28;
/** Rows that are seen at once; more are scrolled, and can be searched. */
const MOST_VISIBLE = 12;
const SPARE = 6;
/** The lanes are drawn anew while time goes on, no oftener than that. */
const FASTEST_MS = 100;
const SLOWEST_MS = 2000;
const CALM_MS = 1000;
/** About the number of pixels of a lane. */
const LANE_PX = 450;

export interface LanesOptions {
  onFork: (key: string) => void;
}

export class Lanes implements Part {
  readonly el = html("div", { class: "ff-gantt" });
  readonly #context: ViewContext;
  readonly #options: LanesOptions;
  readonly #bar: HTMLElement;
  readonly #input = html("input", {
    class: "ff-in",
    "data-filter": "",
    placeholder: "Filter",
    "aria-label": "Filter the steps",
  });
  readonly #count = html("span", { class: "ff-fact" });
  readonly #axis = html("span", { class: "ff-axis", role: "columnheader", "aria-label": "Time" });
  readonly #scroller = html("div", { class: "ff-lane-rows", role: "rowgroup", tabindex: 0 });
  readonly #sheet = html("div", { class: "ff-sheet" });
  readonly #grid = html("div", { class: "ff-lane-grid", "aria-hidden": "true" });
  readonly #now = html("div", { class: "ff-lane-now", hidden: true });
  readonly #detail = html("div", { class: "ff-step-detail", role: "row" });
  readonly #none = html("p", { class: "ff-none-steps" });
  readonly #table: HTMLElement;
  readonly #slots: LaneRow[] = [];
  readonly #redraw: () => void;
  readonly #later: (delayMs: number, run: () => void) => void;
  #info: ExecutionInfo | null = null;
  #closed = "";
  #steps: StepRow[] = [];
  #seen = "";
  #map: TimeMap | null = null;
  #mapOf = "";
  #marks = "";
  #open: string | null = null;
  #openPx = 0;
  #isFollowing = true;
  #scrollPx = 0;

  constructor(context: ViewContext, options: LanesOptions) {
    this.#context = context;
    this.#options = options;
    const { scope, session } = context;
    this.#redraw = scope.frame(() => this.#draw());
    this.#later = scope.timer();
    this.#bar = html(
      "div",
      { class: "ff-bar", hidden: true },
      html("span", { class: "ff-label" }, "Steps"),
      html("span", { class: "ff-filter" }, icon("filter"), this.#input),
      html("span", { class: "ff-facts" }, this.#count),
    );
    const head = html(
      "div",
      { class: "ff-lane-head", role: "row", "aria-rowindex": 1 },
      html("span", { role: "columnheader" }, "Task"),
      this.#axis,
      html("span", { role: "columnheader", class: "ff-step-words" }, "Result"),
    );
    this.#grid.append(this.#now);
    this.#sheet.append(this.#grid);
    this.#scroller.append(this.#sheet);
    this.#table = html(
      "div",
      { class: "ff-lanes", role: "table", "aria-label": "Steps" },
      head,
      this.#scroller,
    );
    this.el.append(this.#bar, this.#table, this.#none);
    scope.add(session.grown.on(this.#redraw));
    scope.listen(document, "visibilitychange", this.#redraw);
    scope.listen(this.#scroller, "scroll", () => this.#onScroll(), { passive: true });
    scope.listen(this.#sheet, "click", (event: MouseEvent) => this.#onClick(event));
    scope.listen(this.#scroller, "keydown", (event: KeyboardEvent) => this.#onKey(event));
    scope.listen(this.#input, "input", () => this.#onFilter());
    session.wantSteps();
  }

  update(traits: Traits, changed: ReadonlySet<TraitName>): void {
    if (!changed.has("execution") && !changed.has("closed")) return;
    // What is over is read from its beginning; what goes on, at its end.
    if (!this.#info) this.#isFollowing = !isOver(traits.execution);
    this.#info = traits.execution;
    this.#closed = traits.closed;
    this.#draw();
  }

  /** The step whose details are open, if there is one. */
  get openKey(): string | null {
    return this.#open;
  }

  #draw(): void {
    const info = this.#info;
    if (!info || isHidden()) return;
    const { session } = this.#context;
    const now = clockOf(info);
    this.#readSteps();
    this.#readMap(info, now);
    this.#drawFrame(info, now);
    this.#drawRows(info, now);
    session.acknowledge();
    const isLive = !isOver(info) && !this.#closed && info.started !== null;
    if (isLive) this.#later(this.#tickMs(info, now), this.#redraw);
  }

  /** About as often as a bar grows by two pixels. */
  #tickMs(info: ExecutionInfo, now: number): number {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const isCalm = isStill || info.state === "paused";
    const pixel = (now - (info.started ?? now)) / LANE_PX;
    return Math.min(SLOWEST_MS, Math.max(isCalm ? CALM_MS : FASTEST_MS, 2 * pixel));
  }

  #readSteps(): void {
    const { steps } = this.#context.session;
    const wanted = `${steps.version} ${this.#input.value}`;
    if (wanted === this.#seen) return;
    this.#seen = wanted;
    this.#steps = steps.rows(stepFilter(this.#input.value));
    const isOpenGone = !this.#steps.some((step) => step.key === this.#open);
    if (this.#open !== null && isOpenGone) this.#close();
  }

  #readMap(info: ExecutionInfo, now: number): void {
    const start = info.started ?? now;
    const { steps } = this.#context.session;
    const map = timeMap(start, info.ended ?? now, steps.busyUntil(info.ended ?? now));
    // While time goes on within the same marks, nothing that is drawn has to move.
    const same = JSON.stringify(map);
    if (same === this.#mapOf) return;
    this.#mapOf = same;
    this.#map = map;
  }

  #drawFrame(info: ExecutionInfo, now: number): void {
    const map = this.#map;
    const { steps } = this.#context.session;
    const kept = this.#steps.length;
    const isCrowded = info.steps > MOST_VISIBLE;
    this.#bar.hidden = !isCrowded;
    if (isCrowded) setText(this.#count, countText(info, kept, steps.dropped, this.#input.value));
    this.#none.hidden = kept > 0;
    if (kept === 0) setText(this.#none, noneText(info, this.#input.value));
    this.#table.hidden = kept === 0;
    if (!map) return;
    if (this.#marks !== this.#mapOf) this.#drawMarks(map);
    const isLive = !isOver(info) && !this.#closed;
    this.#now.hidden = !isLive;
    if (isLive) this.#now.style.left = percent(positionOf(now, map));
  }

  #drawMarks(map: TimeMap): void {
    this.#marks = this.#mapOf;
    const marks = marksOf(map);
    this.#axis.replaceChildren(
      ...marks.map((mark) => {
        const title = mark.isFold ? `${mark.text} without work, folded` : null;
        const node = html("span", { "data-fold": mark.isFold, title }, mark.text);
        node.style.left = percent(mark.at);
        return node;
      }),
    );
    const lines = marks
      .filter((mark) => !mark.isFold)
      .map((mark) => {
        const line = html("i", {});
        line.style.left = percent(mark.at);
        return line;
      });
    const folds = map.segments
      .filter((segment) => segment.isFolded)
      .map((segment) => {
        const fold = html("b", {});
        fold.style.left = percent(segment.left);
        fold.style.width = percent(segment.right - segment.left);
        return fold;
      });
    this.#grid.replaceChildren(...lines, ...folds, this.#now);
  }

  #drawRows(info: ExecutionInfo, now: number): void {
    const map = this.#map;
    if (!map) return;
    const shape = this.#shape();
    const visible = Math.min(MOST_VISIBLE, Math.max(1, shape.count));
    const heightPx = visible * ROW_PX + (this.#open === null ? 0 : Math.min(this.#openPx, 220));
    const height = tableHeight(shape);
    this.#scroller.style.height = `${heightPx}px`;
    this.#sheet.style.height = `${height}px`;
    setAttribute(this.#table, "aria-rowcount", shape.count + 1);
    if (this.#isFollowing && this.#open === null) {
      this.#scrollPx = Math.max(0, height - heightPx);
      this.#scroller.scrollTop = this.#scrollPx;
    }
    const { from, to } = rowWindow(this.#scrollPx, heightPx, shape, SPARE);
    const pool = MOST_VISIBLE + 2 * SPARE + 10;
    const time = { map, start: info.started ?? now, now: info.ended ?? now };
    const used = new Set<LaneRow>();
    for (let index = from; index < Math.min(to, from + pool); index += 1) {
      const step = this.#steps[index];
      if (!step) continue;
      const slot = this.#slot(index % pool);
      used.add(slot);
      const isOpen = step.key === this.#open;
      slot.show(step, time, { top: rowTop(index, shape), rowIndex: index + 2, isOpen });
    }
    for (const slot of this.#slots) if (!used.has(slot)) slot.clear();
    if (shape.openIndex >= 0) {
      const top = rowTop(shape.openIndex, shape) + ROW_PX;
      this.#detail.style.transform = `translateY(${top}px)`;
    }
  }

  #shape(): TableShape {
    const openIndex =
      this.#open === null ? -1 : this.#steps.findIndex((step) => step.key === this.#open);
    return { count: this.#steps.length, rowPx: ROW_PX, openIndex, openPx: this.#openPx };
  }

  #slot(at: number): LaneRow {
    for (let i = this.#slots.length; i <= at; i += 1) {
      const made = new LaneRow();
      this.#slots.push(made);
      this.#sheet.append(made.el);
    }
    return this.#slots[at] as LaneRow;
  }

  #onScroll(): void {
    const px = this.#scroller.scrollTop;
    if (Math.abs(px - this.#scrollPx) < 1 || this.#scroller.clientHeight === 0) return;
    this.#scrollPx = px;
    this.#isFollowing = px + this.#scroller.clientHeight >= this.#scroller.scrollHeight - 2;
    this.#redraw();
  }

  #onFilter(): void {
    this.#scrollPx = 0;
    this.#scroller.scrollTop = 0;
    this.#isFollowing = this.#input.value === "";
    this.#draw();
    if (this.#input.value) this.#context.announce(countOf(this.#steps.length, "step"));
  }

  #onClick(event: MouseEvent): void {
    const slot = this.#slots.find((each) => each.el.contains(event.target as Node));
    if (slot?.step) this.#toggle(slot.step);
  }

  #toggle(step: StepRow): void {
    if (this.#open === step.key) this.#close();
    else this.#openStep(step);
    this.#draw();
  }

  #openStep(step: StepRow): void {
    const info = this.#info;
    if (!info) return;
    this.#open = step.key;
    const list = html("dl", {});
    for (const [key, value] of factsOf(step, info.started ?? 0, clockOf(info))) {
      list.append(html("dt", {}, key), html("dd", {}, value));
    }
    const fork = html("button", { type: "button", class: "ff-b" }, icon("fork"), "Fork from here");
    fork.disabled = !info.fork.enabled || this.#closed !== "";
    setAttribute(fork, "title", this.#closed || info.fork.reason || null);
    fork.addEventListener("click", () => this.#options.onFork(step.key));
    const show = step.child ? this.#childButton(step.child) : null;
    this.#detail.replaceChildren(html("div", { role: "cell" }, list, fork, show));
    this.#sheet.append(this.#detail);
    this.#openPx = Math.max(ROW_PX, this.#detail.offsetHeight);
  }

  #childButton(child: string): HTMLElement {
    const show = html("button", { type: "button", class: "ff-b" }, icon("down"), "Show its run below");
    show.addEventListener("click", () => this.#context.session.send("show", { execution: child }));
    return show;
  }

  #close(): void {
    this.#open = null;
    this.#openPx = 0;
    this.#detail.remove();
  }

  /** Arrows go from row to row, Enter opens one, Escape closes it. */
  #onKey(event: KeyboardEvent): void {
    if (event.shiftKey || (event.target as Element).closest(".ff-step-detail")) return;
    const slot = this.#slots.find((each) => each.el.contains(event.target as Node));
    const at = slot?.step ? this.#steps.indexOf(slot.step) : -1;
    const goals: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + MOST_VISIBLE,
      PageUp: at - MOST_VISIBLE,
      Home: 0,
      End: this.#steps.length - 1,
    };
    const goal = goals[event.key];
    if (goal !== undefined && this.#steps.length > 0) {
      event.preventDefault();
      this.#focusRow(Math.min(this.#steps.length - 1, Math.max(0, goal)));
    } else if (slot?.step && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#toggle(slot.step);
    } else if (event.key === "Escape" && this.#open !== null) {
      this.#close();
      this.#draw();
    }
  }

  #focusRow(index: number): void {
    const top = rowTop(index, this.#shape());
    const height = this.#scroller.clientHeight;
    if (top < this.#scrollPx) this.#scroller.scrollTop = top;
    else if (top + ROW_PX > this.#scrollPx + height) {
      this.#scroller.scrollTop = top + ROW_PX - height;
    }
    this.#onScroll();
    this.#draw();
    const step = this.#steps[index];
    this.#slots.find((each) => each.step === step)?.el.focus({ preventScroll: true });
  }
}

function countText(info: ExecutionInfo, kept: number, dropped: number, filter: string): string {
  const all = countOf(info.steps, "step");
  if (filter) return `${formatCount(kept)} of ${all}`;
  return dropped > 0 ? `${all}, the first ${formatCount(dropped)} not shown` : all;
}

function noneText(info: ExecutionInfo, filter: string): string {
  if (filter) return `No step matches ${filter}.`;
  if (info.steps > 0) return "Loading the steps";
  if (isOver(info)) return "It called no task.";
  return "No step yet. Each task that the workflow calls gets a line here.";
}
