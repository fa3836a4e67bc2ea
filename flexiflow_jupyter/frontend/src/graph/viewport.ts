/** How a picture is fitted into its place, panned and zoomed. Pure. */
import type { Box, Point } from "./geometry";

export const MIN_HEIGHT = 160;
export const MAX_HEIGHT = 420;
/** The height at which a panel with up to six states fits in 560 px. */
export const FLAT_HEIGHT = 276;
/** Below this scale a name of 13 px is smaller than 9 px. */
export const READABLE = 9 / 13;
/** More states than this, and only those that matter are named. */
export const CROWD = 40;
const PAD = 16;
const MOST = 4;

export interface Size {
  width: number;
  height: number;
}

export interface Transform {
  x: number;
  y: number;
  scale: number;
}

/** The scale at which the picture fits, at most 1. */
export function fitScale(picture: Size, place: Size): number {
  const across = (place.width - 2 * PAD) / Math.max(1, picture.width);
  const down = (place.height - 2 * PAD) / Math.max(1, picture.height);
  return Math.max(0.02, Math.min(1, across, down));
}

/** The height a picture gets at a width, with `states` states. */
export function placeHeight(picture: Size, width: number, states: number): number {
  const most = states <= 6 ? FLAT_HEIGHT : MAX_HEIGHT;
  const scale = Math.max(fitScale(picture, { width, height: most }), minScale(states));
  const wanted = picture.height * Math.min(scale, 1) + 2 * PAD + 40;
  return Math.round(Math.min(most, Math.max(MIN_HEIGHT, wanted)));
}

/** A picture with names is not shown smaller than it can be read; it pans. */
export function minScale(states: number): number {
  return states > CROWD ? 0.02 : READABLE;
}

/** The whole picture in the middle of its place, or as much as can be read. */
export function fit(picture: Size, place: Size, states: number, focus: Box | null): Transform {
  const scale = Math.max(fitScale(picture, place), minScale(states));
  const middle = {
    x: (place.width - picture.width * scale) / 2,
    y: (place.height - picture.height * scale) / 2,
    scale,
  };
  const fits = middle.x >= 0 && middle.y >= 0;
  return fits || !focus ? middle : hold(centre(focus, place, scale), picture, place);
}

/** The box around boxes, null around none. */
export function boxAround(boxes: readonly Box[]): Box | null {
  if (boxes.length === 0) return null;
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + box.width));
  const bottom = Math.max(...boxes.map((box) => box.y + box.height));
  return { x, y, width: right - x, height: bottom - y };
}

/** The transform that shows a box in the middle of the place. */
export function centre(box: Box, place: Size, scale: number): Transform {
  return {
    x: place.width / 2 - (box.x + box.width / 2) * scale,
    y: place.height / 2 - (box.y + box.height / 2) * scale,
    scale,
  };
}

/** Zoom by a factor about a point of the place. */
export function zoom(from: Transform, factor: number, about: Point, least: number): Transform {
  const scale = Math.min(MOST, Math.max(Math.min(least, 1) * 0.5, from.scale * factor));
  const ratio = scale / from.scale;
  return {
    x: about.x - (about.x - from.x) * ratio,
    y: about.y - (about.y - from.y) * ratio,
    scale,
  };
}

/** Keep some of the picture in its place; a small one stays in the middle. */
export function hold(at: Transform, picture: Size, place: Size): Transform {
  return {
    x: within(at.x, picture.width * at.scale, place.width),
    y: within(at.y, picture.height * at.scale, place.height),
    scale: at.scale,
  };
}

function within(offset: number, length: number, room: number): number {
  if (length + 2 * PAD <= room) return (room - length) / 2;
  return Math.min(PAD, Math.max(room - length - PAD, offset));
}

/** Pan as little as needed so that a box is seen. */
export function reveal(at: Transform, box: Box, place: Size): Transform {
  const shift = (start: number, length: number, room: number): number => {
    if (start < PAD) return PAD - start;
    const over = start + length - (room - PAD);
    return over > 0 ? Math.max(-over, PAD - start) : 0;
  };
  const x = shift(at.x + box.x * at.scale, box.width * at.scale, place.width);
  const y = shift(at.y + box.y * at.scale, box.height * at.scale, place.height);
  return { x: at.x + x, y: at.y + y, scale: at.scale };
}

/** The scale at which a picture would be shown at a width, as high as it may be. */
export function wishedScale(picture: Size, width: number, states: number): number {
  return fitScale(picture, { width, height: states <= 6 ? FLAT_HEIGHT : MAX_HEIGHT });
}

export type Corner = "bottom-right" | "bottom-left" | "top-right" | "top-left" | "none";

/** Room of the zoom group with its distance from the borders. */
const CONTROLS: Size = { width: 116, height: 42 };

/** The first corner of the place where the zoom group covers nothing. */
export function freeCorner(at: Transform, things: readonly Box[], place: Size): Corner {
  const right = place.width - CONTROLS.width;
  const bottom = place.height - CONTROLS.height;
  const corners: [Corner, number, number][] = [
    ["bottom-right", right, bottom],
    ["bottom-left", 0, bottom],
    ["top-right", right, 0],
    ["top-left", 0, 0],
  ];
  for (const [name, x, y] of corners) {
    const covers = things.some((thing) => {
      const left = at.x + thing.x * at.scale;
      const top = at.y + thing.y * at.scale;
      return (
        left < x + CONTROLS.width &&
        left + thing.width * at.scale > x &&
        top < y + CONTROLS.height &&
        top + thing.height * at.scale > y
      );
    });
    if (!covers) return name;
  }
  return "none";
}
