/** The messages of a component, alone. */
import { createMessageBar } from "../parts/messageBar";
import { createClosedStrip } from "../parts/header";
import { standAlone } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const others = [createClosedStrip(), createProblems(context)];
  return standAlone(frame, "messages", createMessageBar(context), others);
});
