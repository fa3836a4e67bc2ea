/** The state graph: empty, drawing, drawn or failed, lit by every step. */
import { html, setAttribute, svg } from "../dom";
import type { Box } from "../graph/geometry";
import { Layouter } from "../graph/layout";
import { namedStates, statesAround, targetsOf } from "../graph/names";
import { PanZoom } from "../graph/panZoom";
import { Picture } from "../graph/picture";
import { Tags } from "../graph/tags";
import { boxAround, CROWD, freeCorner, placeHeight, READABLE } from "../graph/viewport";
import { describe } from "../graph/words";
import type { Graphviz } from "../graphviz";
import { loadedGraphviz, loadGraphviz } from "../graphviz";
import { icon } from "../icons";
import type { Graph, TraitName, Traits } from "../protocol";
import type { Part, ViewContext } from "../view";
import { isHidden } from "../view";
import { EdgeTip } from "./graph/edgeTip";
import { layersOf } from "./graph/layers";
import { RunningMarks } from "./graph/runningMarks";
import { prefersStill, Ticker } from "./graph/ticker";

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
  readonly #tip: EdgeTip;
  readonly #layouter = new Layouter();
  readonly #panZoom: PanZoom;
  readonly #ticker: Ticker;
  #traits: Traits | null = null;
  #graphviz: Graphviz | null = loadedGraphviz();
  #isLoading = false;
  #picture: Picture | null = null;
  #tags: Tags | null = null;
  #running: RunningMarks | null = null;
  /** What is drawn, and where each of its states leads. */
  #graph: Graph = { nodes: [], edges: [] };
  #targets: ReadonlyMap<string, readonly string[]> = new Map();
  #drawnWidth = 0;
  #lastStep = -1;
  #lastTrail = -Infinity;

  constructor(context: ViewContext) {
    this.#context = context;
    const { scope } = context;
    this.#panZoom = new PanZoom(this.el, scope, (scale) => this.#onScale(scale));
    this.#tip = new EdgeTip(this.el, scope);
    this.#ticker = new Ticker(scope, (now) => this.#running?.tick(now));
    this.#followLayers();
    scope.listen(this.el, "click", (event: MouseEvent) => this.#onClick(event));
    scope.listen(this.el, "keydown", (event: KeyboardEvent) => this.#onKey(event));
    scope.listen(this.el, "focusin", (event: FocusEvent) => this.#onFocus(event));
    scope.listen(this.el, "focusout", () => this.#tip.hide());
    scope.listen(this.el, "pointerover", (event: PointerEvent) => this.#onPoint(event));
    scope.listen(this.el, "pointerleave", () => this.#tip.leave());
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

  /** Show what the tools of this view switch on, and the step that is looked at. */
  #followLayers(): void {
    const { scope, session } = this.#context;
    const layers = layersOf(this.#context);
    layers.copy = () => {
      const picture = this.#picture;
      if (!picture) return null;
      const frame = this.el.closest(".ff-frame") ?? this.el;
      const ground = getComputedStyle(frame).getPropertyValue("background-color");
      return { world: picture.el, size: picture.geometry, ground };
    };
    scope.add(layers.coverage.on(() => this.#showCoverage()));
    scope.add(layers.changes.on(() => this.#redraw()));
    scope.add(session.lookingAt.on(() => this.#showAll()));
  }

  /** The picture to draw: that of both charts while changes are shown. */
  get #wanted(): { dot: string; graph: Graph } {
    const changes = layersOf(this.#context).changes.value;
    if (changes && changes.graph.nodes.length > 0) return changes;
    return this.#traits ?? { dot: "", graph: { nodes: [], edges: [] } };
  }

  /** Draw the structure anew, or say what there is to say instead. */
  #redraw(): void {
    const traits = this.#traits;
    if (!traits) return;
    const { dot, graph } = this.#wanted;
    if (graph.nodes.length === 0 || !dot) {
      this.#picture = null;
      this.#showEmpty();
    } else if (this.#graphviz) this.#draw(this.#graphviz, dot, graph);
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

  #draw(graphviz: Graphviz, dot: string, graph: Graph): void {
    const { own, most } = this.#room();
    if (own === 0) return;
    this.#drawnWidth = own;
    try {
      const geometry = this.#layouter.layout(graphviz, dot, graph, most);
      this.#graph = graph;
      this.#targets = targetsOf(graph);
      this.#show(new Picture(geometry, graph, graph.nodes.length > CROWD));
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

  #show(picture: Picture): void {
    this.#picture = picture;
    setAttribute(this.el, "data-wide", picture.geometry.width + 32 > this.#room().least);
    const states = this.#graph.nodes.length;
    this.#tags = new Tags(picture);
    this.#running = new RunningMarks(picture);
    const height = placeHeight(picture.geometry, this.el.clientWidth, states);
    this.el.style.height = `${height}px`;
    setAttribute(this.el, "data-view", "picture");
    setAttribute(this.el, "data-crowded", states > CROWD);
    const name = this.#traits?.component ?? "";
    setAttribute(this.#canvas, "aria-label", `States of ${name}`);
    this.#canvas.replaceChildren(picture.el);
    this.#drawnWidth = this.el.clientWidth;
    this.#tip.hide();
    this.el.replaceChildren(this.#canvas, this.#panZoom.controls, this.#tip.el, this.#problem);
    picture.measure();
    this.#showAll();
    this.#panZoom.attach(picture.el, {
      place: this.el,
      picture: picture.geometry,
      states,
      focus: () => this.#activeBox(),
      near: () => this.#nearBox(),
    });
  }

  /** Put everything that lies over the structure where it belongs. */
  #showAll(): void {
    const [picture, traits] = [this.#picture, this.#traits];
    if (!picture || !traits) return;
    const past = this.#context.session.lookingAt.value;
    setAttribute(this.el, "data-past", past !== null);
    picture.showPastEdge(past?.edge ?? null);
    picture.flagLive(past ? traits.active : []);
    const changes = layersOf(this.#context).changes.value;
    picture.showChanges(changes ?? { states: {}, edges: {} });
    this.#showActive();
    this.#showEdges();
    this.#showRunning();
    this.#showCoverage();
  }

  /** The states that are shown as active: those of the step that is looked at. */
  get #states(): { active: string[]; parents: string[] } {
    const past = this.#context.session.lookingAt.value;
    return past ?? this.#traits ?? { active: [], parents: [] };
  }

  #showActive(): void {
    const { active, parents } = this.#states;
    this.#picture?.showActive(active, parents);
    this.#nameStates();
    const box = this.#activeBox();
    if (box && this.el.hasAttribute("data-pans")) this.#panZoom.show(box);
  }

  #showEdges(): void {
    const traits = this.#traits;
    if (!traits) return;
    const here = new Set([...traits.active, ...traits.parents]);
    const changes = layersOf(this.#context).changes.value?.edges ?? {};
    this.#picture?.showEdges({ edges: traits.edges, here, reason: this.#reason, changes });
  }

  /** Why nothing can be sent from the graph, "" when it can. */
  get #reason(): string {
    const past = this.#context.session.lookingAt.value;
    if (this.#traits?.closed) return this.#traits.closed;
    return past ? `Step ${past.at} is looked at. Go back to live to send.` : "";
  }

  #showRunning(): void {
    const traits = this.#traits;
    const isPast = this.#context.session.lookingAt.value !== null;
    const running = !traits || traits.closed || isPast ? [] : traits.running;
    this.#running?.show(running, Date.now());
    this.#ticker.follow(running);
  }

  #showCoverage(): void {
    const layers = layersOf(this.#context);
    const coverage = this.#traits?.coverage;
    const isShown = layers.coverage.value && coverage !== undefined;
    setAttribute(this.el, "data-layer", isShown ? "coverage" : null);
    this.#picture?.showCoverage(isShown ? coverage : null);
  }

  /** Follow a step: attributes only. */
  #light(changed: ReadonlySet<TraitName>): void {
    const [picture, traits] = [this.#picture, this.#traits];
    if (!picture || !traits) return;
    const isPast = this.#context.session.lookingAt.value !== null;
    const isMoved = changed.has("active") || changed.has("parents");
    if (isMoved && isPast) picture.flagLive(traits.active);
    if (isMoved && !isPast) this.#showActive();
    if (changed.has("edges") || changed.has("active") || changed.has("closed")) {
      this.#showEdges();
    }
    if (changed.has("running") || changed.has("closed")) this.#showRunning();
    if (changed.has("coverage") && layersOf(this.#context).coverage.value) this.#showCoverage();
    if (isPast) return;
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
    return this.#boxAround(this.#states.active);
  }

  /** The box around the active states and those two steps around them. */
  #nearBox(): Box | null {
    return this.#boxAround([...statesAround(this.#graph, this.#states.active, 2)]);
  }

  #boxAround(paths: readonly string[]): Box | null {
    return boxAround(paths.flatMap((path) => this.#picture?.nodes.get(path)?.box ?? []));
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
    setAttribute(this.el, "data-tiny", scale < READABLE);
    this.#tags?.scaled(scale < READABLE ? scale : 1);
    this.#nameStates();
  }

  /** Write names over the states where the picture's own are too small to read. */
  #nameStates(): void {
    const isReadable = this.#panZoom.at.scale >= READABLE;
    const { active, parents } = this.#states;
    const named = isReadable ? new Set<string>() : namedStates(active, parents, this.#targets);
    this.#tags?.show(named, new Set(active));
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
    if (event.key === "Escape") this.#tip.hide();
    const edge = edgeOf(event.target);
    if (!edge || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#goAlong(edge, event.key)) return event.preventDefault();
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (event.repeat || !edge.hasAttribute("data-enabled")) return;
    this.#context.session.send(edge.getAttribute("data-message") ?? "");
  }

  /** Arrows lead from edge to edge in document order, also to those far away. */
  #goAlong(edge: Element, key: string): boolean {
    const picture = this.#picture;
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    if (key === "+" || key === "-" || key === "0") return this.#panZoom.press(key);
    if (!picture || by === undefined) return false;
    const edges = this.#graph.edges
      .flatMap(({ id }) => picture.edges.get(id)?.el ?? [])
      .filter((el) => el.hasAttribute("data-edge"));
    const at = edges.findIndex((el) => el === edge);
    edges[(at + by + edges.length) % edges.length]?.focus();
    return true;
  }

  /** Bring a focused edge into sight and show why it cannot be taken. */
  #onFocus(event: FocusEvent): void {
    const el = edgeOf(event.target);
    const parts = el ? this.#picture?.edges.get(el.getAttribute("data-edge") ?? "") : undefined;
    if (!el || !parts || !el.matches(":focus-visible")) return;
    const at = parts.labelAt;
    if (at) this.#panZoom.show({ x: at.x - 20, y: at.y - 10, width: 40, height: 20 });
    this.#explain(el);
  }

  #onPoint(event: PointerEvent): void {
    if (this.#tip.el.contains(event.target as Node)) return;
    const el = edgeOf(event.target);
    if (el) this.#explain(el);
    else this.#tip.leave();
  }

  /** Say beside an edge why it cannot be taken, when it will be, or what it does. */
  #explain(el: Element): void {
    const [parts, traits] = [this.#picture?.edges.get(el.getAttribute("data-edge") ?? ""), this.#traits];
    if (!parts || !traits) return;
    const { edge } = parts;
    const timer = traits.running.find(
      ({ kind, path, name }) =>
        edge.trigger === "after" && kind === "timer" && path === edge.source && name === edge.message,
    );
    this.#tip.show(el, {
      edge,
      status: this.#reason ? undefined : traits.edges[edge.id],
      reason: el.getAttribute("title") ?? describe(edge),
      timer: this.#reason ? undefined : timer,
    });
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
