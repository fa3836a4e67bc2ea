/** The shapes of states: leaves, boxes with states in them, histories. */
import { svg } from "../dom";
import type { Graph, GraphNode } from "../protocol";
import type { Divider } from "./boxes";
import { dividers, regionsOf } from "./boxes";
import type { Box, Geometry } from "./geometry";

const HALO = 4;
const HISTORY_RADIUS = 14;

export interface NodeParts {
  readonly node: GraphNode;
  readonly box: Box;
  readonly el: SVGGElement;
  readonly text: SVGTextElement;
  /** Whether states stand in it. */
  readonly isBox: boolean;
}

interface BoxLook {
  /** Whether it has no border of its own, for lines part it from its neighbours. */
  isRegion: boolean;
  lines: readonly Divider[];
}

/** All states that have a place, outer ones first. */
export function drawStates(geometry: Geometry, graph: Graph): NodeParts[] {
  const divided = new Set<string | null>();
  const drawn: NodeParts[] = [];
  for (const node of graph.nodes) {
    const cluster = geometry.clusters.get(node.id);
    const box = cluster ?? geometry.nodes.get(node.id);
    if (!box) continue;
    const lines = cluster ? linesIn(node, box, geometry, graph) : null;
    if (lines) divided.add(node.path);
    const look = { isRegion: divided.has(node.parent), lines: lines ?? [] };
    drawn.push(cluster ? drawBox(node, box, look) : drawNode(node, box));
  }
  return drawn;
}

/** The lines between the regions of a state, null when it has none that lines part. */
function linesIn(node: GraphNode, box: Box, geometry: Geometry, graph: Graph): Divider[] | null {
  const boxes = regionsOf(node, graph).map(
    ({ id }) => geometry.clusters.get(id) ?? geometry.nodes.get(id),
  );
  if (boxes.length === 0 || boxes.includes(undefined)) return null;
  return dividers(box, boxes as Box[]);
}

/** A state without states in it. */
function drawNode(node: GraphNode, box: Box): NodeParts {
  if (node.kind === "history") return drawHistory(node, box);
  const { x, y, width, height } = box;
  const halo = { x: x - HALO, y: y - HALO, width: width + 2 * HALO, height: height + 2 * HALO };
  const el = stateGroup(node, "ff-node");
  el.append(
    svg("rect", { class: "ff-halo", ...halo, rx: 12 }),
    svg("rect", { class: "ff-body", x, y, width, height, rx: 8 }),
  );
  if (node.kind === "final") {
    const inner = { x: x + 3, y: y + 3, width: width - 6, height: height - 6 };
    el.append(svg("rect", { class: "ff-inner", ...inner, rx: 5 }));
  }
  const at = { x: x + width / 2, y: y + height / 2 + 4.5 };
  const text = svg("text", at, node.label);
  el.append(text);
  return { node, box, el, text, isBox: false };
}

/** A circle with H, or H* when it remembers states within states; its name below. */
function drawHistory(node: GraphNode, box: Box): NodeParts {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const el = stateGroup(node, "ff-history");
  const text = svg("text", { x, y: y + 4.5 }, node.deep ? "H*" : "H");
  el.append(
    svg("circle", { class: "ff-body", cx: x, cy: y, r: HISTORY_RADIUS }),
    text,
    svg("text", { class: "ff-under", x, y: y + HISTORY_RADIUS + 14 }, node.label),
  );
  return { node, box, el, text, isBox: false };
}

/** A state with states in it, and the lines between its regions. */
function drawBox(node: GraphNode, box: Box, { isRegion, lines }: BoxLook): NodeParts {
  const { x, y, width, height } = box;
  const el = stateGroup(node, isRegion ? "ff-region" : "ff-cluster");
  const at = isRegion ? { x: x + 4, y: y + 16 } : { x: x + 12, y: y + 19 };
  const text = svg("text", at, node.label);
  el.append(svg("rect", { class: "ff-body", x, y, width, height, rx: isRegion ? 8 : 12 }));
  for (const [from, to] of lines) {
    el.append(svg("path", { class: "ff-divider", d: `M${from.x},${from.y}L${to.x},${to.y}` }));
  }
  el.append(text);
  return { node, box, el, text, isBox: true };
}

function stateGroup(node: GraphNode, className: string): SVGGElement {
  const el = svg("g", {
    class: className,
    "data-state": node.path,
    "data-kind": node.kind,
    role: "img",
    "aria-label": node.path,
  });
  const about = node.description ? `${node.path}: ${node.description}` : node.path;
  el.append(svg("title", {}, about));
  return el;
}

/** Cut a name that does not fit, with an ellipsis; the title has it whole. */
export function cutName({ node, box, text }: NodeParts): void {
  if (node.kind === "history") return;
  const room = box.width - 12;
  if (text.getComputedTextLength() <= room) return;
  const points = [...node.label];
  let keep = points.length;
  while (keep > 1 && text.getComputedTextLength() > room) {
    keep = Math.min(keep - 1, Math.floor((keep * room) / text.getComputedTextLength()));
    text.textContent = `${points.slice(0, Math.max(1, keep)).join("")}\u2026`;
  }
}
