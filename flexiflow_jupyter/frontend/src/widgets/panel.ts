/** The panel of a component: graph, context, messages, timeline and events together. */
import { createContextView } from "../parts/contextView";
import { createEventStream } from "../parts/eventStream";
import { createSideColumn } from "../parts/graph/side";
import { createGraphStrips } from "../parts/graph/strips";
import { createGraphTools } from "../parts/graph/tools";
import { createGraphView } from "../parts/graphView";
import { createClosedStrip, createHeader } from "../parts/header";
import { createMessageBar } from "../parts/messageBar";
import { nameView } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { createMade } from "../parts/timeline/made";
import { createPastStrip } from "../parts/timeline/pastStrip";
import { createTimeline } from "../parts/timeline/timeline";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const parts = [
    createHeader(context, [createGraphTools(context)]),
    createClosedStrip(),
    createPastStrip(context, frame, { isAlone: false }),
    createGraphStrips(context),
    createGraphView(context),
    createSideColumn(context, createContextView(context)),
    createMessageBar(context),
    createProblems(context),
    createTimeline(context),
    createMade(context),
    createEventStream(context, { isAlone: false }),
  ];
  frame.append(...parts.map((part) => part.el));
  return [nameView(frame, "panel"), ...parts];
});
