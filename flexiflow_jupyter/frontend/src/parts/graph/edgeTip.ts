/**
 * Why an edge cannot be taken now: beside it while it is pointed at or has the focus.
 * The pointer may move onto the text; Escape takes it away.
 */
import { html, setAttribute } from "../../dom";
import { formatTime } from "../../format";
import { leftText } from "../../graph/countdown";
import { icon } from "../../icons";
import type { EdgeStatus, GraphEdge, RunningInfo } from "../../protocol";
import type { Scope } from "../../scope";

/** The time to move from an edge onto its text. */
const LINGER_MS = 200;

export interface TipText {
  edge: GraphEdge;
  status: EdgeStatus | undefined;
  /** Why nothing can be sent at all, "" when it can. */
  reason: string;
  /** The timer that takes the edge, when one runs. */
  timer: RunningInfo | undefined;
}

export class EdgeTip {
  readonly el = html("div", { class: "ff-tip", role: "tooltip", hidden: true });
  readonly #place: HTMLElement;
  readonly #later: (delayMs: number, run: () => void) => void;
  #shown: Element | null = null;

  constructor(place: HTMLElement, scope: Scope) {
    this.#place = place;
    this.#later = scope.timer();
    this.el.addEventListener("pointerenter", () => this.#stay());
    this.el.addEventListener("pointerleave", () => this.leave());
  }

  /** Show a text beside an edge; the one that is shown already stays as it is. */
  show(edge: Element, text: TipText): void {
    this.#stay();
    if (this.#shown === edge) return;
    const nodes = tipNodes(text);
    if (nodes.length === 0) return this.hide();
    this.el.replaceChildren(...nodes);
    this.#shown = edge;
    setAttribute(this.el, "hidden", null);
    this.#put(edge.querySelector(".ff-pill") ?? edge);
  }

  /** The edge is not pointed at any more. */
  leave(): void {
    this.#later(LINGER_MS, () => this.hide());
  }

  hide(): void {
    this.#stay();
    this.#shown = null;
    setAttribute(this.el, "hidden", true);
  }

  #stay(): void {
    this.#later(0, () => undefined);
  }

  /** Put the text below an element, or above it where there is no room. */
  #put(below: Element): void {
    const [own, label] = [this.#place.getBoundingClientRect(), below.getBoundingClientRect()];
    const tip = this.el;
    const left = Math.min(own.width - tip.offsetWidth - 8, label.left - own.left);
    const under = label.bottom - own.top + 6;
    const over = label.top - own.top - tip.offsetHeight - 6;
    const fits = under + tip.offsetHeight < own.height;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${fits ? under : Math.max(8, over)}px`;
  }
}

function tipNodes({ edge, status, reason, timer }: TipText): Node[] {
  if (timer) return timerNodes(edge, timer);
  const why = status?.why;
  if (!why) return reason ? [html("span", {}, reason)] : [];
  const clauses = why.clauses.map(({ text, actual }) =>
    html(
      "li",
      {},
      icon("cross"),
      html("span", {}, text),
      actual ? html("code", {}, actual) : null,
    ),
  );
  return [
    html("strong", {}, icon("ban"), why.title),
    html("ul", {}, ...clauses),
    html("span", { class: "ff-tip-place" }, why.place),
  ];
}

function timerNodes(edge: GraphEdge, timer: RunningInfo): Node[] {
  const left = (timer.due_ms ?? 0) - Date.now();
  const fires = left > 0 ? `fires in ${leftText(left, false)}` : "fires now";
  const target = edge.target === null ? "in place" : `\u2192 ${edge.target}`;
  const since = formatTime(timer.since_ms);
  return [
    html("strong", {}, icon("clock"), edge.message),
    html("ul", {}, html("li", {}, icon("clock"), html("span", {}, fires), html("code", {}, target))),
    html("span", { class: "ff-tip-place" }, `Started ${since}, when ${timer.path} was entered.`),
  ];
}
