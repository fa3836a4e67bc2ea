/** The free-form message: one line, sent by Enter. */
import { html, setAttribute } from "../dom";
import { parseFreeForm } from "../freeForm";
import { icon } from "../icons";

const REMEMBERED = 20;

export class FreeForm {
  readonly el: HTMLElement;
  /** What is wrong with the text, below the row. */
  readonly problem = html("p", { class: "ff-inline", hidden: true });
  readonly #onSend: (type: string, text: string) => void;
  readonly #input: HTMLInputElement;
  readonly #button: HTMLButtonElement;
  #sent: string[] = [];
  #recalled = 0;

  constructor(onSend: (type: string, text: string) => void) {
    this.#onSend = onSend;
    this.#input = html("input", {
      type: "text",
      class: "ff-in",
      placeholder: "type or type {json}",
      "aria-label": "Message: its type, or its type and a JSON object",
      autocomplete: "off",
      autocapitalize: "off",
      spellcheck: "false",
    });
    const attributes = { type: "button", class: "ff-ib", "aria-label": "Send", title: "Send" };
    this.#button = html("button", attributes, icon("send"));
    this.el = html("span", { class: "ff-free", "data-free-form": "" }, this.#input, this.#button);
    this.#button.addEventListener("click", () => this.#send());
    this.#input.addEventListener("keydown", (event) => this.#onKey(event));
    this.#input.addEventListener("input", () => this.#say(""));
  }

  set closed(closed: string) {
    this.#input.disabled = closed !== "";
    this.#button.disabled = closed !== "";
    setAttribute(this.#input, "title", closed || null);
  }

  #onKey(event: KeyboardEvent): void {
    if (event.isComposing || event.shiftKey) return;
    if (event.key === "Enter") {
      event.preventDefault();
      this.#send();
    } else if (event.key === "ArrowUp") this.#recall(-1, event);
    else if (event.key === "ArrowDown") this.#recall(1, event);
  }

  #send(): void {
    const text = this.#input.value.trim();
    const result = parseFreeForm(text);
    if (!result.ok) {
      this.#say(`${result.what} ${result.fix}`);
      this.#input.focus();
      return;
    }
    this.#say("");
    this.#sent = [...this.#sent.filter((one) => one !== text), text].slice(-REMEMBERED);
    this.#recalled = this.#sent.length;
    this.#input.value = "";
    this.#onSend(result.message.type, result.text);
  }

  /** Bring back what was sent before, as a shell does. */
  #recall(by: number, event: KeyboardEvent): void {
    const at = this.#recalled + by;
    if (at < 0 || at > this.#sent.length) return;
    event.preventDefault();
    this.#recalled = at;
    this.#input.value = this.#sent[at] ?? "";
  }

  #say(text: string): void {
    this.problem.textContent = text;
    this.problem.hidden = text === "";
    setAttribute(this.problem, "role", text ? "alert" : null);
    setAttribute(this.#input, "aria-invalid", text ? "true" : null);
  }
}
