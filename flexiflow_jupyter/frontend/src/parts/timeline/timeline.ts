/** The timeline: a track of steps, and what can be done from one of them. */
import { html, setAttribute, setText } from "../../dom";
import { countOf } from "../../format";
import { icon } from "../../icons";
import type { Deed, TimelineInfo, TraitName, Traits } from "../../protocol";
import { stateNames } from "../../timeline/words";
import type { Part, ViewContext } from "../../view";
import { DeedButton } from "./deedButton";
import { Pace } from "./pace";
import { Sandbox } from "./sandbox";
import { Track } from "./track";

/** How a recording is written down. */
const FORMS: [string, string][] = [
  ["pytest", "as pytest"],
  ["scenario", "as scenario"],
];

export function createTimeline(context: ViewContext): Part {
  return new Timeline(context);
}

class Timeline implements Part {
  readonly el = html("div", { class: "ff-timeline", "data-flexiflow": "timeline", hidden: true });
  readonly #context: ViewContext;
  readonly #track: Track;
  readonly #back = this.#arrow("back", "Step back", -1);
  readonly #forward = this.#arrow("next", "Step on", 1);
  readonly #live: HTMLButtonElement;
  readonly #fork: DeedButton;
  readonly #whatIf: DeedButton;
  readonly #record: DeedButton;
  readonly #form = html("select", { class: "ff-in ff-tl-form", "aria-label": "Write it down" });
  readonly #count = html("span", { class: "ff-fact ff-tl-recording", hidden: true });
  readonly #more: HTMLButtonElement;
  readonly #said = html("p", { class: "ff-inline-note", hidden: true });
  readonly #pace: Pace;
  readonly #sandbox: Sandbox;
  #traits: Traits | null = null;
  #dot = "";

  constructor(context: ViewContext) {
    this.#context = context;
    const { scope, session } = context;
    this.#track = new Track(context, () => this.#arrange());
    this.#live = html(
      "button",
      { type: "button", class: "ff-b ff-quiet ff-tl-back-live", "data-action": "live" },
      html("i", { class: "ff-dot" }),
      "Live",
    );
    this.#live.addEventListener("click", () => session.looking.live());
    const [fork, whatIf, record] = this.#deeds();
    this.#fork = fork;
    this.#whatIf = whatIf;
    this.#record = record;
    this.#form.append(...FORMS.map(([value, text]) => html("option", { value }, text)));
    this.#more = this.#moreButton();
    this.#pace = new Pace(context);
    this.#sandbox = new Sandbox(context);
    this.el.append(this.#row(), this.#pace.el, this.#said, this.#sandbox.el);
    scope.add(session.looking.wanted.on(() => this.#refresh()));
    scope.add(session.lookingAt.on(() => this.#onLook()));
    scope.add(session.changed.on(() => this.#refresh()));
  }

  update(traits: Traits, changed: ReadonlySet<TraitName>): void {
    this.#traits = traits;
    if (traits.dot !== this.#dot) {
      if (this.#dot) this.#context.session.looking.forget();
      this.#dot = traits.dot;
    }
    if (traits.closed) this.#context.session.looking.live();
    this.#sandbox.update(traits, changed);
    this.#refresh();
  }

  #row(): HTMLElement {
    const actions = html(
      "div",
      { class: "ff-tl-actions" },
      this.#fork.el,
      this.#whatIf.el,
      html("span", { class: "ff-tl-rec" }, this.#count, this.#form, this.#record.el),
    );
    return html(
      "div",
      { class: "ff-tl-row" },
      html("span", { class: "ff-label" }, "Timeline"),
      this.#back,
      this.#track.el,
      this.#forward,
      this.#live,
      actions,
      this.#more,
    );
  }

  #deeds(): [DeedButton, DeedButton, DeedButton] {
    const { session } = this.#context;
    const fork = new DeedButton({
      action: "fork",
      icon: "fork",
      text: "Continue from here",
      onPress: () => session.do("fork", { at: this.#at() }),
    });
    const whatIf = new DeedButton({
      action: "what-if",
      icon: "flask",
      text: "What if",
      onPress: () => {
        const isOpen = (this.#traits?.sandbox.at ?? -1) >= 0;
        if (isOpen) session.do("what-if-close");
        else session.do("what-if", { at: this.#at() });
      },
    });
    const record = new DeedButton({
      action: "record",
      icon: "record",
      text: "Record",
      onPress: () => {
        if (this.#traits?.timeline.recording) session.do("stop", { value: this.#form.value });
        else session.do("record");
      },
    });
    return [fork, whatIf, record];
  }

  #arrow(name: "back" | "next", label: string, by: number): HTMLButtonElement {
    const button = html(
      "button",
      {
        type: "button",
        class: "ff-ib",
        "data-action": by < 0 ? "back" : "forward",
        "aria-label": label,
        title: label,
      },
      icon(name),
    );
    button.addEventListener("click", () => {
      if (button.hasAttribute("aria-disabled")) return;
      this.#context.session.looking.look(this.#at() + by);
    });
    return button;
  }

  #moreButton(): HTMLButtonElement {
    const label = "Undo, pause and slow motion";
    const button = html(
      "button",
      { type: "button", class: "ff-ib", "data-action": "more", "aria-label": label, title: label },
      icon("more"),
    );
    button.addEventListener("click", () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      setAttribute(button, "aria-expanded", String(!isOpen));
      setAttribute(this.el, "data-open", !isOpen);
      this.#pace.isWanted = !isOpen;
      this.#refresh();
    });
    setAttribute(button, "aria-expanded", "false");
    return button;
  }

  /** The step that is wanted, be it the live one. */
  #at(): number {
    return this.#context.session.looking.wanted.value ?? this.#traits?.timeline.last ?? 0;
  }

  #onLook(): void {
    const traits = this.#traits;
    if (!traits) return;
    const { value: shown } = this.#context.session.lookingAt;
    this.#refresh();
    if (document.activeElement === this.#track.input) return;
    const name = traits.component;
    this.#context.announce(
      shown
        ? `Step ${shown.at}: ${name} was in ${shown.state}`
        : `Live: ${name} is in ${stateNames(traits, traits.active)}`,
    );
  }

  #refresh(): void {
    const traits = this.#traits;
    if (!traits) return;
    const { timeline: info, closed } = traits;
    setAttribute(this.el, "hidden", info.last < info.first);
    if (info.last < info.first) return;
    const { session } = this.#context;
    const { value: wanted } = session.looking.wanted;
    const { value: shown } = session.lookingAt;
    const words = shown ? shown.state : stateNames(traits, traits.active);
    this.#track.update({ info, shown, wanted, words, closed });
    const at = wanted ?? info.last;
    this.#enableArrow(this.#back, closed === "" && at > info.first);
    this.#enableArrow(this.#forward, closed === "" && at < info.last);
    setAttribute(this.#live, "aria-pressed", String(wanted === null));
    this.#refreshDeeds(info, closed);
    this.#pace.update(traits);
    this.#say(session.said);
    this.#arrange();
  }

  /** Show what came of a deed, and say it once. */
  #say(text: string): void {
    if (this.#said.textContent === text) return;
    setText(this.#said, text);
    setAttribute(this.#said, "hidden", text === "");
    if (text) this.#context.announce(text);
  }

  #enableArrow(button: HTMLButtonElement, isEnabled: boolean): void {
    setAttribute(button, "aria-disabled", isEnabled ? null : "true");
  }

  #refreshDeeds(info: TimelineInfo, closed: string): void {
    const { session } = this.#context;
    const status = (what: Deed): ReturnType<typeof session.deeds.statusOf> =>
      session.deeds.statusOf(what);
    this.#fork.show("fork", "Continue from here", status("fork"));
    this.#fork.enable(closed === "", closed);
    const isOpen = (this.#traits?.sandbox.at ?? -1) >= 0;
    this.#whatIf.show("flask", "What if", status("what-if") === "pending" ? "pending" : "idle");
    this.#whatIf.enable(closed === "", closed);
    setAttribute(this.#whatIf.el, "aria-expanded", String(isOpen));
    const { recording } = info;
    const isPending = status("record") === "pending" || status("stop") === "pending";
    this.#record.show(
      recording ? "stop" : "record",
      recording ? "Stop" : "Record",
      isPending ? "pending" : "idle",
    );
    this.#record.enable(closed === "", closed);
    setAttribute(this.#record.el, "aria-pressed", String(recording !== null));
    setAttribute(this.el, "data-recording", recording !== null);
    setAttribute(this.#form, "hidden", recording === null);
    setAttribute(this.#count, "hidden", recording === null);
    if (recording) setText(this.#count, `Recording, ${countOf(recording.steps, "step")}`);
  }

  /** Give the track all the room while an earlier step is shown, but not under a drag. */
  #arrange(): void {
    if (this.#track.isDragged) return;
    setAttribute(this.el, "data-past", this.#context.session.looking.wanted.value !== null);
  }
}
