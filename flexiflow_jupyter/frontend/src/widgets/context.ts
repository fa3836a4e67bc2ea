/** The context of a component, alone. */
import { createContextView } from "../parts/contextView";
import { createClosedStrip } from "../parts/header";
import { standAlone } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const others = [createClosedStrip(), createProblems(context)];
  return standAlone(frame, "context", createContextView(context), others);
});
