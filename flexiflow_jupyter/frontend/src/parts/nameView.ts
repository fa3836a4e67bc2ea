/** The hooks and the name of a view: what it is and which component it shows. */
import { setAttribute } from "../dom";
import type { ViewKind } from "../protocol";
import type { Part } from "../view";

const LABELS: Record<ViewKind, string> = {
  panel: "Panel of",
  graph: "States of",
  messages: "Messages of",
  context: "Context of",
  events: "Events of",
  timeline: "Timeline of",
  execution: "Run of",
  engine: "Engine",
};

/** Make `frame` the root of a view; it follows the component's name. */
export function nameView(frame: HTMLElement, kind: ViewKind): Part {
  frame.setAttribute("data-flexiflow", kind);
  frame.setAttribute("role", "region");
  frame.classList.add(kind === "panel" ? "ff-panel" : "ff-alone");
  return {
    el: frame,
    update(traits, changed) {
      if (changed.has("component")) {
        setAttribute(frame, "data-component", traits.component);
        const label = `${LABELS[kind]} ${traits.component || "all components"}`;
        setAttribute(frame, "aria-label", label);
      }
      if (changed.has("closed")) setAttribute(frame, "data-closed", traits.closed || null);
    },
  };
}

/** Put a part into a view of its own: the frame, not the part, carries the hook. */
export function standAlone(frame: HTMLElement, kind: ViewKind, part: Part, others: Part[]): Part[] {
  part.el.removeAttribute("data-flexiflow");
  frame.append(part.el, ...others.map((other) => other.el));
  return [nameView(frame, kind), part, ...others];
}
