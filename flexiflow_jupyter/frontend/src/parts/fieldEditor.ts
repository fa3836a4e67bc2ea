/** The fields of one message, built from its guards, and the button that sends them. */
import { html } from "../dom";
import { readFields } from "../fields";
import type { Field, MessageInfo } from "../protocol";

export interface EditorEvents {
  onSend: (type: string, fields: Record<string, unknown>) => void;
  onClose: () => void;
}

export class FieldEditor {
  readonly el = html("div", { class: "ff-editor", hidden: true });
  readonly #events: EditorEvents;
  #message: MessageInfo | null = null;
  #shape = "";
  #inputs = new Map<string, HTMLInputElement | HTMLSelectElement>();
  #error = html("p", { class: "ff-inline" });

  constructor(events: EditorEvents) {
    this.#events = events;
    this.el.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The type whose fields are shown, null when none are. */
  get openType(): string | null {
    return this.#message?.type ?? null;
  }

  open(message: MessageInfo): void {
    this.#show(message);
    this.#inputs.values().next().value?.focus();
  }

  /** Follow a change of the message; what was typed stays when the fields do. */
  refresh(message: MessageInfo): void {
    const shape = JSON.stringify(message.fields);
    this.#message = message;
    if (shape !== this.#shape) this.#show(message);
  }

  close(): void {
    this.#message = null;
    this.el.hidden = true;
    this.el.replaceChildren();
    this.#inputs.clear();
  }

  #show(message: MessageInfo): void {
    this.#message = message;
    this.#shape = JSON.stringify(message.fields);
    this.#inputs.clear();
    const labels = message.fields.map((field) => this.#fieldNode(field));
    const send = html(
      "button",
      { type: "button", class: "ff-b ff-primary", "data-send-fields": message.type },
      "Send ",
      html("bdi", {}, message.type),
    );
    send.addEventListener("click", () => this.#send());
    const hint = html("span", { class: "ff-fact" }, "fields come from the guard");
    this.#error = html("p", { class: "ff-inline" });
    this.el.replaceChildren(...labels, send, hint, this.#error);
    this.el.hidden = false;
  }

  #fieldNode(field: Field): HTMLElement {
    const input = inputOf(field);
    this.#inputs.set(field.name, input);
    const hint = field.hint ? `, ${field.hint}` : "";
    const caption = html("span", {}, html("bdi", {}, field.name), hint);
    return html("label", { class: "ff-field", "data-field": field.name }, caption, input);
  }

  #send(): void {
    if (!this.#message) return;
    const typed = new Map<string, string | boolean>();
    for (const [name, input] of this.#inputs) {
      const isBox = input instanceof HTMLInputElement && input.type === "checkbox";
      typed.set(name, isBox ? input.checked : input.value);
    }
    const result = readFields(this.#message.fields, typed);
    this.#error.textContent = result.ok ? "" : result.problem;
    if (result.ok) {
      this.#error.removeAttribute("role");
      this.#events.onSend(this.#message.type, result.fields);
      return;
    }
    this.#error.setAttribute("role", "alert");
    this.#inputs.get(result.name)?.focus();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.isComposing || event.shiftKey) return;
    if (event.key === "Escape") this.#events.onClose();
    if (event.key !== "Enter" || event.target instanceof HTMLButtonElement) return;
    event.preventDefault();
    this.#send();
  }
}

/** The control of a field; one that may be left out can be left empty. */
function inputOf(field: Field): HTMLInputElement | HTMLSelectElement {
  if (field.kind === "choice") {
    const texts = (field.choices ?? []).map((choice) =>
      typeof choice === "string" ? choice : JSON.stringify(choice),
    );
    return selectOf(texts.map((text, index) => [String(index), text]), field.required);
  }
  if (field.kind === "boolean") {
    if (field.required) return html("input", { type: "checkbox", class: "ff-tick" });
    return selectOf([["true", "yes"], ["false", "no"]], false);
  }
  return html("input", {
    type: "text",
    class: field.kind === "number" ? "ff-in ff-in-number" : "ff-in",
    inputmode: field.kind === "number" ? "decimal" : null,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: field.kind === "json" ? "text or JSON" : null,
  });
}

function selectOf(
  options: readonly (readonly [string, string])[],
  isRequired: boolean,
): HTMLSelectElement {
  const nodes = options.map(([value, text]) => html("option", { value }, text));
  if (!isRequired) nodes.unshift(html("option", { value: "" }, "not set"));
  return html("select", { class: "ff-in" }, ...nodes);
}
