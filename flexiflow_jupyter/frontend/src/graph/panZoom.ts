/** Panning by drag, zooming by button, wheel with Ctrl, or pinch. */
import { html, setAttribute } from "../dom";
import type { IconName } from "../icons";
import { icon } from "../icons";
import type { Scope } from "../scope";
import type { Box, Point } from "./geometry";
import type { Size, Transform } from "./viewport";
import { centre, fit, fitScale, hold, minScale, READABLE, reveal, zoom } from "./viewport";

const STEP = 1.25;
const EASE_MS = 160;
/** Movement below this is a click. */
const SLOP_PX = 4;

export interface Stage {
  /** The element that is as large as the place of the picture. */
  place: HTMLElement;
  picture: Size;
  states: number;
  /** What to keep in sight: the active state. */
  focus: () => Box | null;
  /** What to show at a readable size: the active state and what is around it. */
  near: () => Box | null;
}

export class PanZoom {
  readonly controls: HTMLElement;
  readonly #easeLater: (delayMs: number, run: () => void) => void;
  readonly #onScale: (scale: number) => void;
  #world: SVGGElement | null = null;
  #stage: Stage | null = null;
  #at: Transform = { x: 0, y: 0, scale: 1 };
  #isTouched = false;
  #stopDrag: () => void = () => undefined;

  constructor(place: HTMLElement, scope: Scope, onScale: (scale: number) => void) {
    scope.add(() => this.#stopDrag());
    this.#onScale = onScale;
    this.#easeLater = scope.timer();
    this.controls = html(
      "div",
      { class: "ff-zoom", role: "group", "aria-label": "Zoom" },
      tool("minus", "Zoom out", () => this.#zoomBy(1 / STEP)),
      tool("plus", "Zoom in", () => this.#zoomBy(STEP)),
      tool("fit", "Fit", () => this.#refit(true)),
      tool("near", "Near the active state", () => this.#goNear(), "ff-near"),
    );
    scope.listen(place, "wheel", (event: WheelEvent) => this.#onWheel(event), { passive: false });
    scope.listen(place, "pointerdown", (event: PointerEvent) => this.#onPress(event, place));
  }

  get at(): Transform {
    return this.#at;
  }

  /** Show another picture; the first look fits it. */
  attach(world: SVGGElement, stage: Stage): void {
    this.#world = world;
    this.#stage = stage;
    this.#isTouched = false;
    this.#refit(false);
  }

  /** The place has another size. */
  resized(): void {
    if (!this.#isTouched) this.#refit(false);
    else this.#apply(this.#at, false);
  }

  /** Pan as little as needed so that a box is seen. */
  show(box: Box): void {
    if (!this.#stage) return;
    const to = reveal(this.#at, box, this.#size());
    if (to.x !== this.#at.x || to.y !== this.#at.y) this.#apply(to, true);
  }

  #size(): Size {
    const place = this.#stage?.place;
    return { width: place?.clientWidth ?? 0, height: place?.clientHeight ?? 0 };
  }

  #refit(ease: boolean): void {
    const stage = this.#stage;
    if (!stage) return;
    this.#isTouched = false;
    this.#apply(fit(stage.picture, this.#size(), stage.states, stage.focus()), ease);
  }

  /** Zoom by a key: "+", "-" or "0" for the whole. */
  press(key: string): boolean {
    if (key === "0") this.#refit(true);
    else this.#zoomBy(key === "+" ? STEP : 1 / STEP);
    return true;
  }

  #goNear(): void {
    const [around, active] = [this.#stage?.near(), this.#stage?.focus()];
    if (!around || !active) return;
    this.#isTouched = true;
    const size = this.#size();
    const scale = fitScale(around, size);
    // Where what is around lies too far apart, the active state itself is shown.
    if (scale < READABLE) this.#apply(centre(active, size, 1), true);
    else this.#apply(centre(around, size, scale), true);
  }

  #zoomBy(factor: number): void {
    const { width, height } = this.#size();
    this.#zoomAt(factor, { x: width / 2, y: height / 2 }, true);
  }

  #zoomAt(factor: number, about: Point, ease: boolean): void {
    const stage = this.#stage;
    if (!stage) return;
    this.#isTouched = true;
    const whole = fit(stage.picture, this.#size(), stage.states, null).scale;
    const least = Math.min(whole, minScale(stage.states));
    this.#apply(zoom(this.#at, factor, about, least), ease);
  }

  #apply(to: Transform, ease: boolean): void {
    const [world, stage] = [this.#world, this.#stage];
    if (!world || !stage) return;
    this.#at = hold(to, stage.picture, this.#size());
    const { x, y, scale } = this.#at;
    world.classList.toggle("ff-easing", ease);
    if (ease) this.#easeLater(EASE_MS + 40, () => world.classList.remove("ff-easing"));
    world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    const isWhole =
      stage.picture.width * scale <= this.#size().width &&
      stage.picture.height * scale <= this.#size().height;
    setAttribute(stage.place, "data-pans", !isWhole);
    this.#onScale(scale);
  }

  #onWheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const bounds = this.#stage?.place.getBoundingClientRect();
    if (!bounds) return;
    const factor = Math.exp(-event.deltaY / 300);
    const about = { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
    this.#zoomAt(factor, about, false);
  }

  #onPress(event: PointerEvent, place: HTMLElement): void {
    const target = event.target as Element;
    if (event.button !== 0 || target.closest(".ff-zoom, button, input, [data-enabled]")) return;
    const start = { x: event.clientX, y: event.clientY, at: this.#at };
    const end = new AbortController();
    const stop = (): void => {
      end.abort();
      place.classList.remove("ff-panning");
    };
    const move = (next: PointerEvent): void => {
      const [dx, dy] = [next.clientX - start.x, next.clientY - start.y];
      if (!this.#isTouched && Math.hypot(dx, dy) < SLOP_PX) return;
      if (!place.hasAttribute("data-pans")) return;
      this.#isTouched = true;
      place.classList.add("ff-panning");
      this.#apply({ ...start.at, x: start.at.x + dx, y: start.at.y + dy }, false);
    };
    window.addEventListener("pointermove", move, { signal: end.signal });
    for (const name of ["pointerup", "pointercancel", "blur"]) {
      window.addEventListener(name, stop, { signal: end.signal });
    }
    this.#stopDrag = stop;
  }
}

function tool(name: IconName, label: string, onClick: () => void, extra = ""): HTMLElement {
  const attributes = { type: "button", class: `ff-ib ${extra}`, "aria-label": label, title: label };
  const button = html("button", attributes, icon(name));
  button.addEventListener("click", onClick);
  return button;
}
