/** The timeline of a component, alone; of an earlier step it shows the context as well. */
import { createContextView } from "../parts/contextView";
import { createClosedStrip } from "../parts/header";
import { standAlone } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { createMade } from "../parts/timeline/made";
import { createPastStrip } from "../parts/timeline/pastStrip";
import { createTimeline } from "../parts/timeline/timeline";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const strips = [createClosedStrip(), createPastStrip(context, frame, { isAlone: true })];
  frame.append(...strips.map((strip) => strip.el));
  const others = [createContextView(context), createMade(context), createProblems(context)];
  return [...strips, ...standAlone(frame, "timeline", createTimeline(context), others)];
});
