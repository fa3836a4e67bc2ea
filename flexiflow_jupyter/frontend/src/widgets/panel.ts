/** The panel of a component: graph, context, messages and events together. */
import { createContextView } from "../parts/contextView";
import { createEventStream } from "../parts/eventStream";
import { createGraphView } from "../parts/graphView";
import { createClosedStrip, createHeader } from "../parts/header";
import { createMessageBar } from "../parts/messageBar";
import { nameView } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const parts = [
    createHeader(context),
    createClosedStrip(),
    createGraphView(context),
    createContextView(),
    createMessageBar(context),
    createProblems(context),
    createEventStream(context, { isAlone: false }),
  ];
  frame.append(...parts.map((part) => part.el));
  return [nameView(frame, "panel"), ...parts];
});
