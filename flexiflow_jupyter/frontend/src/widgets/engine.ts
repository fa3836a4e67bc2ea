/** The live view of an engine: components, messages between them, dead letters. */
import { setAttribute } from "../dom";
import { EngineLook } from "../engine/look";
import { createEngineFoot, Diagram } from "../parts/engine/diagram";
import { createEngineHead } from "../parts/engine/head";
import { Letters } from "../parts/engine/letters";
import { createClosedStrip } from "../parts/header";
import { createProblems } from "../parts/problemBox";
import type { Part } from "../view";
import { defineView } from "../view";

export default defineView((context, frame) => {
  const look = new EngineLook(context.session.flow);
  const parts = [
    createEngineHead(context, look),
    createClosedStrip(),
    new Diagram(context, look),
    createEngineFoot(context, look),
    new Letters(context, look),
    createProblems(context),
  ];
  frame.append(...parts.map((part) => part.el));
  return [nameEngine(frame), ...parts];
});

/** The hooks and the name of the view. */
function nameEngine(frame: HTMLElement): Part {
  frame.setAttribute("data-flexiflow", "engine");
  frame.setAttribute("role", "region");
  frame.classList.add("ff-alone");
  return {
    el: frame,
    update(traits, changed) {
      if (changed.has("engine")) {
        setAttribute(frame, "data-engine", traits.engine.name);
        setAttribute(frame, "aria-label", `Engine ${traits.engine.name}`);
      }
      if (changed.has("closed")) setAttribute(frame, "data-closed", traits.closed || null);
    },
  };
}
