/** The state graph of a component, alone, with its tools below. */
import { createCoverageList } from "../parts/graph/coverageList";
import { createGraphStrips } from "../parts/graph/strips";
import { createGraphTools } from "../parts/graph/tools";
import { createGraphView } from "../parts/graphView";
import { createClosedStrip } from "../parts/header";
import { standAlone } from "../parts/nameView";
import { createProblems } from "../parts/problemBox";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const others = [
    createGraphTools(context),
    createGraphStrips(context),
    createCoverageList(context),
    createClosedStrip(),
    createProblems(context),
  ];
  return standAlone(frame, "graph", createGraphView(context), others);
});
