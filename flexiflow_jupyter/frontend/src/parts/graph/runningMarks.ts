/** Rings that drain and spinners that turn, in the states whose timers and services run. */
import { setAttribute, setText, svg } from "../../dom";
import { leftPart, leftText } from "../../graph/countdown";
import type { NodeParts, Picture } from "../../graph/picture";
import type { RunningInfo } from "../../protocol";
import { prefersStill } from "./ticker";

const RADIUS = 6;
const ROUND = 2 * Math.PI * RADIUS;
const ICON = 14;
const GAP = 4;
const APART = 10;
const MOST_NAME = 14;

interface Mark {
  info: RunningInfo;
  readonly el: SVGGElement;
  readonly arc: SVGCircleElement;
  readonly text: SVGTextElement;
}

export class RunningMarks {
  readonly #picture: Picture;
  readonly #shown = new Map<string, { el: SVGGElement; marks: Mark[] }>();

  constructor(picture: Picture) {
    this.#picture = picture;
  }

  /** Show what runs; what runs on stays the same nodes. */
  show(running: readonly RunningInfo[], now: number): void {
    const byPath = new Map<string, RunningInfo[]>();
    for (const info of running) {
      const found = byPath.get(info.path);
      if (found) found.push(info);
      else byPath.set(info.path, [info]);
    }
    for (const [path, { el }] of this.#shown) {
      if (byPath.has(path)) continue;
      this.#picture.nodes.get(path)?.el.removeAttribute("data-running");
      el.remove();
      this.#shown.delete(path);
    }
    for (const [path, infos] of byPath) {
      const parts = this.#picture.nodes.get(path);
      if (parts) this.#fill(path, parts, infos);
    }
    this.tick(now);
  }

  /** Draw what time has changed. */
  tick(now: number): void {
    const isStill = prefersStill();
    for (const { marks } of this.#shown.values()) {
      for (const mark of marks) drawMark(mark, now, isStill);
    }
  }

  #fill(path: string, parts: NodeParts, infos: readonly RunningInfo[]): void {
    let shown = this.#shown.get(path);
    if (!shown) {
      shown = { el: svg("g", { class: "ff-running" }), marks: [] };
      parts.el.append(shown.el);
      this.#shown.set(path, shown);
    }
    setAttribute(parts.el, "data-running", true);
    const before = shown.marks;
    const marks = infos.map((info) => {
      const known = before.find((mark) => mark.info.kind === info.kind && mark.info.name === info.name);
      if (known) known.info = info;
      return known ?? makeMark(info);
    });
    const isSame = marks.length === before.length && marks.every((mark, i) => mark === before[i]);
    if (!isSame) shown.el.replaceChildren(...marks.map(({ el }) => el));
    shown.marks = marks;
    place(parts, marks);
  }
}

function makeMark(info: RunningInfo): Mark {
  const arc = svg("circle", { class: "ff-arc", r: RADIUS });
  const text = svg("text", { y: 4 });
  const about = svg("title", {}, info.kind === "timer" ? info.name : `${info.name} runs`);
  const track = svg("circle", { class: "ff-track", r: RADIUS });
  const el = svg("g", { class: `ff-run ff-run-${info.kind}` }, about, track, arc, text);
  el.dataset["running"] = info.name;
  return { info, el, arc, text };
}

function drawMark({ info, arc, text }: Mark, now: number, isStill: boolean): void {
  if (info.kind === "timer" && info.due_ms !== null && info.total_ms !== null) {
    const left = info.due_ms - now;
    const part = leftPart(left, info.total_ms, isStill);
    setAttribute(arc, "stroke-dasharray", `${round(part * ROUND)} ${round(ROUND)}`);
    setText(text, leftText(left, isStill));
    return;
  }
  const part = info.progress ?? 0.75;
  setAttribute(arc, "data-progress", info.progress !== null);
  setAttribute(arc, "stroke-dasharray", `${round(part * ROUND)} ${round(ROUND)}`);
  setText(text, serviceText(info));
}

/** What a service is called, and how far it is. */
export function serviceText(info: RunningInfo): string {
  const name = [...info.name].slice(0, MOST_NAME).join("");
  const cut = name === info.name ? name : `${name}\u2026`;
  if (info.progress !== null) return `${cut} ${Math.round(info.progress * 100)} %`;
  return info.attempt > 1 ? `${cut} try ${info.attempt}` : cut;
}

/**
 * Marks stand in a row: under the name of a leaf, beside the name of a box. In a leaf
 * that is too narrow for their words they stand alone; the side column has the words.
 */
function place({ box, isBox, text }: NodeParts, marks: readonly Mark[]): void {
  const wide = marks.map(({ info }) => {
    const longest = info.kind === "timer" ? leftText(info.total_ms ?? 0, true) : serviceText(info);
    return ICON + GAP + longest.length * 6;
  });
  const isNarrow = !isBox && rowWidth(wide) > box.width - 4;
  const widths = isNarrow ? marks.map(() => ICON) : wide;
  const y = isBox ? box.y + 15 : box.y + box.height / 2 + 10;
  let x = isBox
    ? Number(text.getAttribute("x")) + (text.textContent ?? "").length * 7 + 16
    : box.x + (box.width - rowWidth(widths)) / 2;
  marks.forEach(({ el }, index) => {
    setAttribute(el, "data-narrow", isNarrow);
    el.setAttribute("transform", `translate(${round(x + ICON / 2)},${round(y)})`);
    x += (widths[index] ?? 0) + APART;
  });
}

function rowWidth(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width + APART, -APART);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
