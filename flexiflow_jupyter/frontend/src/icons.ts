/** The icons: 16 px box, 1.5 px stroke, round ends, `currentColor`. */
import { svg } from "./dom";

const PATHS = {
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  near: "M8 2v2.5M8 11.5V14M2 8h2.5M11.5 8H14M11 8a3 3 0 1 1-6 0a3 3 0 0 1 6 0",
  send: "M3 8h9M8.5 4.5L12 8l-3.5 3.5",
  down: "M4 6.5L8 10.5l4-4",
  filter: "M2.5 3.5h11l-4.2 5v4l-2.6-1.3V8.5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  follow: "M8 2.5v7M4.8 6.5L8 9.7l3.2-3.2M3 13h10",
  copy: "M7 5.5h5a1.5 1.5 0 0 1 1.5 1.5v5a1.5 1.5 0 0 1-1.5 1.5H7A1.5 1.5 0 0 1 5.5 12V7A1.5 1.5 0 0 1 7 5.5zM10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2",
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  warn: "M8 2.5l6 11H2zM8 6.5v3.2M8 11.7v.1",
  ban: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 0 1 11 0M4.2 4.2l7.6 7.6",
  clock: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 0 1 11 0M8 5v3.2l2 1.3",
  spinner: "M8 2.5a5.5 5.5 0 1 1-5.5 5.5",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5V5h-2.5",
  info: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 0 1 11 0M8 7.5v3.5M8 5v.1",
  person: "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8zM3 13.5c.6-2.6 2.5-4 5-4s4.4 1.4 5 4",
  fork: "M5 5.2a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM5 14a1.6 1.6 0 1 0 0-3.2A1.6 1.6 0 0 0 5 14zM11.5 6.7a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM5 5.2v5.6M11.5 6.7c0 2.4-2 2.9-4 3.1-1.2.1-2.3.3-2.5 1",
  stop: "M4 4h8v8H4z",
  next: "M6 4l4 4-4 4",
  coverage: "M2 11.5c1.6-6.2 4-7.4 6-4.2M8.5 10.2l2.1 2.1L14 7.5",
  export: "M8 9.5v-7M5.2 5.2L8 2.5l2.8 2.7M3 9.5v3a1 1 0 0 0 1 1h8a1 1 0 0 0 1-1v-3",
  back: "M10 4L6 8l4 4",
  live: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 0 1 11 0M9 8a1 1 0 1 1-2 0a1 1 0 0 1 2 0",
  flask: "M6.5 2.5v4L3 13.2h10L9.5 6.5v-4M5.5 2.5h5M4.7 10h6.6",
  record: "M13.5 8a5.5 5.5 0 1 1-11 0a5.5 5.5 0 0 1 11 0M9.5 8a1.5 1.5 0 1 1-3 0a1.5 1.5 0 0 1 3 0M8 8v.1",
  more: "M3.5 8v.1M8 8v.1M12.5 8v.1",
  undo: "M5.5 3L2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H6.5",
  play: "M5.5 3.5v9l7-4.5z",
} as const;

export type IconName = keyof typeof PATHS;

/** A fresh icon; it is decoration, the control beside it has the name. */
export function icon(name: IconName): SVGSVGElement {
  const picture = svg("svg", {
    class: `ff-i ff-i-${name}`,
    viewBox: "0 0 16 16",
    "aria-hidden": "true",
    focusable: "false",
  });
  picture.append(svg("path", { d: PATHS[name] }));
  return picture;
}
