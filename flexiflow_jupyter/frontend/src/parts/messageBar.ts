/** The messages of a component: honest buttons, fields, the free-form message. */
import { html, setAttribute, setText } from "../dom";
import { icon } from "../icons";
import { orderButtons } from "../order";
import type { MessageInfo, TraitName, Traits } from "../protocol";
import type { Part, ViewContext } from "../view";
import { arrange } from "./arrange";
import { FieldEditor } from "./fieldEditor";
import { FreeForm } from "./freeForm";
import { MessageButton } from "./messageButton";

/** Work shorter than this is not shown, so that a quick click does not flicker. */
const SLOW_MS = 150;

export function createMessageBar(context: ViewContext): Part {
  return new MessageBar(context);
}

class MessageBar implements Part {
  readonly el = html("div", { class: "ff-messages", "data-flexiflow": "messages" });
  readonly #context: ViewContext;
  readonly #row = html("span", { class: "ff-buttons" });
  readonly #menu = html("div", { class: "ff-menu", hidden: true });
  readonly #menuButton = html("button", {
    type: "button",
    class: "ff-b ff-quiet",
    "aria-expanded": "false",
  });
  readonly #note = html("p", { class: "ff-inline-note", hidden: true });
  readonly #free: FreeForm;
  readonly #editor: FieldEditor;
  readonly #buttons = new Map<string, MessageButton>();
  readonly #workSince = new Map<string, number>();
  readonly #later: (delayMs: number, run: () => void) => void;
  #messages: readonly MessageInfo[] = [];
  #closed = "";

  constructor(context: ViewContext) {
    const { session, scope } = context;
    this.#context = context;
    this.#later = scope.timer();
    this.#free = new FreeForm((type, text) => session.sendText(type, text));
    this.#editor = new FieldEditor({
      onSend: (type, fields) => session.send(type, fields),
      onClose: () => this.#toggleFields(this.#editor.openType ?? ""),
    });
    this.#menuButton.addEventListener("click", () => this.#toggleMenu());
    const label = html("span", { class: "ff-label" }, "Messages");
    const line = html("div", { class: "ff-line-up" }, this.#row, this.#menuButton, this.#free.el);
    const row = html("div", { class: "ff-row" }, label, line);
    this.el.append(row, this.#menu, this.#editor.el, this.#free.problem, this.#note);
    scope.add(session.changed.on(() => this.#onSession()));
  }

  update(traits: Traits, changed: ReadonlySet<TraitName>): void {
    if (!changed.has("messages") && !changed.has("closed")) return;
    this.#messages = traits.messages;
    this.#closed = traits.closed;
    this.#free.closed = traits.closed;
    this.#arrangeButtons();
    this.#refreshButtons();
    const open = this.#messages.find((message) => message.type === this.#editor.openType);
    if (open && !this.#closed) this.#editor.refresh(open);
    else this.#editor.close();
  }

  #arrangeButtons(): void {
    const { session } = this.#context;
    const types = new Set(this.#messages.map((message) => message.type));
    for (const type of this.#buttons.keys()) {
      if (!types.has(type)) this.#buttons.delete(type);
    }
    for (const type of types) {
      if (this.#buttons.has(type)) continue;
      const onSend = (sent: string): void => session.send(sent);
      const onFields = (opened: string): void => this.#toggleFields(opened);
      this.#buttons.set(type, new MessageButton(type, { onSend, onFields }));
    }
    const { row, menu } = orderButtons(this.#messages);
    arrange(this.#row, this.#nodesOf(row));
    arrange(this.#menu, this.#nodesOf(menu));
    this.#menuButton.hidden = menu.length === 0;
    this.#menuButton.replaceChildren(icon("ban"), `${menu.length} not now`, icon("down"));
    if (menu.length === 0) this.#menu.hidden = true;
  }

  #nodesOf(messages: readonly MessageInfo[]): HTMLElement[] {
    return messages.flatMap((message) => this.#buttons.get(message.type)?.el ?? []);
  }

  #refreshButtons(): void {
    const now = performance.now();
    let isWaiting = false;
    for (const message of this.#messages) {
      const status = this.#context.session.sends.statusOf(message.type);
      const isWork = status.status === "pending" || status.status === "queued";
      if (!isWork) this.#workSince.delete(message.type);
      else if (!this.#workSince.has(message.type)) this.#workSince.set(message.type, now);
      const isSlow = isWork && now - (this.#workSince.get(message.type) ?? now) >= SLOW_MS;
      isWaiting ||= isWork && !isSlow;
      const isOpen = this.#editor.openType === message.type;
      const closed = this.#closed;
      this.#buttons.get(message.type)?.update({ message, status, isSlow, isOpen, closed });
    }
    if (isWaiting) this.#later(SLOW_MS, () => this.#refreshButtons());
  }

  #onSession(): void {
    this.#refreshButtons();
    const { note } = this.#context.session;
    if (this.#note.textContent === note) return;
    setText(this.#note, note);
    this.#note.hidden = note === "";
    if (note) this.#context.announce(note);
  }

  #toggleMenu(): void {
    this.#menu.hidden = !this.#menu.hidden;
    setAttribute(this.#menuButton, "aria-expanded", String(!this.#menu.hidden));
  }

  #toggleFields(type: string): void {
    const message = this.#messages.find((one) => one.type === type);
    if (!message) return;
    if (this.#editor.openType === type) {
      this.#editor.close();
      this.#buttons.get(type)?.focusChevron();
    } else this.#editor.open(message);
    this.#refreshButtons();
  }
}
