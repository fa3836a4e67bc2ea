/** The event stream of a component or an engine, alone. */
import { createEventStream } from "../parts/eventStream";
import { createClosedStrip } from "../parts/header";
import { standAlone } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const others = [createClosedStrip(), createProblems(context)];
  return standAlone(frame, "events", createEventStream(context, { isAlone: true }), others);
});
