/** A button that does something with the timeline, with its status as an icon. */
import { html, setAttribute, setText } from "../../dom";
import type { IconName } from "../../icons";
import { icon } from "../../icons";
import type { DeedStatus } from "../../timeline/deeds";

export interface DeedOptions {
  /** The hook: `data-action`. */
  action: string;
  icon: IconName;
  text: string;
  class?: string;
  onPress: () => void;
}

const MARKS: Record<DeedStatus, IconName | null> = {
  idle: null,
  pending: "spinner",
  ok: "check",
  failed: "cross",
};

export class DeedButton {
  readonly el: HTMLButtonElement;
  readonly #mark = html("span", { class: "ff-tl-mark" });
  readonly #text = html("span", {});
  #shown: IconName | null = null;
  #name = "";

  constructor({ action, icon: name, text, class: className, onPress }: DeedOptions) {
    this.el = html(
      "button",
      { type: "button", class: className ?? "ff-b ff-quiet", "data-action": action },
      this.#mark,
      this.#text,
    );
    this.el.addEventListener("click", () => {
      if (!this.el.hasAttribute("aria-disabled")) onPress();
    });
    this.show(name, text);
  }

  show(name: IconName, text: string, status: DeedStatus = "idle"): void {
    const wanted = MARKS[status] ?? name;
    if (wanted !== this.#shown) {
      this.#shown = wanted;
      this.#mark.replaceChildren(icon(wanted));
    }
    if (text !== this.#name) {
      this.#name = text;
      setText(this.#text, text);
    }
    setAttribute(this.el, "data-status", status);
    setAttribute(this.el, "aria-busy", status === "pending" ? "true" : null);
  }

  /** Let it be pressed, or say why not; it keeps the focus either way. */
  enable(isEnabled: boolean, reason: string): void {
    setAttribute(this.el, "aria-disabled", isEnabled ? null : "true");
    setAttribute(this.el, "title", isEnabled ? null : reason || null);
  }
}
