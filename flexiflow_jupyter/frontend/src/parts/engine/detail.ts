/** All of one entry, under the diagram: what the picture has no room for. */
import { html } from "../../dom";
import type { Entry } from "../../engine/flowStore";
import { wayOf } from "../../engine/words";
import { formatTime } from "../../format";
import { tool } from "./tools";

export interface DetailEvents {
  onStory: (story: string) => void;
  onClose: () => void;
}

export class EntryDetail {
  readonly el = html("div", { class: "ff-flow-detail", role: "group", "aria-label": "The row chosen", hidden: true });
  readonly #events: DetailEvents;

  constructor(events: DetailEvents) {
    this.#events = events;
    this.el.addEventListener("keydown", (event) => {
      if (event.key === "Escape") events.onClose();
    });
  }

  show(entry: Entry): void {
    const facts: [string, string][] = [
      ["at", formatTime(entry.time)],
      [entry.kind, wayOf(entry)],
      ["data", entry.text],
    ];
    if (entry.error) facts.push(["raised", entry.error]);
    const list = html("dl", {});
    for (const [key, value] of facts) list.append(html("dt", {}, key), html("dd", {}, value));
    const close = tool("cross", "Close");
    close.addEventListener("click", () => this.#events.onClose());
    this.el.replaceChildren(list);
    if (entry.story) {
      const only = html("button", { type: "button", class: "ff-b" }, `Only story ${entry.story}`);
      only.addEventListener("click", () => this.#events.onStory(entry.story));
      this.el.append(only);
    }
    this.el.append(close);
    this.el.hidden = false;
  }

  hide(): void {
    this.el.hidden = true;
  }
}
