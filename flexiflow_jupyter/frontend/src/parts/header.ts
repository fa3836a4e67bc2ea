/** The head of a panel: name, a chip for each active leaf, a quiet fact, tools. */
import { html, setAttribute, setText } from "../dom";
import { formatDuration, nextTick } from "../format";
import { icon } from "../icons";
import type { GraphNode, StepAnswer, TraitName, Traits } from "../protocol";
import { placeOf } from "../timeline/words";
import type { Part, ViewContext } from "../view";
import { isHidden } from "../view";

/** More active leaves than this, and only the first two have a chip. */
const MOST_CHIPS = 3;

export function createHeader(
  { scope, session }: ViewContext,
  tools: readonly Part[] = [],
): Part {
  const name = html("span", { class: "ff-name", dir: "auto" });
  const chips = html("span", { class: "ff-chips" });
  const fact = html("span", { class: "ff-fact" });
  const el = html("div", { class: "ff-head" }, name, chips, fact);
  if (tools.length > 0) {
    el.append(html("span", { class: "ff-tools" }, ...tools.map((tool) => tool.el)));
  }
  const later = scope.timer();
  let shown: Traits | null = null;

  const tick = (): void => {
    if (!shown) return;
    const { value: past } = session.lookingAt;
    if (past) {
      setText(fact, `at ${placeOf(past.at, shown.timeline.last)} \u00b7 not live`);
      return;
    }
    const since = factStart(shown);
    setText(fact, factOf(shown, Date.now()));
    if (since !== null && !isHidden()) later(nextTick(since, Date.now()), tick);
  };
  scope.listen(document, "visibilitychange", tick);
  scope.add(
    session.lookingAt.on((past) => {
      if (shown) fillChips(chips, shown, past);
      tick();
    }),
  );

  const update = (traits: Traits, changed: ReadonlySet<TraitName>): void => {
    shown = traits;
    if (changed.has("component")) {
      setText(name, traits.component);
      setAttribute(name, "title", traits.component);
    }
    if (changed.has("active") || changed.has("graph")) {
      fillChips(chips, traits, session.lookingAt.value);
    }
    for (const tool of tools) tool.update(traits, changed);
    tick();
  };
  return { el, update };
}

const LABELS = new WeakMap<readonly GraphNode[], ReadonlyMap<string, string>>();

/** The names of states by their paths; made once for a structure. */
function labelsOf(nodes: readonly GraphNode[]): ReadonlyMap<string, string> {
  const known = LABELS.get(nodes);
  if (known) return known;
  const labels = new Map(nodes.map(({ path, label }) => [path, label]));
  LABELS.set(nodes, labels);
  return labels;
}

function fillChips(chips: HTMLElement, traits: Traits, past: StepAnswer | null): void {
  const labels = labelsOf(traits.graph.nodes);
  const active = past?.active ?? traits.active;
  const shown = active.length > MOST_CHIPS ? active.slice(0, 2) : active;
  const kind = past ? "ff-chip-past" : "ff-chip-on";
  const nodes = shown.map((path) =>
    html(
      "span",
      { class: `ff-chip ${kind}`, dir: "auto", title: path },
      labels.get(path) ?? path,
    ),
  );
  const more = active.slice(shown.length);
  if (more.length > 0) {
    nodes.push(html("span", { class: "ff-chip", title: more.join(", ") }, `+${more.length}`));
  }
  chips.replaceChildren(...nodes);
}

/** The instant from which the fact counts, null when it does not. */
function factStart(traits: Traits): number | null {
  if (traits.closed) return null;
  return traits.queue.busy ? (traits.queue.since ?? traits.since) : traits.since;
}

function factOf(traits: Traits, now: number): string {
  if (traits.closed) return "closed";
  if (traits.active.length === 0 && traits.graph.nodes.length === 0) return "no states yet";
  const since = factStart(traits);
  const age = since === null ? "" : formatDuration(now - since);
  const waiting = traits.queue.pending > 0 ? `, ${traits.queue.pending} queued` : "";
  if (traits.queue.busy) return `working ${age}${waiting}`.replace(/\s+/, " ");
  if (since === null) return "";
  return now - since < 1000 ? "just now" : `for ${age}`;
}

/** A strip that says why the view is closed; nothing in it can be pressed. */
export function createClosedStrip(): Part {
  const text = html("span", {});
  const el = html("div", { class: "ff-strip", hidden: true }, icon("info"), text);
  return {
    el,
    update(traits, changed) {
      if (!changed.has("closed")) return;
      setAttribute(el, "hidden", !traits.closed);
      setText(text, traits.closed);
    },
  };
}
