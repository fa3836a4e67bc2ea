/**
 * The sequence diagram: life lines, bars, and as many rows as can be seen, whatever
 * their number. Rows go from old to new; the newest is followed until somebody scrolls.
 */
import { html, setAttribute, setText, svg } from "../../dom";
import type { Columns } from "../../engine/columns";
import { columnsWanted, placeColumns } from "../../engine/columns";
import type { Entry } from "../../engine/flowStore";
import type { EngineLook } from "../../engine/look";
import { barsOf, ROW_PX } from "../../engine/shapes";
import { formatCount } from "../../format";
import type { EngineInfo } from "../../protocol";
import { rowWindow } from "../../rowWindow";
import type { Part, ViewContext } from "../../view";
import { isHidden } from "../../view";
import { EntryDetail } from "./detail";
import { Heads } from "./heads";
import { FlowRowSlot } from "./row";

/** Rows seen at once. */
const VISIBLE = 10;
const SPARE = 8;
const POOL = VISIBLE + 2 * SPARE + 2;
const NARROW_PX = 560;
const NOW_PX = 16;
/** Height of the rows in sight, the heads left out. */
const VIEW_PX = VISIBLE * ROW_PX + NOW_PX;

export class Diagram implements Part {
  readonly el = html("div", { class: "ff-flow" });
  readonly #context: ViewContext;
  readonly #look: EngineLook;
  readonly #heads = new Heads();
  readonly #detail: EntryDetail;
  readonly #scroller = html("div", {
    class: "ff-flow-rows",
    role: "table",
    tabindex: 0,
    "aria-label": "Messages and events",
  });
  readonly #sheet = html("div", { class: "ff-flow-sheet", role: "rowgroup" });
  readonly #lines = svg("g", { class: "ff-flow-lives" });
  readonly #bars = svg("g", { class: "ff-flow-bars" });
  readonly #picture = svg("svg", { class: "ff-flow-picture", "aria-hidden": "true" });
  readonly #now = html("div", { class: "ff-flow-now", "aria-hidden": "true" }, "now");
  readonly #empty = html("p", { class: "ff-flow-none" });
  readonly #slots: FlowRowSlot[] = [];
  readonly #redraw: () => void;
  #info: EngineInfo = { name: "", parts: [], more: 0 };
  #closed = "";
  #columns: Columns = placeColumns([], { widthPx: 0, timePx: 0, storyPx: 0, leastPx: 1 });
  #geometry = 0;
  #placed = "";
  #shown: readonly Entry[] = [];
  #scrollPx = 0;
  #widthPx = 0;
  #open = -1;

  constructor(context: ViewContext, look: EngineLook) {
    const { scope, session } = context;
    this.#context = context;
    this.#look = look;
    this.#redraw = scope.frame(() => this.#draw());
    this.#detail = new EntryDetail({
      onStory: (story) => this.#setStory(story),
      onClose: () => this.#close(true),
    });
    this.#picture.append(this.#lines, this.#bars);
    this.#sheet.append(this.#picture, this.#now);
    this.#scroller.append(this.#heads.el, this.#sheet);
    this.el.append(this.#scroller, this.#empty, this.#detail.el);
    const observer = new ResizeObserver(() => this.#measure());
    observer.observe(this.#scroller);
    scope.add(() => observer.disconnect());
    scope.listen(this.#scroller, "scroll", () => this.#onScroll(), { passive: true });
    scope.listen(this.#sheet, "click", (event: MouseEvent) => this.#onClick(event));
    scope.listen(this.#scroller, "keydown", (event: KeyboardEvent) => this.#onKey(event));
    for (const signal of [look.query, look.isFollowing, look.frozen]) {
      scope.add((signal.on as (listener: () => void) => () => void).call(signal, this.#redraw));
    }
    scope.add(session.grown.on(this.#redraw));
    scope.listen(document, "visibilitychange", this.#redraw);
    session.wantFlow();
    this.#redraw();
  }

  update(traits: { engine: EngineInfo; closed: string }): void {
    this.#info = traits.engine;
    this.#closed = traits.closed;
    this.#redraw();
  }

  /** Draw what there is and tell the kernel so; a hidden page does neither. */
  #draw(): void {
    if (isHidden()) return;
    this.#shown = this.#look.shown();
    this.#placeColumns();
    this.#heads.draw(this.#info, this.#columns, this.#geometry);
    const height = this.#heightPx();
    setAttribute(this.#picture, "width", this.#columns.sheetPx);
    setAttribute(this.#picture, "height", Math.max(height, VIEW_PX));
    this.#sheet.style.height = `${height}px`;
    this.#sheet.style.width = `${this.#columns.sheetPx}px`;
    const isLive = this.#look.frozen.value === null && this.#closed === "";
    this.#now.hidden = !isLive || this.#shown.length === 0;
    this.#now.style.transform = `translateY(${this.#shown.length * ROW_PX}px)`;
    if (this.#look.isFollowing.value && this.#look.frozen.value === null) this.#goTo(Infinity);
    this.#drawWindow();
    this.#drawEmpty();
    this.#context.session.acknowledge();
  }

  #heightPx(): number {
    return Math.max(this.#shown.length, 4) * ROW_PX + NOW_PX;
  }

  #placeColumns(): void {
    const { hidden } = this.#look.query.value;
    const known = this.#info.parts.map((part) => part.name);
    const names = known.filter((name) => !hidden.has(name)).map((name) => ({ name, isGone: false }));
    const { busy, gone } = takingPart(this.#shown, new Set([...known, ...hidden]));
    names.push(...[...gone].map((name) => ({ name, isGone: true })));
    const isNarrow = this.#isNarrow;
    const space = {
      widthPx: this.#widthPx,
      timePx: isNarrow ? 80 : 100,
      storyPx: isNarrow ? 0 : 72,
      leastPx: isNarrow ? 108 : 124,
    };
    const wanted = columnsWanted(names, busy, space);
    if (wanted.quiet !== this.#look.quiet.value) this.#look.quiet.value = wanted.quiet;
    const placed = JSON.stringify([wanted.names, this.#widthPx]);
    if (placed === this.#placed) return;
    this.#placed = placed;
    this.#geometry += 1;
    this.#columns = placeColumns(wanted.names, space);
    const lines = this.#columns.list.map(({ x }) => svg("path", { d: `M${x},0V100000` }));
    this.#lines.replaceChildren(...lines);
  }

  get #isNarrow(): boolean {
    return this.#widthPx < NARROW_PX;
  }

  #drawWindow(): void {
    const shape = { count: this.#shown.length, rowPx: ROW_PX, openIndex: -1, openPx: 0 };
    const { from, to } = rowWindow(this.#scrollPx, VIEW_PX, shape, SPARE);
    const used = new Set<FlowRowSlot>();
    for (let index = from; index < Math.min(to, from + POOL); index += 1) {
      const entry = this.#shown[index];
      if (!entry) continue;
      const slot = this.#slot(index % POOL);
      used.add(slot);
      slot.show(entry, this.#columns, {
        top: index * ROW_PX,
        rowIndex: index + 2,
        geometry: this.#geometry,
        isNarrow: this.#isNarrow,
        isLatest: index === this.#shown.length - 1,
        isOpen: entry.ordinal === this.#open,
      });
    }
    for (const slot of this.#slots) if (!used.has(slot)) slot.clear();
    setAttribute(this.#scroller, "aria-rowcount", this.#shown.length + 1);
    this.#drawBars(from * ROW_PX, to * ROW_PX);
  }

  #drawBars(top: number, bottom: number): void {
    const bars = barsOf(this.#shown, this.#columns).filter(
      (bar) => bar.bottom >= top && bar.top <= bottom,
    );
    while (this.#bars.childElementCount > bars.length) this.#bars.lastElementChild?.remove();
    for (const [at, bar] of bars.entries()) {
      const node = this.#bars.children[at] ?? this.#bars.appendChild(svg("rect", { width: 10, rx: 2 }));
      setAttribute(node, "x", bar.x - 5);
      setAttribute(node, "y", bar.top);
      setAttribute(node, "height", bar.bottom - bar.top);
    }
  }

  #drawEmpty(): void {
    const isEmpty = this.#shown.length === 0;
    this.#empty.hidden = !isEmpty;
    if (!isEmpty) return;
    const { story, hidden } = this.#look.query.value;
    if (this.#info.parts.length === 0) {
      setText(this.#empty, "No component yet. Define one in a cell that begins with %%flexiflow.");
    } else if (story || hidden.size > 0) setText(this.#empty, "Nothing of what is chosen is here.");
    else setText(this.#empty, "No message yet.");
  }

  #slot(at: number): FlowRowSlot {
    let slot = this.#slots[at];
    for (let i = this.#slots.length; !slot; i += 1) {
      const made = new FlowRowSlot();
      this.#slots.push(made);
      this.#sheet.append(made.el);
      if (i === at) slot = made;
    }
    return slot;
  }

  #measure(): void {
    const width = this.#scroller.clientWidth;
    if (width === 0) return;
    if (Math.abs(this.#scroller.scrollTop - this.#scrollPx) > 1) this.#scroller.scrollTop = this.#scrollPx;
    if (width === this.#widthPx) return;
    this.#widthPx = width;
    this.#redraw();
  }

  /** Scroll so that this many pixels are above; as far as there is something. */
  #goTo(px: number): void {
    const most = Math.max(0, this.#heightPx() - VIEW_PX);
    const wanted = Math.min(most, Math.max(0, px));
    if (Math.abs(wanted - this.#scroller.scrollTop) > 1) this.#scroller.scrollTop = wanted;
    this.#scrollPx = wanted;
  }

  #onScroll(): void {
    const px = this.#scroller.scrollTop;
    if (Math.abs(px - this.#scrollPx) < 1 || this.#scroller.clientHeight === 0) return;
    this.#scrollPx = px;
    const most = this.#heightPx() - VIEW_PX;
    const isAtEnd = px >= most - NOW_PX - 2;
    if (isAtEnd !== this.#look.isFollowing.value) this.#look.isFollowing.value = isAtEnd;
    this.#redraw();
  }

  #onClick(event: MouseEvent): void {
    const target = event.target as Element;
    const slot = this.#slots.find((each) => each.el.contains(target));
    const entry = this.#shown.find((each) => each.ordinal === slot?.ordinal);
    if (!entry) return;
    if (target.closest(".ff-story") && entry.story) this.#setStory(entry.story);
    else this.#toggle(entry);
  }

  #setStory(story: string): void {
    this.#look.setStory(story);
    this.#context.announce(`Only story ${story}`);
  }

  #toggle(entry: Entry): void {
    if (this.#open === entry.ordinal || entry.kind === "gap") {
      this.#close(false);
      return;
    }
    this.#open = entry.ordinal;
    this.#detail.show(entry);
    this.#redraw();
  }

  #close(isFocused: boolean): void {
    const index = this.#shown.findIndex((entry) => entry.ordinal === this.#open);
    this.#open = -1;
    this.#detail.hide();
    if (isFocused) this.#focusRow(index);
    this.#redraw();
  }

  /** Arrows go from row to row, Enter shows all of one, Escape goes back. */
  #onKey(event: KeyboardEvent): void {
    if (event.shiftKey) return;
    const slot = this.#slots.find((each) => each.el.contains(event.target as Node));
    const at = slot ? this.#shown.findIndex((entry) => entry.ordinal === slot.ordinal) : -1;
    const entry = this.#shown[at];
    const to = this.#goal(event.key, at);
    if (to !== null) {
      event.preventDefault();
      this.#focusRow(to);
    } else if (entry && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      this.#toggle(entry);
    } else if (event.key === "Escape") this.#onEscape();
  }

  #onEscape(): void {
    if (this.#open >= 0) this.#close(true);
    else if (this.#look.query.value.story) {
      this.#look.setStory("");
      this.#context.announce("All stories");
    }
  }

  #goal(key: string, at: number): number | null {
    const last = this.#shown.length - 1;
    if (last < 0) return null;
    const from = at < 0 ? Math.min(last, Math.ceil(this.#scrollPx / ROW_PX) - 1) : at;
    const goals: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      PageDown: from + VISIBLE - 1,
      PageUp: from - VISIBLE + 1,
      Home: 0,
      End: last,
    };
    const goal = goals[key];
    return goal === undefined ? null : Math.min(last, Math.max(0, goal));
  }

  #focusRow(index: number): void {
    const entry = this.#shown[index];
    if (!entry) {
      this.#scroller.focus();
      return;
    }
    const top = index * ROW_PX;
    if (index < this.#shown.length - 1) this.#look.isFollowing.value = false;
    if (top < this.#scrollPx) this.#goTo(top);
    else if (top + ROW_PX > this.#scrollPx + VIEW_PX) this.#goTo(top + ROW_PX - VIEW_PX);
    this.#drawWindow();
    this.#slots.find((slot) => slot.ordinal === entry.ordinal)?.el.focus({ preventScroll: true });
  }
}

/** Who takes part in some entries, and who of them is not known. */
function takingPart(
  entries: readonly Entry[],
  known: ReadonlySet<string>,
): { busy: Set<string>; gone: Set<string> } {
  const busy = new Set<string>();
  const gone = new Set<string>();
  for (const entry of entries) {
    if (entry.kind === "gap" || (entry.kind === "state" && entry.text === "registered")) continue;
    if (entry.from) busy.add(entry.from);
    for (const name of entry.to) {
      busy.add(name);
      if (entry.kind !== "event" && !known.has(name)) gone.add(name);
    }
  }
  return { busy, gone };
}

/** The line under the diagram: what is shown and what is not. */
export function createEngineFoot(context: ViewContext, look: EngineLook): Part {
  const { scope, session } = context;
  const count = html("span", { class: "ff-fact" });
  const dropped = html("span", { class: "ff-dropped", "data-dropped": "0", "data-rows": "0" });
  const paused = html("span", { class: "ff-fact" });
  const el = html("div", { class: "ff-foot" }, html("span", { class: "ff-facts" }, count, dropped, paused));
  dropped.title =
    "The diagram keeps the newest 1,000 rows, and the kernel leaves out what comes " +
    "faster than it is drawn. Counts stay exact.";
  const draw = scope.frame(() => {
    if (isHidden()) return;
    const shown = look.shown().length;
    const all = (look.frozen.value ?? session.flow.entries).length;
    setText(count, shown === all ? `${formatCount(all)} rows` : `${formatCount(shown)} of ${formatCount(all)} rows`);
    setAttribute(dropped, "data-dropped", session.flow.dropped);
    setAttribute(dropped, "data-rows", all);
    setText(dropped, `${formatCount(session.flow.dropped)} left out`);
    setText(paused, look.frozen.value ? `paused, ${formatCount(look.news)} new` : "");
  });
  scope.add(session.grown.on(draw));
  scope.add(look.query.on(draw));
  scope.add(look.frozen.on(draw));
  draw();
  return { el, update: () => undefined };
}
