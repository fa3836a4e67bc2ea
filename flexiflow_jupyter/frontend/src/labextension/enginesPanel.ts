/** The side panel: the engines of the notebook in front, with their components. */
import { html } from "../dom";
import type { ComponentInfo, EngineInfo } from "./link";

export interface PanelActions {
  /** Show a component below the active cell. */
  show(component: ComponentInfo): void;
}

/** What the panel has to say: nothing open, no FlexiFlow there, or engines. */
export type PanelContent = "no-notebook" | "no-flexiflow" | readonly EngineInfo[];

/** Draw the content into a node. */
export function drawEngines(node: HTMLElement, content: PanelContent, actions: PanelActions): void {
  node.dataset["flexiflow"] = "engines";
  const parts =
    content === "no-notebook"
      ? [note("Open a notebook to see its engines.")]
      : content === "no-flexiflow"
        ? [note("No engines in this notebook yet."), code("%load_ext flexiflow_jupyter")]
        : content.flatMap((engine) => drawEngine(engine, actions));
  node.replaceChildren(...parts);
}

function drawEngine(engine: EngineInfo, actions: PanelActions): HTMLElement[] {
  const head = html("h3", { class: "ff-engines-head", title: engine.name }, engine.name);
  if (engine.components.length === 0) return [head, note("No components yet.")];
  const rows = engine.components.map((component) => drawComponent(component, actions));
  return [head, html("ul", { class: "ff-engines-list" }, ...rows)];
}

function drawComponent(component: ComponentInfo, actions: PanelActions): HTMLElement {
  const button = html(
    "button",
    { class: "ff-engines-row", type: "button", title: `Accepted: ${component.accepted}` },
    html("span", { class: "ff-engines-name" }, component.name),
    html("span", { class: "ff-engines-state" }, component.state),
  );
  button.dataset["component"] = component.name;
  button.setAttribute("aria-label", `Show ${component.name}, now in ${component.state}`);
  button.addEventListener("click", () => actions.show(component));
  return html("li", {}, button);
}

function note(text: string): HTMLElement {
  return html("p", { class: "ff-engines-note" }, text);
}

function code(text: string): HTMLElement {
  return html("pre", { class: "ff-engines-code" }, text);
}
