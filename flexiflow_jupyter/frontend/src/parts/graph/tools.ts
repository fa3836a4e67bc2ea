/** The tools of a graph: the coverage layer, and copying. */
import { html, setAttribute } from "../../dom";
import type { IconName } from "../../icons";
import { icon } from "../../icons";
import type { Part, ViewContext } from "../../view";
import { layersOf } from "./layers";

export function createGraphTools(context: ViewContext): Part {
  const { scope, session } = context;
  const layers = layersOf(context);
  const coverage = tool("coverage", "Coverage");
  const copy = tool("copy", "Copy the graph");
  setAttribute(copy, "aria-expanded", "false");
  setAttribute(coverage, "aria-pressed", "false");
  coverage.addEventListener("click", () => {
    if (!layers.coverage.value) session.post({ kind: "need", what: "coverage" });
    layers.coverage.value = !layers.coverage.value;
    context.announce(`Coverage layer ${layers.coverage.value ? "on" : "off"}`);
  });
  copy.addEventListener("click", () => {
    layers.copying.value = !layers.copying.value;
  });
  scope.add(
    layers.coverage.on((isOn) => setAttribute(coverage, "aria-pressed", String(isOn))),
  );
  scope.add(layers.copying.on((isOpen) => setAttribute(copy, "aria-expanded", String(isOpen))));
  const el = html("span", { class: "ff-graph-tools" }, coverage, copy);
  return {
    el,
    update(traits, changed) {
      if (!changed.has("graph") && !changed.has("dot")) return;
      const isEmpty = traits.graph.nodes.length === 0;
      for (const button of [coverage, copy]) button.disabled = isEmpty;
    },
  };
}

function tool(name: IconName, label: string): HTMLButtonElement {
  const attributes = { type: "button", class: "ff-ib", "data-tool": name };
  return html("button", { ...attributes, "aria-label": label, title: label }, icon(name));
}
