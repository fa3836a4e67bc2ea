/** The foot of an execution: what it began with and what came of it. */
import { html, setAttribute, setText } from "../../dom";
import type { Part } from "../../view";

export function createOutcome(): Part {
  const input = fact("Input");
  const result = fact("Result");
  const el = html("div", { class: "ff-foot ff-outcome", hidden: true }, input.el, result.el);
  return {
    el,
    update(traits, changed) {
      if (!changed.has("execution")) return;
      const { execution } = traits;
      input.show(execution.input);
      result.show(execution.result);
      el.hidden = !execution.input && !execution.result;
    },
  };
}

function fact(label: string): { el: HTMLElement; show: (text: string) => void } {
  const code = html("code", { dir: "auto" });
  const el = html("span", { class: "ff-outcome-fact" }, html("span", {}, label), code);
  const show = (text: string): void => {
    el.hidden = !text;
    setText(code, text);
    setAttribute(code, "title", text);
  };
  return { el, show };
}
