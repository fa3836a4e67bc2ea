/** What stands above a graph: what a new definition changed, ways to copy. */
import { html } from "../../dom";
import type { Part, ViewContext } from "../../view";
import { createChangesStrip } from "./changesStrip";
import { createCopyRow } from "./copyRow";

export function createGraphStrips(context: ViewContext): Part {
  const parts = [createChangesStrip(context), createCopyRow(context)];
  const el = html("div", { class: "ff-strips" }, ...parts.map((part) => part.el));
  return {
    el,
    update(traits, changed) {
      for (const part of parts) part.update(traits, changed);
    },
  };
}
