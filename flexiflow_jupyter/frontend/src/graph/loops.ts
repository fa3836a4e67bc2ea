/**
 * Several transitions that stay in one state: arches over each other, each wide enough
 * to go around the label below it. A single loop stays as Graphviz drew it, if it did;
 * it draws none of states with others in them. Pure.
 */
import type { GraphEdge } from "../protocol";
import type { Box, EdgeShape, Geometry, Point } from "./geometry";

const LABEL_HEIGHT = 20;
const GAP = 8;
/** Half the width of the lowest arch, and how far it reaches out. */
const FIRST_HALF = 16;
const FIRST_REACH = 34;
const HEAD = 10;

type Side = "top" | "right" | "bottom" | "left";

interface Loop {
  shape: EdgeShape;
  labelWidth: number;
}

/** Redraw the loops of states that have two or more, and those not drawn yet. */
export function drawLoops(
  geometry: Geometry,
  edges: readonly GraphEdge[],
  boxes: ReadonlyMap<string, Box>,
  labelWidths: ReadonlyMap<string, number>,
): void {
  const loops = new Map<string, Loop[]>();
  for (const { id, source, target } of edges) {
    const shape = geometry.edges.get(id);
    if (!shape?.beside || (target !== null && target !== source)) continue;
    const labelWidth = labelWidths.get(id) ?? 40;
    loops.set(source, [...(loops.get(source) ?? []), { shape, labelWidth }]);
  }
  for (const [path, own] of loops) {
    const box = boxes.get(path);
    const beside = own[0]?.shape.beside;
    const isDrawn = own.every(({ shape }) => shape.points.length > 0);
    if (box && beside && (own.length > 1 || !isDrawn)) stack(own, box, sideOf(beside, box));
  }
}

/** The side of a box on which Graphviz has made room. */
function sideOf(label: Point, box: Box): Side {
  if (label.y < box.y) return "top";
  if (label.y > box.y + box.height) return "bottom";
  return label.x < box.x ? "left" : "right";
}

function stack(loops: readonly Loop[], box: Box, side: Side): void {
  const isUpright = side === "top" || side === "bottom";
  const across = (loop: Loop): number => (isUpright ? loop.labelWidth : LABEL_HEIGHT) / 2;
  const outward = (loop: Loop): number => (isUpright ? LABEL_HEIGHT : loop.labelWidth) / 2;
  const room = (isUpright ? box.width : box.height) / 2 - 6;
  let half = isUpright ? FIRST_HALF : room / 2;
  let reach = 0;
  loops.forEach((loop, index) => {
    const below = loops[index - 1];
    if (below) {
      half = Math.max(half + GAP, across(below) + GAP);
      reach += outward(below) + outward(loop) + GAP;
    } else reach = Math.max(FIRST_REACH, outward(loop) + 14);
    arch(loop.shape, { half, foot: Math.min(half, room), reach, at: placer(box, side) });
  });
}

/** Coordinates on a side: along it from its middle, and outward from it. */
function placer(box: Box, side: Side): (along: number, out: number) => Point {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  switch (side) {
    case "top":
      return (along, out) => ({ x: x + along, y: box.y - out });
    case "bottom":
      return (along, out) => ({ x: x + along, y: box.y + box.height + out });
    case "right":
      return (along, out) => ({ x: box.x + box.width + out, y: y + along });
    case "left":
      return (along, out) => ({ x: box.x - out, y: y + along });
  }
}

interface Arch {
  half: number;
  foot: number;
  reach: number;
  at: (along: number, out: number) => Point;
}

/** Up from one foot, around, and down to the other, where the head is. */
function arch(shape: EdgeShape, { half, foot, reach, at }: Arch): void {
  const shoulder = reach * 0.6;
  const crown = (reach - shoulder) * 0.55;
  shape.points = [
    at(-foot, 0),
    at(-foot, reach * 0.25),
    at(-half, shoulder - reach * 0.2),
    at(-half, shoulder),
    at(-half, shoulder + crown),
    at(-half * 0.55, reach),
    at(0, reach),
    at(half * 0.55, reach),
    at(half, shoulder + crown),
    at(half, shoulder),
    at(half, shoulder - reach * 0.2),
    at(foot, Math.max(HEAD + 4, reach * 0.25)),
    at(foot, HEAD),
  ];
  shape.tip = at(foot, 0);
  shape.label = at(0, reach);
  shape.beside = null;
}
