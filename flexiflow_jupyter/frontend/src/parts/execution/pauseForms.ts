/** The questions of an execution: a form each, with Resume. */
import { html, setAttribute, setText } from "../../dom";
import { icon } from "../../icons";
import { answerHint } from "../../pauseAnswer";
import type { EdgeStatus, PauseInfo } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { LOST } from "../../view";
import { arrange } from "../arrange";
import { permit } from "./head";

/** A run outlives its kernel, and so does its question. */
const FOUND_AGAIN = "The run itself waits on: %flexiflow runs shows it with its form.";

export function createPauseForms(context: ViewContext): Part {
  const el = html("div", { class: "ff-pauses" });
  const forms = new Map<string, PauseForm>();
  let permission: EdgeStatus = { enabled: false, reason: "" };
  let closed = "";

  const refresh = (): void => {
    const status = context.session.sends.statusOf("resume").status;
    const isGoing = status === "pending" || status === "queued";
    for (const form of forms.values()) form.refresh(permission, closed, isGoing);
  };
  context.scope.add(context.session.changed.on(refresh));
  return {
    el,
    update(traits, changed) {
      if (!changed.has("execution") && !changed.has("closed")) return;
      const { pauses, resume } = traits.execution;
      [permission, closed] = [resume, traits.closed];
      const keys = new Set(pauses.map((pause) => pause.key));
      for (const key of forms.keys()) if (!keys.has(key)) forms.delete(key);
      for (const pause of pauses) {
        if (forms.has(pause.key)) continue;
        const send = (data: Record<string, unknown>): void =>
          context.session.send("resume", { pause: pause.name, key: pause.key, ...data });
        forms.set(pause.key, new PauseForm(pause, send));
      }
      arrange(el, [...forms.values()].map((form) => form.el));
      refresh();
    },
  };
}

class PauseForm {
  readonly el: HTMLFormElement;
  readonly #input: HTMLInputElement;
  readonly #hint = html("span", { class: "ff-answer-hint", "aria-live": "polite" });
  readonly #resume = html("button", { type: "submit", class: "ff-b ff-primary", "data-resume": "" });
  readonly #reason = html("p", { class: "ff-pause-reason", hidden: true });

  constructor(pause: PauseInfo, send: (data: Record<string, unknown>) => void) {
    this.#input = html("input", {
      class: "ff-in",
      name: "answer",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "an answer, or nothing",
    });
    const title = html("h4", {}, icon("person"), html("span", { dir: "auto" }, pause.name), "asks for an answer");
    const field = html(
      "label",
      { class: "ff-field" },
      html("span", {}, "Answer, JSON or text"),
      this.#input,
    );
    this.el = html(
      "form",
      { class: "ff-pause", "data-pause": pause.name, "aria-label": `Answer for ${pause.name}` },
      title,
      pause.text ? html("p", { dir: "auto" }, pause.text) : null,
      html("div", { class: "ff-pause-line" }, field, this.#resume),
      this.#hint,
      this.#reason,
    );
    this.#input.addEventListener("input", () => this.#showHint());
    this.el.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#resume.disabled) return;
      // The kernel reads it: it knows integers of any size.
      send({ text: this.#input.value });
    });
    this.#showHint();
  }

  refresh(permission: EdgeStatus, closed: string, isGoing: boolean): void {
    permit(this.#resume, permission, closed);
    const reason = (closed === LOST ? FOUND_AGAIN : closed) || permission.reason;
    this.#reason.hidden = !this.#resume.disabled || !reason || isGoing;
    setText(this.#reason, this.#reason.hidden ? "" : reason);
    this.#resume.disabled ||= isGoing;
    setAttribute(this.#resume, "data-status", isGoing ? "pending" : "idle");
    const name = isGoing ? "spinner" : "next";
    this.#resume.replaceChildren(icon(name), isGoing ? "Resuming" : "Resume");
  }

  #showHint(): void {
    setText(this.#hint, answerHint(this.#input.value));
  }
}
