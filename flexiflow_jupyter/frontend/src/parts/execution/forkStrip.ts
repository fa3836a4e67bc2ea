/** The question from where to fork: steps before it are kept, the rest runs again. */
import { html, setAttribute } from "../../dom";
import { icon } from "../../icons";
import type { StepRow } from "../../protocol";
import { lastFailed } from "../../stepStore";
import type { Part, ViewContext } from "../../view";

/** Steps that can be chosen from the list; each one has its button in its details. */
const MOST_CHOICES = 200;

export class ForkStrip implements Part {
  readonly el: HTMLFormElement;
  readonly #context: ViewContext;
  readonly #select = html("select", { class: "ff-in", "aria-label": "Fork from" });
  readonly #go = html("button", { type: "submit", class: "ff-b ff-primary" }, icon("fork"), "Fork");
  #opener: HTMLElement | null = null;

  constructor(context: ViewContext) {
    this.#context = context;
    const cancel = html("button", { type: "button", class: "ff-b ff-quiet" }, "Not now");
    this.el = html(
      "form",
      { class: "ff-fork", hidden: true, "aria-label": "Fork" },
      html("label", { class: "ff-field" }, html("span", {}, "Fork from"), this.#select),
      html("p", {}, "Steps before it are kept. It and what follows run again, in a new run."),
      html("span", { class: "ff-tools" }, cancel, this.#go),
    );
    cancel.addEventListener("click", () => this.close());
    this.el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    this.el.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = this.#select.value;
      if (!key || this.#go.disabled) return;
      context.session.send("fork", { step: key });
      this.close();
    });
  }

  update(): void {
    // The choices are read when it is opened.
  }

  /** Ask, with a step chosen: the one given, else one that failed, else the last. */
  open(opener: HTMLElement | null, key: string | null): void {
    const { steps } = this.#context.session;
    const rows = steps.rows((row) => row.status !== "waiting" && row.status !== "skipped");
    const chosen = rows.find((row) => row.key === key) ?? suggestionOf(rows);
    const shown = rows.slice(-MOST_CHOICES);
    if (chosen && !shown.includes(chosen)) shown.unshift(chosen);
    this.#select.replaceChildren(
      ...shown.map((row) =>
        html("option", { value: row.key, selected: row === chosen }, choiceText(row)),
      ),
    );
    this.#go.disabled = shown.length === 0;
    setAttribute(this.#go, "title", shown.length === 0 ? "No step has begun yet." : null);
    this.#opener = opener;
    this.el.hidden = false;
    this.#select.focus();
  }

  close(): void {
    if (this.el.hidden) return;
    this.el.hidden = true;
    this.#opener?.focus();
  }
}

function suggestionOf(rows: readonly StepRow[]): StepRow | undefined {
  return lastFailed(rows) ?? rows.at(-1);
}

function choiceText(row: StepRow): string {
  return `${"\u2003".repeat(Math.min(row.depth, 4))}${row.name} · ${row.status} · step ${row.key}`;
}
