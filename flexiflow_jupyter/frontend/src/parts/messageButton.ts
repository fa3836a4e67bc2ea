/** One message: a button with its status, the reason why not, a chevron for fields. */
import { html, setAttribute, setText } from "../dom";
import { cut } from "../format";
import type { IconName } from "../icons";
import { icon } from "../icons";
import type { MessageInfo } from "../protocol";
import type { SendStatus, TypeStatus } from "../sends";

const LONGEST_NAME = 40;

const ICONS: Record<SendStatus, IconName | null> = {
  idle: null,
  pending: "spinner",
  queued: "clock",
  ok: "check",
  failed: "cross",
};

export interface MessageButtonEvents {
  onSend: (type: string) => void;
  onFields: (type: string) => void;
}

export interface ButtonState {
  message: MessageInfo;
  status: TypeStatus;
  /** Whether the work takes long enough to be shown. */
  isSlow: boolean;
  /** Whether the fields of this message are open. */
  isOpen: boolean;
  /** Why nothing can be sent at all; "" while the view is live. */
  closed: string;
}

export class MessageButton {
  readonly el = html("span", { class: "ff-split" });
  readonly #why = html("span", { class: "ff-why" });
  readonly #mark = html("span", { class: "ff-mark" });
  readonly #name = html("span", { class: "ff-type", dir: "auto" });
  readonly #note = html("span", { class: "ff-count" });
  readonly #button: HTMLButtonElement;
  readonly #chevron: HTMLButtonElement;
  #shownIcon: IconName | null = null;

  constructor(type: string, events: MessageButtonEvents) {
    this.#button = html(
      "button",
      { type: "button", class: "ff-b", "data-send": type, "data-status": "idle" },
      this.#mark,
      this.#name,
      this.#note,
    );
    this.#chevron = html(
      "button",
      { type: "button", class: "ff-b ff-chevron", "aria-label": `Fields of ${type}` },
      icon("down"),
    );
    this.#button.addEventListener("click", () => events.onSend(type));
    this.#chevron.addEventListener("click", () => events.onFields(type));
    setText(this.#name, cut(type, LONGEST_NAME));
    this.#why.append(this.#button);
    this.el.append(this.#why);
  }

  /** Put the focus on the chevron, from where the fields were opened. */
  focusChevron(): void {
    this.#chevron.focus();
  }

  update(state: ButtonState): void {
    this.#updateStatus(state);
    this.#updateEnabled(state);
    const hasFields = state.message.fields.length > 0;
    if (hasFields !== (this.#chevron.parentElement !== null)) {
      if (hasFields) this.el.append(this.#chevron);
      else this.#chevron.remove();
    }
    setAttribute(this.#chevron, "aria-expanded", String(state.isOpen));
    this.#chevron.disabled = state.closed !== "";
  }

  #updateStatus({ status, isSlow, message, closed }: ButtonState): void {
    setAttribute(this.#button, "data-status", status.status);
    const isWork = status.status === "pending" || status.status === "queued";
    const shown = isWork && !isSlow ? null : ICONS[status.status];
    const isIdle = shown === null;
    const wanted = isIdle && (!message.enabled || closed) ? "ban" : shown;
    if (wanted !== this.#shownIcon) {
      this.#shownIcon = wanted;
      this.#mark.replaceChildren(...(wanted ? [icon(wanted)] : []));
    }
    setText(this.#note, isIdle ? "" : noteOf(status));
  }

  #updateEnabled({ message, closed }: ButtonState): void {
    const isEnabled = message.enabled && !closed;
    const reason = closed || message.reason || "Not now.";
    const hadFocus = document.activeElement === this.#button;
    this.#button.disabled = !isEnabled;
    const isCut = message.type.length > LONGEST_NAME;
    setAttribute(this.#button, "title", isEnabled ? (isCut ? message.type : null) : reason);
    setAttribute(this.#why, "tabindex", isEnabled ? null : 0);
    setAttribute(this.#why, "role", isEnabled ? null : "group");
    setAttribute(this.#why, "aria-label", isEnabled ? null : `${message.type}: ${reason}`);
    setAttribute(this.#why, "data-why", isEnabled ? null : reason);
    if (hadFocus && !isEnabled) this.#why.focus({ preventScroll: true });
    if (isEnabled && document.activeElement === this.#why) this.#button.focus();
  }
}

function noteOf({ status, queued }: TypeStatus): string {
  if (status === "pending") return "working";
  if (status === "queued") return `${queued} queued`;
  return status === "failed" ? "failed" : "";
}
