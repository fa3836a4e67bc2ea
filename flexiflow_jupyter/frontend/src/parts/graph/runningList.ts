/** What runs now, as rows of the side column: services with their try, timers. */
import { html, setAttribute, setText, svg } from "../../dom";
import { leftPart, leftText } from "../../graph/countdown";
import type { RunningInfo, Traits } from "../../protocol";
import type { Part, ViewContext } from "../../view";
import { prefersStill, Ticker } from "./ticker";

const RADIUS = 5;
const ROUND = 2 * Math.PI * RADIUS;
/** Rows that are shown; the others are counted. */
const MOST = 6;

interface Row {
  info: RunningInfo;
  arc: SVGCircleElement;
  value: HTMLElement;
}

export function createRunningList({ scope, session }: ViewContext): Part {
  const list = html("dl", { class: "ff-kv" });
  const head = html("div", { class: "ff-label" }, html("span", {}, "Running"));
  const el = html("div", { class: "ff-side ff-running-list", hidden: true }, head, list);
  let rows: Row[] = [];
  let traits: Traits | null = null;
  const ticker = new Ticker(scope, (now) => {
    for (const row of rows) drawRow(row, now, prefersStill());
  });
  const show = (): void => {
    const running = traits?.closed || session.lookingAt.value ? [] : (traits?.running ?? []);
    setAttribute(el, "hidden", running.length === 0);
    const shown = running.slice(0, MOST);
    rows = shown.map(makeRow);
    const nodes = rows.flatMap(({ info, arc, value }) => {
      const about = `${info.name} in ${info.path}`;
      const mark = svg("svg", { class: "ff-disc", viewBox: "-7 -7 14 14", "aria-hidden": "true" });
      mark.append(svg("circle", { class: "ff-track", r: RADIUS }), arc);
      const key = html("dt", { title: about, dir: "auto" }, mark, html("span", {}, info.name));
      return [key, value];
    });
    const more = running.length - shown.length;
    if (more > 0) nodes.push(html("dt", {}, `${more} more`), html("dd", {}));
    list.replaceChildren(...nodes);
    ticker.follow(shown);
  };
  scope.add(session.lookingAt.on(show));
  return {
    el,
    update(now, changed) {
      traits = now;
      if (changed.has("running") || changed.has("closed")) show();
    },
  };
}

function makeRow(info: RunningInfo): Row {
  const value = html("dd", { "data-running": info.name });
  const arc = svg("circle", { class: `ff-arc ff-arc-${info.kind}`, r: RADIUS });
  return { info, arc, value };
}

function drawRow({ info, arc, value }: Row, now: number, isStill: boolean): void {
  const isTimer = info.due_ms !== null && info.total_ms !== null;
  const left = isTimer ? (info.due_ms ?? 0) - now : 0;
  const part = isTimer ? leftPart(left, info.total_ms ?? 0, isStill) : (info.progress ?? 0.75);
  setAttribute(arc, "stroke-dasharray", `${(part * ROUND).toFixed(2)} ${ROUND.toFixed(2)}`);
  setAttribute(arc, "data-progress", info.progress !== null);
  const text = isTimer ? leftText(left, isStill) : howFar(info);
  setText(value, text);
  setAttribute(value, "title", text);
}

/** How far a service is: "52 %", "try 2/4", where a child stands, or "working". */
function howFar(info: RunningInfo): string {
  if (info.progress !== null) return `${Math.round(info.progress * 100)} %`;
  if (info.attempts > 1) {
    const of = `try ${info.attempt}/${info.attempts}`;
    return info.waits ? `${of} soon` : of;
  }
  return info.text || "working";
}
