/** The state graph: empty, drawing, drawn or failed, lit by every step. */
import { html, setAttribute, setText, svg } from "../dom";
import type { Box } from "../graph/geometry";
import { Layouter } from "../graph/layout";
import { namedStates } from "../graph/names";
import { PanZoom } from "../graph/panZoom";
import { Picture } from "../graph/picture";
import { Tags } from "../graph/tags";
import { boxAround, CROWD, freeCorner, placeHeight, READABLE } from "../graph/viewport";
import type { Graphviz } from "../graphviz";
import { loadedGraphviz, loadGraphviz } from "../graphviz";
import { icon } from "../icons";
import type { TraitName, Traits } from "../protocol";
import type { Part, ViewContext } from "../view";
import { isHidden } from "../view";

/** A panel of this width has a side column of one of these widths. */
const SIDE_FROM = 558;
const WIDE_SIDE = 224;
const NARROW_SIDE = 168;

/** Steps that follow each other faster than this leave no trail. */
const TRAIL_GAP_MS = 200;

export function createGraphView(context: ViewContext): Part {
  return new GraphView(context);
}

class GraphView implements Part {
  readonly el = html("div", { class: "ff-graph", "data-flexiflow": "graph" });
  readonly #context: ViewContext;
  readonly #canvas = svg("svg", { class: "ff-canvas", role: "group" });
  readonly #problem = html("div", { class: "ff-graph-problem" });
  readonly #tip = html("div", { class: "ff-tip", hidden: true });
  readonly #layouter = new Layouter();
  readonly #panZoom: PanZoom;
  #traits: Traits | null = null;
  #graphviz: Graphviz | null = loadedGraphviz();
  #isLoading = false;
  #picture: Picture | null = null;
  #tags: Tags | null = null;
  #drawnWidth = 0;
  #lastStep = -1;
  #lastTrail = -Infinity;

  constructor(context: ViewContext) {
    this.#context = context;
    const { scope } = context;
    this.#panZoom = new PanZoom(this.el, scope, (scale) => this.#onScale(scale));
    scope.listen(this.el, "click", (event: MouseEvent) => this.#onClick(event));
    scope.listen(this.el, "keydown", (event: KeyboardEvent) => this.#onKey(event));
    scope.listen(this.el, "focusin", (event: FocusEvent) => this.#onFocus(event));
    scope.listen(this.el, "focusout", () => setAttribute(this.#tip, "hidden", true));
    const observer = new ResizeObserver(() => this.#onResize());
    observer.observe(this.el);
    scope.add(() => observer.disconnect());
  }

  update(traits: Traits, changed: ReadonlySet<TraitName>): void {
    this.#traits = traits;
    if (changed.has("dot") || changed.has("graph")) this.#redraw();
    else this.#light(changed);
    this.#lastStep = traits.last.step;
  }

  /** Draw the structure anew, or say what there is to say instead. */
  #redraw(): void {
    const traits = this.#traits;
    if (!traits) return;
    if (traits.graph.nodes.length === 0 || !traits.dot) {
      this.#picture = null;
      this.#showEmpty();
    } else if (this.#graphviz) this.#draw(this.#graphviz, traits);
    else {
      if (!this.#picture) this.#showSkeleton();
      this.#load();
    }
  }

  #load(): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const { session, scope } = this.#context;
    loadGraphviz(session, scope)
      .then((graphviz) => {
        this.#graphviz = graphviz;
        if (!scope.closed) this.#redraw();
      })
      .catch((error: unknown) => this.#showProblem(error))
      .finally(() => {
        this.#isLoading = false;
      });
  }

  #draw(graphviz: Graphviz, traits: Traits): void {
    const { own, most } = this.#room();
    if (own === 0) return;
    this.#drawnWidth = own;
    const { graph } = traits;
    try {
      const geometry = this.#layouter.layout(graphviz, traits.dot, graph, most);
      this.#show(new Picture(geometry, graph, graph.nodes.length > CROWD), traits);
      this.#problem.replaceChildren();
    } catch (error) {
      this.#showProblem(error);
    }
  }

  /** The width there is, and the width when the side column of a panel makes room. */
  #room(): { own: number; most: number; least: number } {
    const own = this.el.clientWidth;
    const panel = this.el.parentElement;
    const all = panel?.clientWidth ?? 0;
    if (!panel?.classList.contains("ff-panel") || all < SIDE_FROM) {
      return { own, most: own, least: own };
    }
    return { own, most: all - NARROW_SIDE, least: all - WIDE_SIDE };
  }

  #show(picture: Picture, traits: Traits): void {
    this.#picture = picture;
    setAttribute(this.el, "data-wide", picture.geometry.width + 32 > this.#room().least);
    const states = traits.graph.nodes.length;
    this.#tags = new Tags(picture);
    const height = placeHeight(picture.geometry, this.el.clientWidth, states);
    this.el.style.height = `${height}px`;
    setAttribute(this.el, "data-view", "picture");
    setAttribute(this.el, "data-crowded", states > CROWD);
    setAttribute(this.#canvas, "aria-label", `States of ${traits.component}`);
    this.#canvas.replaceChildren(picture.el);
    this.#drawnWidth = this.el.clientWidth;
    this.el.replaceChildren(this.#canvas, this.#panZoom.controls, this.#tip, this.#problem);
    picture.measure();
    picture.showActive(traits);
    picture.showEdges(traits);
    this.#panZoom.attach(picture.el, {
      place: this.el,
      picture: picture.geometry,
      states,
      focus: () => this.#activeBox(),
    });
  }

  /** Follow a step: attributes only. */
  #light(changed: ReadonlySet<TraitName>): void {
    const [picture, traits] = [this.#picture, this.#traits];
    if (!picture || !traits) return;
    if (changed.has("active") || changed.has("parents")) {
      picture.showActive(traits);
      this.#nameStates(traits);
      const box = this.#activeBox();
      if (box && this.el.hasAttribute("data-pans")) this.#panZoom.show(box);
    }
    if (changed.has("edges") || changed.has("active") || changed.has("closed")) {
      picture.showEdges(traits);
    }
    if (changed.has("last") && traits.last.step !== this.#lastStep) this.#leaveTrail(traits);
  }

  #leaveTrail(traits: Traits): void {
    const now = performance.now();
    const isTooFast = now - this.#lastTrail < TRAIL_GAP_MS;
    this.#lastTrail = now;
    if (isTooFast || traits.last.edge === null || isHidden() || prefersStill()) return;
    this.#picture?.flash(traits.last.edge);
  }

  #activeBox(): Box | null {
    const boxes = (this.#traits?.active ?? []).flatMap(
      (path) => this.#picture?.nodes.get(path)?.box ?? [],
    );
    return boxAround(boxes);
  }

  /** Put the zoom group where it covers nothing; else it shows itself on hover only. */
  #placeControls(): void {
    const picture = this.#picture;
    if (!picture) return;
    const place = { width: this.el.clientWidth, height: this.el.clientHeight };
    const things = [...picture.geometry.nodes.values(), ...picture.labelBoxes()];
    setAttribute(this.el, "data-corner", freeCorner(this.#panZoom.at, things, place));
  }

  #onScale(scale: number): void {
    this.#placeControls();
    const traits = this.#traits;
    const isTiny = scale < READABLE || this.el.hasAttribute("data-crowded");
    setAttribute(this.el, "data-tiny", isTiny && scale < READABLE);
    this.#tags?.scaled(scale < READABLE ? scale : 1);
    if (traits) this.#nameStates(traits);
  }

  /** Write names over the states where the picture's own are too small to read. */
  #nameStates(traits: Traits): void {
    const isReadable = this.#panZoom.at.scale >= READABLE;
    this.#tags?.show(isReadable ? new Set() : namedStates(traits));
  }

  #onResize(): void {
    const width = this.el.clientWidth;
    if (width === 0 || width === this.#drawnWidth) return;
    this.#redraw();
  }

  #onClick(event: MouseEvent): void {
    const edge = edgeOf(event.target);
    if (!edge || !edge.hasAttribute("data-enabled")) return;
    this.#context.session.send(edge.getAttribute("data-message") ?? "");
  }

  #onKey(event: KeyboardEvent): void {
    const edge = edgeOf(event.target);
    if (!edge || event.shiftKey || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    if (event.repeat || !edge.hasAttribute("data-enabled")) return;
    this.#context.session.send(edge.getAttribute("data-message") ?? "");
  }

  /** Bring a focused edge into sight and show why it cannot be taken. */
  #onFocus(event: FocusEvent): void {
    const el = edgeOf(event.target);
    const parts = el ? this.#picture?.edges.get(el.getAttribute("data-edge") ?? "") : undefined;
    if (!el || !parts || !el.matches(":focus-visible")) return;
    const at = parts.labelAt;
    if (at) this.#panZoom.show({ x: at.x - 20, y: at.y - 10, width: 40, height: 20 });
    const reason = el.getAttribute("title") ?? "";
    if (!reason) return;
    setText(this.#tip, reason);
    setAttribute(this.#tip, "hidden", null);
    this.#placeTip(el.querySelector(".ff-pill") ?? el);
  }

  /** Put the tip below an element, or above it where there is no room. */
  #placeTip(below: Element): void {
    const [own, label] = [this.el.getBoundingClientRect(), below.getBoundingClientRect()];
    const tip = this.#tip;
    const left = Math.min(own.width - tip.offsetWidth - 8, label.left - own.left);
    const under = label.bottom - own.top + 10;
    const over = label.top - own.top - tip.offsetHeight - 10;
    const fits = under + tip.offsetHeight < own.height;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${fits ? under : Math.max(8, over)}px`;
  }

  #showEmpty(): void {
    const sample = html("pre", {}, "states:\n  idle:\n    on: {start: running}");
    const text = html(
      "div",
      { class: "ff-empty" },
      html("strong", {}, "Nothing to draw yet"),
      html("span", {}, "Declare a state and re-run the cell:"),
      sample,
    );
    this.#instead("empty", text);
  }

  #showSkeleton(): void {
    const shapes = [0, 1, 2].map((n) =>
      svg("rect", { class: "ff-bone", x: 24 + n * 130, y: 62, width: 88, height: 36, rx: 8 }),
    );
    const attributes = { viewBox: "0 0 396 160", class: "ff-bones", "aria-hidden": "true" };
    const picture = svg("svg", attributes);
    picture.append(svg("path", { class: "ff-bone-line", d: "M112,80H154M242,80H284" }), ...shapes);
    const word = html("span", { class: "ff-drawing" }, icon("spinner"), "drawing");
    this.#instead("loading", picture, word);
  }

  #instead(view: string, ...nodes: Element[]): void {
    this.el.style.height = "";
    for (const name of ["data-pans", "data-tiny", "data-crowded", "data-wide"]) {
      this.el.removeAttribute(name);
    }
    setAttribute(this.el, "data-view", view);
    this.#problem.replaceChildren();
    this.el.replaceChildren(...nodes, this.#problem);
  }

  /** Say that there is no (new) picture; the last good one stays. */
  #showProblem(error: unknown): void {
    if (this.#context.scope.closed) return;
    if (!this.#picture) this.#instead("failed", html("div", { class: "ff-empty" }));
    const why = error instanceof Error ? error.message : String(error);
    const retry = html("button", { type: "button", class: "ff-b" }, icon("retry"), "Draw again");
    retry.addEventListener("click", () => this.#redraw());
    const text = html(
      "span",
      {},
      html("strong", {}, "The picture could not be drawn."),
      ` ${why.trim()}. The messages work without it.`,
    );
    const box = html("div", { class: "ff-strip ff-bad", role: "alert" }, icon("warn"), text, retry);
    this.#problem.replaceChildren(box);
  }
}

function edgeOf(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest("[data-edge]") : null;
}

function prefersStill(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
