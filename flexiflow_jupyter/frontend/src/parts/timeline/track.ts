/** The track of a timeline: a drawing, and the range input that lies over it. */
import { html, setAttribute, setText, svg } from "../../dom";
import { formatCount } from "../../format";
import type { StepAnswer, TimelineInfo } from "../../protocol";
import type { TickLabel } from "../../timeline/track";
import { drawTrack, stepAt, xOf } from "../../timeline/track";
import { placeOf } from "../../timeline/words";
import type { ViewContext } from "../../view";
import { isHidden } from "../../view";

const HEIGHT = 28;

/** How long the pointer rests before a step is asked for its message. */
const REST_MS = 120;

export interface TrackState {
  info: TimelineInfo;
  /** The step that is shown, null while live. */
  shown: StepAnswer | null;
  /** The step that is wanted, null for the live one. */
  wanted: number | null;
  /** What the shown state is, in words. */
  words: string;
  closed: string;
}

export class Track {
  readonly el: HTMLElement;
  readonly input: HTMLInputElement;
  /** Whether a pointer drags the handle just now. */
  isDragged = false;
  readonly #context: ViewContext;
  readonly #svg = svg("svg", { class: "ff-tl-svg", height: HEIGHT, "aria-hidden": "true" });
  readonly #line = svg("path", { class: "ff-tl-line" });
  readonly #future = svg("path", { class: "ff-tl-line ff-tl-future" });
  readonly #ticks = svg("path", { class: "ff-tl-ticks" });
  readonly #crosses = svg("path", { class: "ff-tl-crosses" });
  readonly #labels = svg("g", { class: "ff-tl-labels" });
  readonly #live = svg("circle", { class: "ff-tl-live", cy: 18, r: 6.5 });
  readonly #past = svg("circle", { class: "ff-tl-past", cy: 18, r: 6.5 });
  readonly #tip = html("div", { class: "ff-tip ff-tl-tip", hidden: true });
  readonly #rest: (delayMs: number, run: () => void) => void;
  readonly #onRelease: () => void;
  #state: TrackState | null = null;
  #width = 0;
  #drawnLabels: readonly string[] = [];

  constructor(context: ViewContext, onRelease: () => void) {
    this.#context = context;
    this.#onRelease = onRelease;
    const { scope, session } = context;
    this.#rest = scope.timer();
    this.input = html("input", {
      type: "range",
      class: "ff-tl-range",
      "data-step": "0",
      min: 0,
      max: 0,
      step: 1,
      value: "0",
      "aria-label": "Step",
      autocomplete: "off",
    });
    this.#svg.append(
      this.#line,
      this.#future,
      this.#ticks,
      this.#crosses,
      this.#labels,
      this.#live,
      this.#past,
    );
    this.el = html("div", { class: "ff-tl-track" }, this.input, this.#tip);
    this.el.prepend(this.#svg);
    this.input.addEventListener("input", () => session.looking.look(this.input.valueAsNumber));
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && session.looking.wanted.value !== null) session.looking.live();
    });
    this.#listenToPointer();
    const observer = new ResizeObserver(() => this.#onResize());
    observer.observe(this.el);
    scope.add(() => observer.disconnect());
  }

  update(state: TrackState): void {
    this.#state = state;
    const { info, shown, wanted } = state;
    setAttribute(this.input, "min", info.first);
    setAttribute(this.input, "max", info.last);
    const value = String(wanted ?? info.last);
    if (this.input.value !== value) this.input.value = value;
    const at = shown?.at ?? info.last;
    setAttribute(this.input, "data-step", at);
    setAttribute(this.input, "aria-valuetext", this.#valueText(state));
    this.input.disabled = state.closed !== "" || info.last <= info.first;
    setAttribute(this.input, "title", state.closed || null);
    this.#draw();
  }

  #valueText({ info, wanted, shown, words }: TrackState): string {
    const isThere = wanted === null || wanted === shown?.at;
    const place = placeOf(wanted ?? info.last, info.last);
    return [wanted === null ? `${place}, live` : place, isThere ? words : ""]
      .filter(Boolean)
      .join(": ");
  }

  #draw(): void {
    const state = this.#state;
    if (!state || this.#width === 0) return;
    const picture = drawTrack(this.#width, state.info, state.wanted);
    setAttribute(this.#line, "d", picture.line);
    setAttribute(this.#future, "d", picture.future || null);
    setAttribute(this.#ticks, "d", picture.ticks || null);
    setAttribute(this.#crosses, "d", picture.crosses || null);
    setAttribute(this.#live, "cx", picture.liveX);
    setAttribute(this.#live, "r", picture.pastX === null ? 6.5 : 4.5);
    setAttribute(this.#past, "cx", picture.pastX ?? 0);
    setAttribute(this.#past, "display", picture.pastX === null ? "none" : null);
    this.#drawLabels(picture.labels);
  }

  #drawLabels(labels: readonly TickLabel[]): void {
    const keys = labels.map((label) => `${label.x} ${label.anchor} ${label.full}`);
    const isSame = keys.length === this.#drawnLabels.length;
    if (isSame && keys.every((key, n) => key === this.#drawnLabels[n])) return;
    this.#drawnLabels = keys;
    this.#labels.replaceChildren(
      ...labels.map(({ x, text, anchor }) =>
        svg("text", { x: anchor === "end" ? x + 8 : x, y: 8, "text-anchor": anchor }, text),
      ),
    );
  }

  #onResize(): void {
    const width = this.el.clientWidth;
    if (width === this.#width) return;
    this.#width = width;
    this.#draw();
  }

  #listenToPointer(): void {
    const { scope } = this.#context;
    this.input.addEventListener("pointerdown", () => {
      this.isDragged = true;
      this.#hideTip();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      scope.listen(window, name, () => {
        if (!this.isDragged) return;
        this.isDragged = false;
        this.#onRelease();
      });
    }
    this.input.addEventListener("pointermove", (event) => this.#onPointer(event));
    this.input.addEventListener("pointerleave", () => this.#hideTip());
  }

  /** Name the step under the pointer, and its message once the pointer rests. */
  #onPointer(event: PointerEvent): void {
    const state = this.#state;
    if (!state || this.isDragged || event.pointerType === "touch" || this.input.disabled) return;
    const { info } = state;
    const step = stepAt(this.#width, info, event.clientX - this.el.getBoundingClientRect().left);
    const label = info.labels[step - info.first];
    this.#showTip(step, label ?? "");
    if (label !== undefined) return;
    this.#rest(REST_MS, () => {
      if (isHidden() || this.#tip.hidden) return;
      this.#context.session.looking.glance(step, (answer) => {
        if (!this.#tip.hidden && this.#tip.dataset["at"] === String(step)) {
          this.#showTip(step, answer.message || "start");
        }
      });
    });
  }

  #showTip(step: number, message: string): void {
    const state = this.#state;
    if (!state) return;
    const isFailed = state.info.failed.includes(step);
    const words = [`step ${formatCount(step)}`, message, isFailed ? "then a message failed" : ""];
    setText(this.#tip, words.filter(Boolean).join(" \u00b7 "));
    this.#tip.dataset["at"] = String(step);
    this.#tip.hidden = false;
    const most = Math.max(0, this.#width - this.#tip.offsetWidth);
    const left = xOf(this.#width, state.info, step) - this.#tip.offsetWidth / 2;
    this.#tip.style.left = `${Math.min(most, Math.max(0, left))}px`;
  }

  #hideTip(): void {
    this.#tip.hidden = true;
    this.#rest(0, () => undefined);
  }
}
