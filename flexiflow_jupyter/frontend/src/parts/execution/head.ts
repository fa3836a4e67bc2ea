/** The head of an execution: its name, its state, a few facts, fork and cancel. */
import { html, setAttribute, setText } from "../../dom";
import { countOf, cut, formatCount, nextTick } from "../../format";
import { tookText } from "../../ganttRow";
import type { IconName } from "../../icons";
import { icon } from "../../icons";
import type { EdgeStatus, ExecutionInfo } from "../../protocol";
import type { StepStore } from "../../stepStore";
import { lastFailed } from "../../stepStore";
import type { Part, ViewContext } from "../../view";
import { isHidden } from "../../view";
import { clockOf } from "./clock";

type Tone = "run" | "wait" | "ok" | "bad" | "plain";

const LOOKS: Record<string, [Tone, IconName]> = {
  created: ["plain", "clock"],
  scheduled: ["plain", "clock"],
  claimed: ["plain", "clock"],
  running: ["run", "spinner"],
  paused: ["wait", "pause"],
  resuming: ["run", "spinner"],
  cancelling: ["run", "spinner"],
  completed: ["ok", "check"],
  failed: ["bad", "cross"],
  cancelled: ["plain", "ban"],
  needs_definition: ["wait", "warn"],
};
const LONGEST_NAME = 24;
const OVER = new Set(["completed", "failed", "cancelled"]);

export function isOver(info: ExecutionInfo): boolean {
  return OVER.has(info.state);
}

export interface HeadOptions {
  /** Somebody wants to fork; the button is where the focus returns to. */
  onFork: (button: HTMLButtonElement) => void;
}

export function createExecutionHead(context: ViewContext, options: HeadOptions): Part {
  const { scope, session } = context;
  const name = html("span", { class: "ff-name", dir: "auto" });
  const chip = html("span", { class: "ff-chip" });
  const asks = html("span", { class: "ff-chip ff-tone-wait", hidden: true });
  const fact = html("span", { class: "ff-fact" });
  const fork = html("button", { type: "button", class: "ff-b ff-quiet", "data-fork": "" });
  const cancel = html("button", { type: "button", class: "ff-b", "data-cancel": "" });
  const tools = html("span", { class: "ff-tools" }, fork, cancel);
  const el = html("div", { class: "ff-head" }, name, chip, asks, fact, tools);
  const later = scope.timer();
  let shown: { info: ExecutionInfo; closed: string } | null = null;

  const tick = (): void => {
    if (!shown) return;
    const { info, closed } = shown;
    const now = clockOf(info);
    setText(fact, factOf(info, now));
    const isLive = info.started !== null && !isOver(info) && !closed;
    if (isLive && !isHidden()) later(nextTick(info.started ?? now, now), tick);
  };
  const refresh = (): void => {
    if (!shown) return;
    const status = session.sends.statusOf("cancel").status;
    const isGoing = status === "pending" || shown.info.state === "cancelling";
    cancel.hidden = isOver(shown.info);
    setAttribute(cancel, "data-status", status);
    permit(cancel, shown.info.cancel, shown.closed);
    cancel.replaceChildren(icon(isGoing ? "spinner" : "cross"), isGoing ? "Cancelling" : "Cancel run");
    cancel.disabled ||= isGoing;
  };
  const nameFork = (): void => {
    if (shown) fork.replaceChildren(icon("fork"), forkText(shown.info, session.steps));
  };
  scope.listen(document, "visibilitychange", tick);
  scope.add(session.grown.on(nameFork));
  scope.add(session.changed.on(refresh));
  cancel.addEventListener("click", () => session.send("cancel"));
  fork.addEventListener("click", () => options.onFork(fork));

  return {
    el,
    update(traits, changed) {
      if (!changed.has("execution") && !changed.has("closed")) return;
      const info = traits.execution;
      shown = { info, closed: traits.closed };
      setText(name, info.name);
      setAttribute(name, "title", info.name);
      fillChip(chip, info.state);
      asks.hidden = info.pauses.length === 0;
      const wanted = `${countOf(info.pauses.length, "answer")} wanted`;
      asks.replaceChildren(icon("person"), wanted);
      setAttribute(fact, "title", `Run ${info.id}`);
      fork.classList.toggle("ff-quiet", info.state !== "failed");
      nameFork();
      permit(fork, info.fork, traits.closed);
      refresh();
      tick();
    },
  };
}

function fillChip(chip: HTMLElement, state: string): void {
  const [tone, name] = LOOKS[state] ?? ["plain", "clock"];
  chip.className = `ff-chip ff-tone-${tone}`;
  chip.replaceChildren(icon(name), state.replaceAll("_", " "));
}

/** What the button offers; where a run failed, the step to go on from. */
function forkText(info: ExecutionInfo, steps: StepStore): string {
  if (!isOver(info)) return "Fork";
  const failed = info.state === "failed" ? lastFailed(steps.rows()) : undefined;
  return failed ? `Fork from ${cut(failed.name, LONGEST_NAME)}` : "Fork from step";
}

/** Let a button be pressed, or say in its title why it cannot. */
export function permit(button: HTMLButtonElement, status: EdgeStatus, closed: string): void {
  button.disabled = !status.enabled || closed !== "";
  setAttribute(button, "title", closed || status.reason || null);
}

function factOf(info: ExecutionInfo, now: number): string {
  const facts: string[] = [];
  if (info.started !== null) facts.push(tookText((info.ended ?? now) - info.started));
  facts.push(info.id.slice(-6));
  if (isOver(info)) facts.push(countOf(info.steps, "step"));
  else if (info.steps > 0) {
    facts.push(`${formatCount(info.completed)} of ${formatCount(info.steps)} done`);
  }
  if (info.failed > 0) facts.push(`${formatCount(info.failed)} failed`);
  if (info.retries > 0) {
    facts.push(info.retries === 1 ? "1 retry" : `${formatCount(info.retries)} retries`);
  }
  return facts.join(" · ");
}
