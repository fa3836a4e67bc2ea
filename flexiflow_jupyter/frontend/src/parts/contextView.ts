/** The context of a component: keys and values, what the last step changed tinted. */
import { inOrder, MOST_KEYS } from "../contextOrder";
import { html, setText } from "../dom";
import type { ContextEntry, Traits } from "../protocol";
import type { Part } from "../view";

export function createContextView(): Part {
  const step = html("span", { class: "ff-fact" });
  const list = html("dl", { class: "ff-kv" });
  const note = html("p", { class: "ff-note" });
  const head = html("div", { class: "ff-label" }, html("span", {}, "Context"), step);
  const el = html("div", { class: "ff-side", "data-flexiflow": "context" }, head, list, note);
  return {
    el,
    update(traits, changed) {
      if (changed.has("steps")) setText(step, `step ${traits.steps}`);
      if (changed.has("context") || changed.has("context_more") || changed.has("steps")) {
        list.replaceChildren(...inOrder(traits.context).flatMap(entryNodes));
        list.hidden = traits.context.length === 0;
        setText(note, noteOf(traits));
        note.hidden = note.textContent === "";
      }
    },
  };
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

function noteOf(traits: Traits): string {
  const total = traits.context.length + traits.context_more;
  if (total === 0) return "No context declared.";
  const more = total - Math.min(traits.context.length, MOST_KEYS);
  const isSame = traits.steps > 0 && !traits.context.some((entry) => entry.changed);
  const notes = [more > 0 ? `${more} more.` : "", isSame ? "Unchanged by the last step." : ""];
  return notes.filter(Boolean).join(" ");
}
