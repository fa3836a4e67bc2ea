/**
 * The context of a component: keys and values, what the last step changed tinted; of an
 * earlier step also what has changed since, and what was printed then.
 */
import { inOrder, MOST_KEYS } from "../contextOrder";
import { html, setText } from "../dom";
import { formatCount } from "../format";
import type { ContextEntry, StepAnswer, TraitName, Traits } from "../protocol";
import type { Since } from "../timeline/words";
import { sinceThen } from "../timeline/words";
import type { Part, ViewContext } from "../view";

const FOLLOWED: TraitName[] = ["context", "context_more", "steps", "timeline"];

/** Changes since an earlier step that are shown. */
const MOST_SINCE = 8;

export function createContextView({ scope, session }: ViewContext): Part {
  const step = html("span", { class: "ff-fact" });
  const list = html("dl", { class: "ff-kv" });
  const note = html("p", { class: "ff-note" });
  const past = html("div", { class: "ff-since" });
  const head = html("div", { class: "ff-label" }, html("span", {}, "Context"), step);
  const el = html(
    "div",
    { class: "ff-side", "data-flexiflow": "context" },
    head,
    list,
    note,
    past,
  );
  let now: Traits | null = null;

  const draw = (): void => {
    if (!now) return;
    const { value: then } = session.lookingAt;
    const entries = then?.context ?? now.context;
    setText(step, then ? stepsOf(then) : `step ${formatCount(lastStep(now))}`);
    list.replaceChildren(...inOrder(entries).flatMap(entryNodes));
    list.hidden = entries.length === 0;
    setText(note, then ? noteOf(then, then.at, "this") : noteOf(now, lastStep(now), "the last"));
    note.hidden = note.textContent === "";
    past.replaceChildren(...(then ? pastNodes(then, now) : []));
  };
  scope.add(session.lookingAt.on(draw));
  return {
    el,
    update(traits, changed) {
      now = traits;
      if (FOLLOWED.some((name) => changed.has(name))) draw();
    },
  };
}

/** The number of the live step: an undo takes one back. */
function lastStep({ timeline, steps }: Traits): number {
  return timeline.last >= timeline.first ? timeline.last : steps;
}

function stepsOf({ at }: StepAnswer): string {
  return at > 0 ? `step ${formatCount(at - 1)} \u2192 ${formatCount(at)}` : "step 0";
}

function entryNodes(entry: ContextEntry): HTMLElement[] {
  const key = html("dt", { title: entry.key, dir: "auto" }, entry.key);
  const value = html("dd", { title: entry.value });
  value.dataset["key"] = entry.key;
  if (entry.changed && entry.previous !== null) {
    value.append(html("del", { class: "ff-was" }, entry.previous), " ");
  }
  value.append(entry.changed ? html("ins", { class: "ff-new" }, entry.value) : entry.value);
  return [key, value];
}

function noteOf({ context, context_more }: Contexts, steps: number, which: string): string {
  const total = context.length + context_more;
  if (total === 0) return "No context declared.";
  const more = total - Math.min(context.length, MOST_KEYS);
  const isSame = steps > 0 && !context.some((entry) => entry.changed);
  const notes = [more > 0 ? `${more} more.` : "", isSame ? `Unchanged by ${which} step.` : ""];
  return notes.filter(Boolean).join(" ");
}

type Contexts = Pick<Traits, "context" | "context_more">;

/** What lies between a step and now, and what was printed while it was made. */
function pastNodes(then: StepAnswer, now: Traits): HTMLElement[] {
  const nodes: HTMLElement[] = [];
  const since = sinceThen(then.context, now.context);
  if (since.length > 0) {
    const span = html("span", { class: "ff-fact" }, `step ${formatCount(then.at)} \u2192 live`);
    nodes.push(
      html("div", { class: "ff-label" }, html("span", {}, "Since then"), span),
      html("dl", { class: "ff-kv" }, ...since.slice(0, MOST_SINCE).flatMap(sinceNodes)),
    );
    const more = since.length - MOST_SINCE;
    if (more > 0) nodes.push(html("p", { class: "ff-note" }, `${more} more.`));
  }
  if (then.output.length > 0) nodes.push(...outputNodes(then));
  return nodes;
}

function sinceNodes({ key, from, to }: Since): HTMLElement[] {
  const text = `${from} \u2192 ${to}`;
  return [html("dt", { title: key, dir: "auto" }, key), html("dd", { title: text }, text)];
}

function outputNodes({ output }: StepAnswer): HTMLElement[] {
  const lines = output.map(([stream, text]) =>
    html("span", { "data-stream": stream }, text.endsWith("\n") ? text : `${text}\n`),
  );
  return [
    html("p", { class: "ff-note" }, "Printed at this step:"),
    html("pre", { class: "ff-printed", tabindex: 0, "aria-label": "Printed at this step" }, ...lines),
  ];
}
