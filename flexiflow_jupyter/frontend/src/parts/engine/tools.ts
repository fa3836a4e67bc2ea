/** The buttons of an engine's view: icons with a name. */
import { html } from "../../dom";
import type { IconName } from "../../icons";
import { icon } from "../../icons";

export function tool(
  name: IconName,
  label: string,
  state: { pressed?: boolean; expanded?: boolean } = {},
): HTMLButtonElement {
  return html(
    "button",
    {
      type: "button",
      class: "ff-ib",
      "aria-label": label,
      title: label,
      "aria-pressed": state.pressed === undefined ? null : String(state.pressed),
      "aria-expanded": state.expanded === undefined ? null : String(state.expanded),
    },
    icon(name),
  );
}

/** A button that shows one story. */
export function storyButton(story: string, onStory: (story: string) => void): HTMLButtonElement {
  const label = `Only story ${story}`;
  const button = html("button", { type: "button", class: "ff-link", title: label, "aria-label": label }, story);
  button.addEventListener("click", () => onStory(story));
  return button;
}
