/** The side column of a panel: context, what runs, coverage. */
import { html } from "../../dom";
import type { Part, ViewContext } from "../../view";
import { createCoverageList } from "./coverageList";
import { createRunningList } from "./runningList";

export function createSideColumn(context: ViewContext, first: Part): Part {
  const parts = [first, createRunningList(context), createCoverageList(context)];
  const el = html("div", { class: "ff-column" }, ...parts.map((part) => part.el));
  return {
    el,
    update(traits, changed) {
      for (const part of parts) part.update(traits, changed);
    },
  };
}
