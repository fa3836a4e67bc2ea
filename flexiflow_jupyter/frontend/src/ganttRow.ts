/** What a step's row shows: its bars on the lane and its words. Pure. */
import { formatCount, formatDuration } from "./format";
import type { TimeMap } from "./gantt";
import { positionOf } from "./gantt";
import type { IconName } from "./icons";
import type { SpanKind, StepRow, StepStatus } from "./protocol";

/** How a bar is drawn. */
export type BarKind = SpanKind | "run";

export interface Bar {
  kind: BarKind;
  /** Fractions of the lane's width. */
  left: number;
  width: number;
  /** The part that is filled, for a task over many items; else null. */
  filled: number | null;
}

export interface LaneLabel {
  /** The fraction at which it begins (after) or ends (before). */
  at: number;
  side: "after" | "before";
  text: string;
}

export const STATUS_ICONS: Record<StepStatus, IconName> = {
  waiting: "clock",
  running: "spinner",
  retrying: "retry",
  paused: "person",
  completed: "check",
  failed: "cross",
  cancelled: "ban",
  skipped: "minus",
};

/** The bars of a step, in order of time; one that lasts ends at `now`. */
export function barsOf(row: StepRow, map: TimeMap, now: number): Bar[] {
  const isOver = !isUnderWay(row.status);
  return row.spans.flatMap(([kind, from, to]) => {
    const isOpen = to === null && !isOver;
    if (isOpen && from > now) return [];
    const left = positionOf(from, map);
    const right = Math.max(left, positionOf(to ?? Math.max(from, now), map));
    const isRun = kind === "work" && isOpen;
    const filled = kind === "work" && isOpen && row.total ? (row.done ?? 0) / row.total : null;
    return [{ kind: isRun ? "run" : kind, left, width: right - left, filled } as const];
  });
}

export function isUnderWay(status: StepStatus): boolean {
  return ["running", "retrying", "paused", "waiting"].includes(status);
}

/** "try 3 of 4", beside the bars where there is room. */
export function labelOf(row: StepRow, bars: readonly Bar[]): LaneLabel | null {
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last || row.attempts < 2) return null;
  const text = `try ${row.attempts}${row.most ? ` of ${row.most}` : ""}`;
  const right = last.left + last.width;
  if (right < 0.8) return { at: right, side: "after", text };
  return first.left > 0.2 ? { at: first.left, side: "before", text } : null;
}

/** The words at the end of a row. */
export function wordsOf(row: StepRow, now: number): string {
  if (row.total !== null) return itemsText(row);
  switch (row.status) {
    case "completed":
      return row.text;
    case "failed":
      return row.text.split(":")[0] || "failed";
    case "paused":
      return "waits for a person";
    case "retrying":
      return retryText(row, now);
    case "running":
      return wakeText(row, now);
    case "waiting":
      return row.text ? "waits for a machine" : "not started";
    case "skipped":
      return "not reached";
    default:
      return row.status;
  }
}

/** A sleep says when it is over. */
function wakeText(row: StepRow, now: number): string {
  const [kind, , due] = row.spans.at(-1) ?? ["work", 0, null];
  const isAsleep = kind === "wait" && due !== null && due > now;
  return isAsleep ? `wakes in ${formatDuration(due - now)}` : "running";
}

function retryText(row: StepRow, now: number): string {
  const due = row.spans.at(-1)?.[1] ?? now;
  return due > now ? `again in ${formatDuration(due - now)}` : "trying again";
}

function itemsText(row: StepRow): string {
  const counts = `${formatCount(row.done ?? 0)} / ${formatCount(row.total ?? 0)}`;
  const retried = row.retried > 0 ? `, ${formatCount(row.retried)} retried` : "";
  const ended = row.status === "failed" || row.status === "cancelled" ? `, ${row.status}` : "";
  const waits = row.status === "waiting" ? ", waits for a machine" : "";
  return counts + retried + ended + waits;
}

/** The bars in words, for those who do not see them. */
export function laneWords(row: StepRow, start: number, now: number): string {
  const begun = row.spans[0]?.[1];
  if (begun === undefined) return "not started";
  const end = row.spans.at(-1)?.[2] ?? null;
  const took = formatDuration((end ?? now) - begun);
  const tries = row.attempts > 1 ? `, ${row.attempts} tries` : "";
  const last = end === null && isUnderWay(row.status) ? `for ${took} so far` : `took ${took}`;
  return `after ${formatDuration(begun - start)}, ${last}${tries}`;
}

/** Everything of a step, as lines: name of the fact and its text. */
export function factsOf(row: StepRow, start: number, now: number): [string, string][] {
  const facts: [string, string][] = [
    ["status", row.status],
    ["time", laneWords(row, start, now)],
  ];
  if (row.total !== null) facts.push(["items", itemsText(row)]);
  if (row.attempts > 1) facts.push(["tries", `${row.attempts}${row.most ? ` of ${row.most}` : ""}`]);
  if (row.executor) facts.push(["runs in", row.executor]);
  facts.push(["step", row.key]);
  if (row.child) facts.push(["child run", row.child]);
  if (row.text) facts.push([textLabelOf(row.status), row.text]);
  return facts;
}

/** What the text of a step is. */
function textLabelOf(status: StepStatus): string {
  if (status === "failed") return "error";
  return status === "waiting" ? "why it waits" : "result";
}

/** How long something took or has taken: "0.4 s", "42 s", "1 min 08 s", "2 h 5 min". */
export function tookText(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 60 || seconds >= 3600) return formatDuration(ms);
  const rest = String(seconds % 60).padStart(2, "0");
  return `${Math.floor(seconds / 60)} min ${rest} s`;
}
