/** Lecture mode and undo: pause the messages, one at a time, slow motion. */
import { html, setAttribute, setText } from "../../dom";
import { countOf } from "../../format";
import type { Deed, PaceInfo, Traits } from "../../protocol";
import type { ViewContext } from "../../view";
import { DeedButton } from "./deedButton";

/** Seconds between two messages in slow motion. */
const DELAYS = [0.2, 0.5, 1, 2, 5];
const USUAL_DELAY = 1;

export class Pace {
  readonly el = html("div", { class: "ff-tl-pace", hidden: true, role: "group" });
  /** Whether it was opened; else it is there while the pace is not the usual one. */
  isWanted = false;
  readonly #context: ViewContext;
  readonly #undo: DeedButton;
  readonly #hold: DeedButton;
  readonly #next: DeedButton;
  readonly #slow: DeedButton;
  readonly #delay = html("select", { class: "ff-in ff-tl-form", "aria-label": "Delay" });
  readonly #fact = html("span", { class: "ff-fact" });
  #pace: PaceInfo | null = null;

  constructor(context: ViewContext) {
    this.#context = context;
    const { session } = context;
    const button = (action: Deed, ...[name, text]: [DeedIcon, string]): DeedButton =>
      new DeedButton({
        action,
        icon: name,
        text,
        class: "ff-b",
        onPress: () => session.do(action),
      });
    this.#undo = button("undo", "undo", "Undo step");
    this.#next = button("next", "next", "Next");
    this.#hold = new DeedButton({
      action: "pause",
      icon: "pause",
      text: "Pause",
      class: "ff-b",
      onPress: () => session.do(this.#pace?.mode === "go" ? "pause" : "go"),
    });
    this.#slow = new DeedButton({
      action: "slow",
      icon: "clock",
      text: "Slow motion",
      class: "ff-b",
      onPress: () => this.#goSlow(),
    });
    this.#delay.append(
      ...DELAYS.map((delay) => html("option", { value: delay }, `every ${delay} s`)),
    );
    this.#delay.value = String(USUAL_DELAY);
    this.#delay.addEventListener("change", () => {
      if (this.#pace?.mode === "slow") this.#goSlow();
    });
    setAttribute(this.el, "aria-label", "Pace");
    this.el.append(
      html("span", { class: "ff-label" }, "Pace"),
      this.#hold.el,
      this.#next.el,
      this.#slow.el,
      this.#delay,
      this.#fact,
      this.#undo.el,
    );
  }

  update({ timeline, closed }: Traits): void {
    const { pace, undo } = timeline;
    const { deeds } = this.#context.session;
    const before = this.#pace;
    this.#pace = pace;
    setAttribute(this.el, "hidden", !this.isWanted && pace.mode === "go");
    const isGoing = pace.mode === "go";
    const waits = (deed: Deed): "pending" | "idle" =>
      deeds.statusOf(deed) === "pending" ? "pending" : "idle";
    this.#hold.show(isGoing ? "pause" : "play", isGoing ? "Pause" : "Go on");
    setAttribute(this.#hold.el, "data-action", isGoing ? "pause" : "go");
    this.#hold.enable(closed === "", closed);
    this.#next.show("next", "Next", waits("next"));
    this.#next.enable(closed === "" && pace.mode === "paused", closed || this.#noNext(pace));
    this.#slow.show("clock", "Slow motion");
    this.#slow.enable(closed === "", closed);
    setAttribute(this.#slow.el, "aria-pressed", String(pace.mode === "slow"));
    if (pace.mode === "slow" && before?.delay_s !== pace.delay_s) this.#chooseDelay(pace.delay_s);
    this.#delay.disabled = closed !== "";
    this.#undo.show("undo", "Undo step", waits("undo"));
    this.#undo.enable(closed === "" && undo.enabled, closed || undo.reason);
    setText(this.#fact, factOf(pace));
  }

  #goSlow(): void {
    this.#context.session.do("slow", { value: Number(this.#delay.value) });
  }

  /** Show the delay in force, one set by code as well. */
  #chooseDelay(delay: number): void {
    const value = String(delay);
    const isKnown = [...this.#delay.options].some((option) => option.value === value);
    if (!isKnown) this.#delay.append(html("option", { value }, `every ${value} s`));
    this.#delay.value = value;
  }

  #noNext(pace: PaceInfo): string {
    return pace.mode === "go"
      ? "Messages are handled as they come. Pause them first."
      : "Slow motion goes on by itself. Press Go on, then Pause.";
  }
}

type DeedIcon = "undo" | "next";

function factOf({ mode, waiting }: PaceInfo): string {
  if (mode === "go") return "";
  const queue = waiting > 0 ? `${countOf(waiting, "message")} waiting` : "none waiting";
  return `${mode === "paused" ? "paused" : "slow"}, ${queue}`;
}
