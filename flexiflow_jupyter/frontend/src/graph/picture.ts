/**
 * The picture of a chart: nodes and edges as SVG, drawn once for each layout. A step
 * changes attributes of what stands there and nothing else.
 */
import { setAttribute, svg } from "../dom";
import type {
  ChangesInfo,
  CoverageInfo,
  EdgeStatus,
  Graph,
  GraphEdge,
  Mark,
} from "../protocol";
import { cut } from "../format";
import type { Box, EdgeShape, Geometry, Point } from "./geometry";
import { headPaths, linePath } from "./geometry";
import { placeLabels } from "./labels";
import type { NodeParts } from "./states";
import { cutName, drawStates } from "./states";
import { countText } from "./coverage";
import { describe, isLoop, isMessage } from "./words";

export type { NodeParts } from "./states";

const LABEL_HEIGHT = 20;
const EDGE_HOOKS = ["data-edge", "data-message", "data-from", "tabindex", "title"];
/** How edges are shown of which the kernel says nothing: most of a crowd. */
const FAR = "far";
/** Longer labels are cut on the picture. */
const LONGEST_LABEL = 28;

export interface EdgeParts {
  readonly edge: GraphEdge;
  readonly shape: EdgeShape;
  readonly el: SVGGElement;
  readonly pill: SVGRectElement | null;
  /** Shown around the pill while the edge has the focus. */
  readonly ring: SVGRectElement | null;
  readonly text: SVGTextElement | null;
  /** Middle of the label, or of the line. */
  labelAt: Point | null;
  /** The paths of the boxes in which the label stands. */
  within: readonly string[];
  /** The width of the label, and the count written after it. */
  width: number;
  count: SVGTSpanElement | null;
  /** How it was shown last, so that what stays the same costs nothing. */
  shown: string;
}

/** What decides how edges are shown. */
export interface EdgeLook {
  edges: Record<string, EdgeStatus>;
  /** The active states and those around them. */
  here: ReadonlySet<string>;
  /** Why nothing can be sent at all, "" when it can. */
  reason: string;
  /** The edges that a new definition has changed. */
  changes: Record<string, Mark>;
}

export class Picture {
  readonly el = svg("g", { class: "ff-world" });
  readonly geometry: Geometry;
  readonly nodes = new Map<string, NodeParts>();
  readonly edges = new Map<string, EdgeParts>();
  readonly #trail = svg("path", { class: "ff-trail" });
  #active: ReadonlySet<string> = new Set();
  #parents: ReadonlySet<string> = new Set();
  #flags: SVGGElement[] = [];
  #fading: Animation | null = null;

  constructor(geometry: Geometry, graph: Graph, isCrowded: boolean) {
    this.geometry = geometry;
    const boxes = svg("g", {});
    const lines = svg("g", {});
    const states = svg("g", {});
    for (const parts of drawStates(geometry, graph)) {
      this.nodes.set(parts.node.path, parts);
      (parts.isBox ? boxes : states).append(parts.el);
    }
    for (const dot of geometry.dots) {
      lines.append(svg("circle", { class: "ff-initial", cx: dot.at.x, cy: dot.at.y, r: 5 }));
    }
    for (const shape of geometry.entries) lines.append(drawEntry(shape));
    for (const edge of widestLoopsFirst(graph.edges, geometry)) {
      const shape = geometry.edges.get(edge.id);
      if (!shape) continue;
      const parts = drawEdge(edge, shape, isCrowded);
      this.edges.set(edge.id, parts);
      lines.append(parts.el);
    }
    this.el.append(boxes, this.#trail, lines, states);
  }

  /** Put labels on their lines and cut names to their boxes; needs the page's fonts. */
  measure(): void {
    const labelled = [...this.edges.values()].filter(({ text }) => text !== null);
    // All texts are measured before anything is moved: one layout of the page.
    const widths = labelled.map(({ text, edge }) => labelWidth(text, edge));
    const requests = labelled.map(({ edge, shape }, index) => ({
      id: edge.id,
      points: shape.points,
      tip: shape.tip,
      wish: shape.label ?? { x: 0, y: 0 },
      beside: shape.beside,
      width: widths[index] ?? 0,
      height: LABEL_HEIGHT,
    }));
    const places = placeLabels(requests, [...this.geometry.nodes.values(), ...this.#titles()]);
    labelled.forEach((parts, index) => {
      const at = places.get(parts.edge.id);
      if (at) placeLabel(parts, at, widths[index] ?? 0);
    });
    for (const parts of this.nodes.values()) cutName(parts);
    for (const parts of this.edges.values()) parts.within = this.#boxesAround(parts.labelAt);
  }

  /** Where the names of boxes and histories stand; no label is to cover them. */
  #titles(): Box[] {
    return [...this.nodes.values()].flatMap(({ node, box, isBox }) => {
      const width = Math.min(box.width, node.label.length * 7 + 16);
      if (isBox) return [{ x: box.x + 4, y: box.y, width, height: 24 }, ...sides(box)];
      if (node.kind !== "history") return [];
      const middle = box.x + box.width / 2;
      return { x: middle - width / 2, y: box.y + box.height, width, height: 16 };
    });
  }

  /** The paths of the boxes around a point. */
  #boxesAround(at: Point | null): string[] {
    return [...this.nodes.values()].flatMap(({ node, box, isBox }) =>
      at &&
      isBox &&
      at.x > box.x &&
      at.x < box.x + box.width &&
      at.y > box.y &&
      at.y < box.y + box.height
        ? node.path
        : [],
    );
  }

  /** Where the labels stand, as boxes. */
  labelBoxes(): Box[] {
    return [...this.edges.values()].flatMap(({ labelAt, text }) =>
      labelAt && text ? [{ x: labelAt.x - 24, y: labelAt.y - 10, width: 48, height: 20 }] : [],
    );
  }

  /** Light the active states and their parents; only what differs is touched. */
  showActive(active: readonly string[], parents: readonly string[]): void {
    this.#active = this.#mark(this.#active, active, "aria-current", "true");
    const before = this.#parents;
    this.#parents = this.#mark(before, parents, "data-active", "");
    if (this.#parents === before) return;
    for (const { el, within } of this.edges.values()) {
      setAttribute(el, "data-tinted", within.some((path) => this.#parents.has(path)));
    }
  }

  /** Put an attribute on these states and no others. */
  #mark(
    before: ReadonlySet<string>,
    paths: readonly string[],
    name: string,
    value: string,
  ): ReadonlySet<string> {
    const now = new Set(paths);
    if (now.size === before.size && paths.every((path) => before.has(path))) return before;
    for (const path of before) {
      if (!now.has(path)) this.nodes.get(path)?.el.removeAttribute(name);
    }
    for (const path of now) this.nodes.get(path)?.el.setAttribute(name, value);
    return now;
  }

  /** Flag the states in which the machine is while another step is looked at. */
  flagLive(paths: readonly string[]): void {
    for (const el of this.#flags) el.remove();
    this.#flags = [];
    for (const [path, { el, box }] of this.nodes) {
      const isLive = paths.includes(path);
      setAttribute(el, "data-live-now", isLive);
      if (!isLive) continue;
      const flag = drawFlag(box);
      this.#flags.push(flag);
      this.el.append(flag);
    }
  }

  /** Make the edges that can be sent look and act like buttons; the others say why. */
  showEdges(look: EdgeLook): void {
    for (const parts of this.edges.values()) {
      const { el, edge } = parts;
      if (!isMessage(edge)) continue;
      const status = look.edges[edge.id];
      const isNear = look.here.has(edge.source);
      if (look.changes[edge.id] === "removed") continue;
      const isFar = !status && !isNear && !look.reason;
      if (isFar && parts.shown === FAR) continue;
      const isEnabled = !look.reason && (status?.enabled ?? false);
      const reason = isEnabled ? "" : look.reason || status?.reason || farReason(edge);
      const isBlocked = isNear && !isEnabled && !look.reason;
      const key = isFar ? FAR : `${isEnabled} ${isNear} ${isBlocked} ${reason}`;
      if (key === parts.shown) continue;
      parts.shown = key;
      setAttribute(el, "data-enabled", isEnabled);
      setAttribute(el, "aria-disabled", isEnabled ? null : "true");
      setAttribute(el, "data-blocked", isBlocked);
      setAttribute(el, "tabindex", isEnabled || isNear ? 0 : -1);
      setAttribute(el, "title", reason || null);
      setAttribute(el, "aria-description", reason || null);
    }
  }

  /** Show how often each edge was taken and which states were visited; null: nothing. */
  showCoverage(coverage: CoverageInfo | null): void {
    for (const [path, { el }] of this.nodes) {
      const count = coverage?.states[path];
      setAttribute(el, "data-visited", (count ?? 0) > 0);
      setAttribute(el, "data-unvisited", count === 0);
      if (el.hasAttribute("data-gone")) continue;
      const visits = count === undefined ? "" : count > 0 ? ", visited" : ", not visited yet";
      setAttribute(el, "aria-label", `${path}${visits}`);
    }
    for (const parts of this.edges.values()) {
      const count = coverage?.edges[parts.edge.id];
      setAttribute(parts.el, "data-visited", (count ?? 0) > 0);
      setAttribute(parts.el, "data-unvisited", count === 0);
      showCount(parts, count);
    }
  }

  /** Mark what a new definition has changed. */
  showChanges({ states, edges }: Pick<ChangesInfo, "states" | "edges">): void {
    for (const [path, { el }] of this.nodes) {
      setAttribute(el, "data-change", states[path]);
      if (states[path] === "removed") bury(el, ["data-state"], path);
    }
    for (const [id, { el, edge }] of this.edges) {
      setAttribute(el, "data-change", edges[id]);
      if (edges[id] === "removed") bury(el, EDGE_HOOKS, describe(edge));
    }
  }

  /** Mark the edge that led to the step that is looked at. */
  showPastEdge(id: string | null): void {
    for (const [own, { el }] of this.edges) setAttribute(el, "data-past", own === id);
  }

  /** Draw the trail of the edge just taken; it fades by itself. */
  flash(id: string): void {
    const shape = this.edges.get(id)?.shape;
    if (!shape) return;
    this.#trail.setAttribute("d", linePath(shape.points));
    // Asking the element for its animations would have the page compute all styles.
    this.#fading?.cancel();
    const frames = [{ strokeOpacity: 0.45 }, { strokeOpacity: 0 }];
    this.#fading = this.#trail.animate(frames, { duration: 300, easing: "ease-out" });
  }
}

/** Arches over others come first, for what comes later lies above and takes the click. */
function widestLoopsFirst(edges: readonly GraphEdge[], geometry: Geometry): GraphEdge[] {
  const size = (edge: GraphEdge): number => {
    const xs = geometry.edges.get(edge.id)?.points.map(({ x }) => x) ?? [0];
    const ys = geometry.edges.get(edge.id)?.points.map(({ y }) => y) ?? [0];
    return (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
  };
  const loops = edges.filter(isLoop).sort((a, b) => size(b) - size(a));
  return [...loops, ...edges.filter((edge) => !isLoop(edge))];
}

function drawEntry(shape: EdgeShape): SVGGElement {
  const el = svg("g", { class: "ff-entry" }, svg("path", { d: linePath(shape.points) }));
  const end = shape.points.at(-1);
  if (shape.tip && end) {
    el.append(svg("path", { class: "ff-full", d: headPaths(end, shape.tip).full }));
  }
  return el;
}

function drawEdge(edge: GraphEdge, shape: EdgeShape, isCrowded: boolean): EdgeParts {
  const line = linePath(shape.points);
  const el = svg(
    "g",
    {
      class: "ff-edge",
      "data-edge": edge.id,
      "data-message": edge.message,
      "data-from": edge.source,
      "data-loop": isLoop(edge),
      "data-trigger": isMessage(edge) ? null : edge.trigger,
      role: isMessage(edge) ? "button" : "img",
      tabindex: -1,
      "aria-label": describe(edge),
    },
    svg("path", { class: "ff-hit", d: line }),
    svg("path", { class: "ff-line", d: line }),
  );
  const end = shape.points.at(-1);
  if (shape.tip && end) {
    const heads = headPaths(end, shape.tip);
    el.append(
      svg("path", { class: "ff-full", d: heads.full }),
      svg("path", { class: "ff-open", d: heads.open }),
    );
  }
  const at = isCrowded ? null : shape.label;
  const pill = at ? svg("rect", { class: "ff-pill", rx: 10 }) : null;
  const ring = at ? svg("rect", { class: "ff-ring", rx: 13 }) : null;
  const text = at ? svg("text", { x: at.x, y: at.y + 4 }, cut(edge.message, LONGEST_LABEL)) : null;
  if (ring && pill && text) el.append(ring, pill, text, drawBan());
  const labelAt = shape.label ?? shape.points[0] ?? null;
  return { edge, shape, el, pill, ring, text, labelAt, within: [], width: 0, count: null, shown: "" };
}

/** The sign before the label of an edge whose guard is false now. */
function drawBan(): SVGGElement {
  const sign = "M5,0A5,5 0 1 1 -5,0A5,5 0 1 1 5,0M-3.5,-3.5L3.5,3.5";
  return svg("g", { class: "ff-ban" }, svg("circle", { r: 8 }), svg("path", { d: sign }));
}

/** The sides of a box as thin boxes; a label is not to interrupt them. */
function sides({ x, y, width, height }: Box): Box[] {
  return [
    { x: x - 1, y, width: 2, height },
    { x: x + width - 1, y, width: 2, height },
    { x, y: y - 1, width, height: 2 },
    { x, y: y + height - 1, width, height: 2 },
  ];
}

/** Width of a pill: the text, a little more for bold, and its padding. */
function labelWidth(text: SVGTextElement | null, edge: GraphEdge): number {
  const measured = text?.getComputedTextLength() || edge.message.length * 6.6;
  return Math.max(24, measured * 1.07 + 16);
}

function placeLabel(parts: EdgeParts, at: Point, width: number): void {
  const { pill, ring, text } = parts;
  parts.labelAt = at;
  parts.width = width;
  if (!pill || !ring || !text) return;
  setAttribute(text, "x", at.x);
  setAttribute(text, "y", at.y + 4);
  surround(pill, at, width, LABEL_HEIGHT);
  surround(ring, at, width + 6, LABEL_HEIGHT + 6);
  const ban = parts.el.querySelector(".ff-ban");
  ban?.setAttribute("transform", `translate(${at.x - width / 2 - 2},${at.y}) scale(0.9)`);
}

/** Write a count after a label, and make room for it in the pill; undefined: none. */
function showCount(parts: EdgeParts, count: number | undefined): void {
  const { text, pill, ring, labelAt } = parts;
  if (!text || !pill || !ring || !labelAt) return;
  const wanted = count === undefined ? "" : ` ${countText(count)}`;
  if ((parts.count?.textContent ?? "") === wanted) return;
  if (!parts.count) {
    parts.count = svg("tspan", { class: "ff-times" });
    text.append(parts.count);
  }
  parts.count.textContent = wanted;
  setAttribute(parts.el, "aria-label", nameWithCount(parts.edge, wanted));
  const width = parts.width + wanted.length * 6.2;
  surround(pill, labelAt, width, LABEL_HEIGHT);
  surround(ring, labelAt, width + 6, LABEL_HEIGHT + 6);
}

/** What is read of an edge begins with what is seen: "coin ×3: locked to unlocked". */
function nameWithCount(edge: GraphEdge, count: string): string {
  const name = describe(edge);
  if (!name.startsWith(edge.message)) return name;
  return `${edge.message}${count}${name.slice(edge.message.length)}`;
}

/** What is gone is drawn, yet it is no state or edge of the chart any more. */
function bury(el: Element, hooks: readonly string[], name: string): void {
  for (const hook of hooks) el.removeAttribute(hook);
  el.setAttribute("data-gone", "");
  el.setAttribute("role", "img");
  el.setAttribute("aria-label", `Removed: ${name}`);
}

/** Why an edge far from the active states cannot be taken; crowds say no more. */
function farReason(edge: GraphEdge): string {
  return `This edge leaves ${edge.source}, which is not active now.`;
}

/** The flag over a state that is active while an earlier step is looked at. */
function drawFlag(box: Box): SVGGElement {
  // On the border, beside the middle: there it covers neither the name nor an arrow.
  const at = { x: box.x + 20, y: box.y - 3 };
  return svg(
    "g",
    { class: "ff-flag", transform: `translate(${at.x},${at.y})`, "aria-hidden": "true" },
    svg("rect", { x: -28, y: -9, width: 56, height: 18, rx: 4 }),
    svg("text", { y: 4 }, "live now"),
  );
}

function surround(rect: SVGRectElement, at: Point, width: number, height: number): void {
  setAttribute(rect, "x", at.x - width / 2);
  setAttribute(rect, "y", at.y - height / 2);
  setAttribute(rect, "width", width);
  setAttribute(rect, "height", height);
}
