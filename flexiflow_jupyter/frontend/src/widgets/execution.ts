/** The live view of a durable execution: lanes, questions, cancel and fork. */
import { createClosedStrip } from "../parts/header";
import { createExecutionHead } from "../parts/execution/head";
import { ForkStrip } from "../parts/execution/forkStrip";
import { Lanes } from "../parts/execution/lanes";
import { createOutcome } from "../parts/execution/outcome";
import { createPauseForms } from "../parts/execution/pauseForms";
import { nameView } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import type { Part } from "../view";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const fork = new ForkStrip(context);
  const lanes = new Lanes(context, { onFork: (key) => fork.open(null, key) });
  const onFork = (button: HTMLButtonElement): void => fork.open(button, lanes.openKey);
  const parts = [
    createExecutionHead(context, { onFork }),
    createClosedStrip(),
    fork,
    lanes,
    createPauseForms(context),
    createProblems(context),
    createOutcome(),
  ];
  frame.append(...parts.map((part) => part.el));
  return [nameView(frame, "execution"), hooks(frame), ...parts];
});

/** What tells runs apart in the page. */
function hooks(frame: HTMLElement): Part {
  return {
    el: frame,
    update(traits, changed) {
      if (!changed.has("execution")) return;
      frame.setAttribute("data-execution", traits.execution.id);
      frame.setAttribute("data-status", traits.execution.state);
    },
  };
}
