/** What a new definition has changed: in words, with the legend of what is drawn. */
import { html, setAttribute } from "../../dom";
import { drawnMarks, summary } from "../../graph/changes";
import { icon } from "../../icons";
import type { ChangesInfo } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { isHidden } from "../../view";
import { layersOf } from "./layers";

/** How long changes stay drawn when nobody takes them away. */
const SHOWN_MS = 20_000;

export function createChangesStrip(context: ViewContext): Part {
  const { scope } = context;
  const layers = layersOf(context);
  const later = scope.timer();
  const body = html("div", { class: "ff-changes-body" });
  const close = html("button", { type: "button", class: "ff-b", "data-tool": "changes" }, "Done");
  setAttribute(close, "title", "Show the chart as it is now");
  const strip = html("div", { class: "ff-changes", hidden: true }, icon("retry"), body, close);
  let seen = 0;
  const end = (): void => {
    layers.changes.value = null;
  };
  /** It stays while somebody points at it, works in it, or does not look. */
  const endLater = (): void =>
    later(SHOWN_MS, () => {
      const isUsed = strip.matches(":hover, :focus-within") || isHidden();
      if (isUsed) endLater();
      else end();
    });
  close.addEventListener("click", end);
  const draw = (changes: ChangesInfo | null): void => {
    setAttribute(strip, "hidden", changes === null);
    if (!changes) return later(0, () => undefined);
    body.replaceChildren(...describe(changes));
    context.announce(`Redefined: ${summary(changes)}. ${changes.text}`);
    endLater();
  };
  scope.add(layers.changes.on(draw));
  return {
    el: strip,
    update(traits, changed) {
      if (!changed.has("changes")) return;
      const { changes } = traits;
      const isNew = changes.number > 0 && changes.number !== seen;
      seen = changes.number;
      if (isNew && !traits.closed) layers.changes.value = changes;
      else if (changes.number === 0) end();
    },
  };
}

function describe(changes: ChangesInfo): HTMLElement[] {
  const said = html("strong", { title: changes.lines.join("\n") }, `Redefined: ${summary(changes)}.`);
  const became = html("span", { "data-kept": String(changes.kept) }, changes.text);
  const keys = drawnMarks(changes).map((mark) =>
    html("li", {}, html("span", { class: `ff-key ff-key-${mark}`, "aria-hidden": "true" }), mark),
  );
  const legend = html("ul", { class: "ff-legend", "aria-label": "Legend" }, ...keys);
  return keys.length > 0 ? [said, became, legend] : [said, became];
}
