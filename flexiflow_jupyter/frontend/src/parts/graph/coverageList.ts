/** The coverage of a chart in numbers, and the ways to what was not visited. */
import { html, setAttribute } from "../../dom";
import { notYet, shareText } from "../../graph/coverage";
import { icon } from "../../icons";
import type { Traits } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { layersOf } from "./layers";

/** Names of what was not visited that are listed. */
const MOST = 5;
/** Ways are looked for again when the machine has come to rest. */
const SETTLED_MS = 300;

export function createCoverageList(context: ViewContext): Part {
  const { scope, session } = context;
  const layers = layersOf(context);
  const body = html("div", { class: "ff-coverage-body" });
  const share = html("span", { class: "ff-fact" });
  const head = html("div", { class: "ff-label" }, html("span", {}, "Coverage"), share);
  const el = html("div", { class: "ff-side ff-coverage", hidden: true }, head, body);
  const ask = html("button", { type: "button", class: "ff-b ff-quiet" }, icon("near"), "Ways there");
  ask.dataset["tool"] = "ways";
  const post = (): void => session.post({ kind: "need", what: "ways" });
  ask.addEventListener("click", post);
  const askLater = scope.timer();
  let traits: Traits | null = null;
  const draw = (): void => {
    setAttribute(el, "hidden", !layers.coverage.value);
    if (!layers.coverage.value || !traits) return;
    const { seen, total } = traits.coverage;
    share.textContent = shareText(traits.coverage);
    const rows = html(
      "dl",
      { class: "ff-kv" },
      html("dt", {}, "edges"),
      html("dd", {}, `${seen.edges} / ${total.edges}`),
      html("dt", {}, "states"),
      html("dd", {}, `${seen.states} / ${total.states}`),
    );
    const isFocused = document.activeElement === ask;
    body.replaceChildren(rows, ...restNodes(traits, layers.ways.value, ask), legend());
    if (isFocused && ask.isConnected) ask.focus({ preventScroll: true });
  };
  scope.add(layers.coverage.on(draw));
  scope.add(layers.ways.on(draw));
  scope.add(
    session.answers.on((answer) => {
      if (answer.kind !== "ways") return;
      if (layers.ways.value === null) context.announce(sayWays(answer.ways));
      layers.ways.value = answer.ways;
    }),
  );
  return {
    el,
    update(now, changed) {
      traits = now;
      if (changed.has("graph")) layers.ways.value = null;
      // The ways begin where the machine stands.
      const isShown = layers.coverage.value && layers.ways.value !== null;
      if (isShown && changed.has("active") && !now.closed) askLater(SETTLED_MS, post);
      if (changed.has("coverage")) draw();
    },
  };
}

/** What is left to visit: names, or once asked the way to each. */
function restNodes(
  traits: Traits,
  ways: Record<string, string> | null,
  ask: HTMLElement,
): HTMLElement[] {
  const rest = notYet(traits.coverage, traits.graph);
  if (traits.coverage.total.states === 0) return [html("p", { class: "ff-note" }, "counting")];
  if (rest.length === 0) {
    return [html("p", { class: "ff-note ff-whole" }, icon("check"), "Everything was visited.")];
  }
  const shown = rest.slice(0, MOST);
  const more = rest.length - shown.length;
  if (!ways) {
    const names = shown.map(({ name }) => name).join(", ");
    const tail = more > 0 ? `, and ${more} more` : "";
    return [html("p", { class: "ff-note" }, `Not yet: ${names}${tail}.`), ask];
  }
  const items = shown.map(({ key, name }) => {
    const way = ways[key];
    const text = way === undefined ? "no way was found" : way || "is there now";
    return html("li", { "data-way": key }, html("span", {}, name), html("code", {}, text));
  });
  const list = html("ul", { class: "ff-ways" }, ...items);
  if (more > 0) list.append(html("li", {}, html("span", {}, `${more} more`)));
  return [html("p", { class: "ff-note" }, "Shortest way from here:"), list];
}

function sayWays(ways: Record<string, string>): string {
  const count = Object.keys(ways).length;
  return count === 1 ? "1 way was found." : `${count} ways were found.`;
}

/** What the lines mean. */
function legend(): HTMLElement {
  const key = (name: string, text: string): HTMLElement =>
    html("li", {}, html("span", { class: `ff-key ff-key-${name}`, "aria-hidden": "true" }), text);
  return html(
    "ul",
    { class: "ff-legend", "aria-label": "Legend" },
    key("visited", "visited \u00d7n"),
    key("not", "not yet"),
    key("sendable", "can be sent now"),
  );
}
