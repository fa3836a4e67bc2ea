/** The dead letters: what failed or reached nobody, with Retry and Drop. */
import { html, setAttribute, setText } from "../../dom";
import type { EngineLook } from "../../engine/look";
import { OUTSIDE } from "../../engine/words";
import { formatCount, formatTime } from "../../format";
import { icon } from "../../icons";
import type { LetterInfo, LettersInfo, Traits } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { storyButton } from "./tools";

const REASONS: Record<string, string> = {
  unknown: "There is no such component.",
  closed: "The component has been closed.",
};

export class Letters implements Part {
  readonly el = html("div", { class: "ff-letters", hidden: true });
  readonly #context: ViewContext;
  readonly #look: EngineLook;
  readonly #title = html("span", { class: "ff-label" });
  readonly #more = html("span", { class: "ff-fact" });
  readonly #clear = html("button", { type: "button", class: "ff-b ff-quiet", "data-drop": "" }, "Drop all");
  readonly #list = html("div", { class: "ff-letter-rows", role: "table", "aria-label": "Dead letters" });
  readonly #rows = new Map<number, LetterRow>();
  #letters: LettersInfo = { rows: [], held: 0, ever: 0 };
  #closed = "";

  constructor(context: ViewContext, look: EngineLook) {
    this.#context = context;
    this.#look = look;
    const bar = html("div", { class: "ff-letter-bar" }, this.#title, this.#more, this.#clear);
    this.el.append(bar, this.#list);
    this.#clear.addEventListener("click", () => context.session.send("drop"));
    context.scope.add(look.query.on(() => this.#draw()));
    context.scope.add(context.session.changed.on(() => this.#drawStatus()));
  }

  update(traits: Traits, changed: ReadonlySet<string>): void {
    if (!changed.has("letters") && !changed.has("closed")) return;
    this.#letters = traits.letters;
    this.#closed = traits.closed;
    this.#draw();
  }

  #draw(): void {
    const { rows, held, ever } = this.#letters;
    const { story } = this.#look.query.value;
    const shown = story ? rows.filter((letter) => letter.story === story) : rows;
    this.el.hidden = held === 0;
    setAttribute(this.el, "data-held", held);
    setText(this.#title, `Dead letters ${formatCount(held)}`);
    const facts = [];
    if (shown.length < held) facts.push(`${formatCount(shown.length)} shown`);
    if (ever > held && held === 1000) facts.push(`${formatCount(ever)} in all`);
    setText(this.#more, facts.join(", "));
    this.#clear.disabled = this.#closed !== "";
    const numbers = new Set(shown.map((letter) => letter.number));
    const focused = this.#focusedRow();
    for (const [number, row] of this.#rows) {
      if (numbers.has(number)) continue;
      row.el.remove();
      this.#rows.delete(number);
    }
    for (const [at, letter] of shown.entries()) {
      const row = this.#row(letter);
      if (this.#list.children[at] !== row.el) this.#list.insertBefore(row.el, this.#list.children[at] ?? null);
      row.permit(letter, this.#closed);
    }
    this.#drawStatus();
    if (focused >= 0) this.#keepFocus(focused);
  }

  /** The place of the row that has the focus, -1 for none. */
  #focusedRow(): number {
    return [...this.#list.children].findIndex((row) => row.contains(document.activeElement));
  }

  /** The row that had the focus may be gone: the next one takes it. */
  #keepFocus(at: number): void {
    if (this.#list.contains(document.activeElement)) return;
    const row = this.#list.children[Math.min(at, this.#list.childElementCount - 1)];
    row?.querySelector<HTMLButtonElement>("button:enabled")?.focus();
  }

  #row(letter: LetterInfo): LetterRow {
    const known = this.#rows.get(letter.number);
    if (known) return known;
    const row = new LetterRow(letter, {
      onRetry: () => this.#context.session.send(`retry:${letter.number}`),
      onDrop: () => this.#context.session.send(`drop:${letter.number}`),
      onStory: (story) => {
        this.#look.setStory(story);
        this.#context.announce(`Only story ${story}`);
      },
    });
    this.#rows.set(letter.number, row);
    return row;
  }

  #drawStatus(): void {
    const { sends, note } = this.#context.session;
    for (const [number, row] of this.#rows) {
      row.show(sends.statusOf(`retry:${number}`).status);
    }
    if (note) this.#context.announce(note);
  }
}

interface LetterEvents {
  onRetry: () => void;
  onDrop: () => void;
  onStory: (story: string) => void;
}

class LetterRow {
  readonly el: HTMLElement;
  readonly #retry = html("button", { type: "button", class: "ff-b", "data-retry": "" });
  readonly #drop: HTMLButtonElement;
  #status = "";

  constructor(letter: LetterInfo, events: LetterEvents) {
    const why = REASONS[letter.reason] ?? letter.error;
    const way = `from ${letter.source || OUTSIDE} to ${letter.target}`;
    this.#drop = html("button", { type: "button", class: "ff-b ff-quiet", "aria-label": `Drop ${letter.type}` }, "Drop");
    this.#retry.setAttribute("aria-label", `Retry ${letter.type} to ${letter.target}`);
    const message = html("span", { class: "ff-letter-message", role: "cell", dir: "auto", title: letter.text }, icon("cross"), html("span", {}, letter.text));
    const reason = html("span", { class: "ff-letter-why", role: "cell", title: `${way}. ${letter.error}` }, html("span", { dir: "auto" }, `to ${letter.target}: ${why}`));
    const story = html("span", { role: "cell" }, letter.story ? storyButton(letter.story, events.onStory) : null);
    const actions = html("span", { class: "ff-letter-actions", role: "cell" }, this.#retry, this.#drop);
    const time = html("span", { class: "ff-time", role: "cell" }, formatTime(letter.time_ms));
    this.el = html("div", { class: "ff-letter", role: "row", "data-dead-letter": letter.number, "data-reason": letter.reason }, time, message, reason, story, actions);
    this.#retry.addEventListener("click", events.onRetry);
    this.#drop.addEventListener("click", events.onDrop);
    this.show("idle");
  }

  permit(letter: LetterInfo, closed: string): void {
    const reason = closed || letter.retry;
    this.#retry.disabled = reason !== "";
    setAttribute(this.#retry, "title", reason || null);
    this.#drop.disabled = closed !== "";
  }

  show(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#retry.setAttribute("data-status", status);
    const isGoing = status === "pending" || status === "queued";
    this.#retry.replaceChildren(icon(isGoing ? "spinner" : "retry"), isGoing ? "Working" : "Retry");
  }
}
