/** The event stream: filter, follow, pause, one story, and the count of what is gone. */
import { copyText } from "../clipboard";
import { html, setAttribute, setText } from "../dom";
import { EventFilter } from "../eventFilter";
import { countOf, formatCount } from "../format";
import type { IconName } from "../icons";
import { icon } from "../icons";
import { toJsonLines } from "../jsonLines";
import { rowsUntil } from "../pastRows";
import type { EventRow } from "../protocol";
import type { Part, ViewContext } from "../view";
import { isHidden } from "../view";
import type { Rows } from "./eventTable";
import { EventTable } from "./eventTable";

export interface StreamOptions {
  /** Alone: 12 rows with numbers and components; in a panel: 4 rows. */
  isAlone: boolean;
}

const COPIED_MS = 1200;
const DROPPED_TITLE =
  "The page keeps the newest 10,000 rows, and the kernel leaves out what comes faster " +
  "than it is drawn. Counts stay exact.";

export function createEventStream(context: ViewContext, options: StreamOptions): Part {
  return new EventStream(context, options);
}

class EventStream implements Part {
  readonly el = html("div", { class: "ff-events", "data-flexiflow": "events" });
  readonly #context: ViewContext;
  readonly #filter: EventFilter;
  readonly #table: EventTable;
  readonly #redraw: () => void;
  readonly #copyLater: (delayMs: number, run: () => void) => void;
  readonly #input: HTMLInputElement;
  readonly #story = html("button", {
    type: "button",
    class: "ff-chip ff-chip-story",
    hidden: true,
  });
  readonly #count = html("span", { class: "ff-fact" });
  readonly #dropped = html("span", { class: "ff-dropped", "data-dropped": "0", "data-rows": "0" });
  readonly #droppedText = html("span", {}, "0 dropped");
  readonly #paused = html("span", { class: "ff-fact" });
  readonly #empty = html("p", { class: "ff-none" }, "No events yet");
  readonly #follow = tool("follow", "Follow");
  readonly #pause = tool("pause", "Pause");
  readonly #copy = tool("copy", "Copy as JSON Lines");
  readonly #clear = tool("cross", "Clear the filter");
  #isFollowing = true;
  #frozen: Frozen | null = null;

  constructor(context: ViewContext, options: StreamOptions) {
    const { scope, session } = context;
    this.#context = context;
    this.#filter = new EventFilter(session.log);
    this.#redraw = scope.frame(() => this.#draw());
    this.#copyLater = scope.timer();
    this.#input = html("input", {
      type: "text",
      class: "ff-in",
      "data-filter": "",
      placeholder: "Filter",
      "aria-label": "Filter events",
      autocomplete: "off",
      spellcheck: "false",
    });
    this.#table = new EventTable(scope, {
      visible: options.isAlone ? 12 : 4,
      isWide: options.isAlone,
      onStory: (story) => this.#setStory(story),
      onScroll: (isAtEnd) => this.#setFollowing(isAtEnd),
    });
    this.#dropped.append(icon("warn"), this.#droppedText);
    this.#dropped.title = DROPPED_TITLE;
    this.#clear.hidden = true;
    const facts = html("span", { class: "ff-facts" }, this.#count, this.#dropped, this.#paused);
    const foot = options.isAlone ? html("div", { class: "ff-foot" }, facts) : null;
    this.#empty.classList.toggle("ff-none-alone", options.isAlone);
    this.el.append(this.#bar(foot ? null : facts), this.#table.el, this.#empty);
    if (foot) this.el.append(foot);
    this.#listen();
    scope.add(session.grown.on(this.#redraw));
    scope.add(session.lookingAt.on(() => this.#onLook()));
    scope.listen(document, "visibilitychange", this.#redraw);
    session.wantEvents();
    this.#draw();
  }

  update(): void {
    // Events come as messages; no trait concerns the stream.
  }

  #bar(facts: HTMLElement | null): HTMLElement {
    const field = html("span", { class: "ff-filter" }, icon("filter"), this.#input, this.#clear);
    const tools = html("span", { class: "ff-tools" }, this.#follow, this.#pause, this.#copy);
    const label = html("span", { class: "ff-label" }, "Events");
    return html("div", { class: "ff-bar" }, label, field, this.#story, facts, tools);
  }

  #listen(): void {
    this.#input.addEventListener("input", () => {
      this.#setQuery(this.#input.value, this.#filter.query.story);
    });
    const clear = (): void => {
      this.#input.value = "";
      this.#setQuery("", this.#filter.query.story);
      this.#input.focus();
    };
    this.#clear.addEventListener("click", clear);
    this.#input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#input.value !== "") clear();
    });
    this.#story.addEventListener("click", () => this.#setStory(""));
    this.#follow.addEventListener("click", () => {
      if (this.#frozen) this.#togglePause();
      this.#setFollowing(!this.#isFollowing);
      this.#redraw();
    });
    this.#pause.addEventListener("click", () => this.#togglePause());
    this.#copy.addEventListener("click", () => void this.#copyRows());
  }

  /** Draw what there is and tell the kernel so; a hidden page does neither. */
  #draw(): void {
    if (isHidden()) return;
    const { log } = this.#context.session;
    if (this.#filter.advance()) {
      this.#frozen = null;
      this.#table.reset();
    }
    const rows = this.#rows();
    const { value: past } = this.#context.session.lookingAt;
    this.#table.draw(rows, past !== null || (this.#isFollowing && !this.#frozen));
    this.#drawFacts(rows);
    setAttribute(this.#dropped, "data-dropped", log.dropped);
    setAttribute(this.#dropped, "data-rows", log.kept);
    setText(this.#droppedText, `${formatCount(log.dropped)} dropped`);
    this.#context.session.acknowledge();
  }

  /** What is shown: up to the step that is looked at, or to the pause, or all. */
  #rows(): Rows {
    const { value: past } = this.#context.session.lookingAt;
    if (past) return rowsUntil(this.#filter, past.seq);
    return this.#frozen ?? this.#filter;
  }

  #onLook(): void {
    setAttribute(this.el, "data-past", this.#context.session.lookingAt.value !== null);
    this.#redraw();
  }

  #countText(shown: number): string {
    const { log, lookingAt } = this.#context.session;
    const { value: past } = lookingAt;
    if (past) return `${formatCount(shown)} by step ${formatCount(past.at)}`;
    if (this.#filter.isActive) return `${formatCount(shown)} of ${formatCount(log.kept)} match`;
    return log.kept > 0 ? countOf(log.kept, "event") : "";
  }

  #drawFacts(rows: Rows): void {
    const shown = rows.end - rows.first;
    const { isActive } = this.#filter;
    setText(this.#count, this.#countText(shown));
    const news = this.#frozen ? this.#filter.end - this.#frozen.end : 0;
    setText(this.#paused, this.#frozen ? `paused, ${formatCount(news)} new` : "");
    setAttribute(this.#empty, "hidden", shown > 0);
    setText(this.#empty, this.#emptyText(isActive));
    const { story } = this.#filter.query;
    setAttribute(this.#story, "hidden", story === "");
    if (story) {
      this.#story.replaceChildren(`story ${story}`, icon("cross"));
      this.#story.setAttribute("aria-label", `Only story ${story}; show all`);
      this.#story.title = "Show all stories";
    }
  }

  #emptyText(isActive: boolean): string {
    const { log, lookingAt } = this.#context.session;
    if (isActive && log.kept > 0) return "No event matches";
    return lookingAt.value && log.kept > 0 ? "No event of that time" : "No events yet";
  }

  #setQuery(text: string, story: string): void {
    this.#clear.hidden = text === "";
    this.#filter.query = { text, story };
    this.#frozen = null;
    this.#table.reset();
    this.#setPressed();
    this.#draw();
  }

  #setStory(story: string): void {
    this.#setQuery(this.#filter.query.text, story);
    if (story) this.#context.announce(`Only story ${story}`);
  }

  #setFollowing(isFollowing: boolean): void {
    this.#isFollowing = isFollowing;
    this.#setPressed();
  }

  #togglePause(): void {
    this.#frozen = this.#frozen ? null : new Frozen(this.#filter);
    this.#setPressed();
    this.#draw();
  }

  #setPressed(): void {
    setAttribute(this.#follow, "aria-pressed", String(this.#isFollowing && !this.#frozen));
    setAttribute(this.#pause, "aria-pressed", String(this.#frozen !== null));
  }

  async #copyRows(): Promise<void> {
    const rows = this.#rows();
    const isCopied = await copyText(toJsonLines(each(rows)), this.el);
    if (this.#context.scope.closed) return;
    const said = isCopied
      ? `Copied ${countOf(rows.end - rows.first, "event")}`
      : "The browser does not allow copying here";
    this.#context.announce(said);
    this.#copy.replaceChildren(icon(isCopied ? "check" : "cross"));
    this.#copy.title = said;
    this.#copyLater(COPIED_MS, () => {
      this.#copy.replaceChildren(icon("copy"));
      this.#copy.title = "Copy as JSON Lines";
    });
  }
}

/** The rows at the moment of pausing; they stay though the ring goes on. */
class Frozen implements Rows {
  readonly first: number;
  readonly end: number;
  readonly #rows: EventRow[];

  constructor(rows: Rows) {
    this.first = rows.first;
    this.end = rows.end;
    this.#rows = [...each(rows)];
  }

  at(ordinal: number): EventRow {
    const row = this.#rows[ordinal - this.first];
    if (!row) throw new RangeError(`No row at ${ordinal}`);
    return row;
  }
}

function* each(rows: Rows): Generator<EventRow> {
  for (let ordinal = rows.first; ordinal < rows.end; ordinal += 1) yield rows.at(ordinal);
}

function tool(name: IconName, label: string): HTMLButtonElement {
  const isToggle = name === "follow" || name === "pause";
  return html(
    "button",
    {
      type: "button",
      class: "ff-ib",
      "aria-label": label,
      title: label,
      "aria-pressed": isToggle ? String(name === "follow") : null,
    },
    icon(name),
  );
}
