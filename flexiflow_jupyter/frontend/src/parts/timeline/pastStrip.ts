/** The strip that says that an earlier step is shown, and the way back. */
import { html, setAttribute, setText } from "../../dom";
import { formatCount } from "../../format";
import { icon } from "../../icons";
import type { Traits } from "../../protocol";
import { causeOf, realState } from "../../timeline/words";
import type { Part, ViewContext } from "../../view";
import { keepInPlace } from "./keepInPlace";

/** How long a kernel may take for a step before the page says that it waits. */
const SLOW_MS = 400;

export interface StripOptions {
  /** Whether nothing else in the view tells the state of the step. */
  isAlone: boolean;
}

export function createPastStrip(
  { session, scope }: ViewContext,
  frame: HTMLElement,
  { isAlone }: StripOptions,
): Part {
  const place = html("b", {});
  const words = html("span", {});
  const back = html(
    "button",
    { type: "button", class: "ff-b ff-past-b" },
    icon("live"),
    "Back to live",
  );
  back.addEventListener("click", () => {
    session.looking.live();
    frame.querySelector<HTMLElement>("input[data-step]")?.focus({ preventScroll: true });
  });
  const text = html("span", { class: "ff-strip-text" }, place, " ", words);
  const el = html(
    "div",
    { class: "ff-strip ff-past-strip", hidden: true },
    icon("undo"),
    text,
    back,
  );
  const later = scope.timer();
  let traits: Traits | null = null;
  let isSlow = false;

  const draw = (): void => {
    const { value: shown } = session.lookingAt;
    const { value: wanted } = session.looking.wanted;
    const isPast = shown !== null || (wanted !== null && isSlow);
    const change = (): void => {
      setAttribute(el, "hidden", !isPast);
      setAttribute(frame, "data-past", shown !== null);
    };
    if (el.hidden === isPast) keepInPlace(frame.querySelector(".ff-timeline") ?? frame, change);
    else change();
    if (!isPast || !traits) return;
    if (!shown || (isSlow && wanted !== null && wanted !== shown.at)) {
      setText(place, `Step ${formatCount(wanted ?? 0)} is on its way.`);
      setText(words, "The kernel is busy and answers when it is free.");
      return;
    }
    const state = isAlone ? `: ${shown.state}` : "";
    setText(place, `Looking at step ${formatCount(shown.at)}${state}.`);
    const failed = shown.failed ? `Then ${shown.failed}.` : "";
    setText(words, [causeOf(shown), failed, realState(traits)].filter(Boolean).join(" "));
  };
  const onWanted = (): void => {
    isSlow = false;
    later(SLOW_MS, () => {
      const { value: wanted } = session.looking.wanted;
      isSlow = wanted !== null && session.lookingAt.value?.at !== wanted;
      draw();
    });
    draw();
  };
  scope.add(session.looking.wanted.on(onWanted));
  scope.add(
    session.lookingAt.on(() => {
      isSlow = false;
      draw();
    }),
  );
  return {
    el,
    update(now, changed) {
      traits = now;
      if (changed.has("active") || changed.has("graph")) draw();
    },
  };
}
