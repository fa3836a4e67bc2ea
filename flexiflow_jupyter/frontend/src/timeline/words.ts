/** What is said of a step. Pure. */
import { formatCount, formatTime } from "../format";
import type { ContextEntry, StepAnswer, Traits } from "../protocol";

/** "step 3 of 6", with the numbers of a timeline that has lost its beginning. */
export function placeOf(at: number, last: number): string {
  return `step ${formatCount(at)} of ${formatCount(last)}`;
}

/** When a step was made and by what: "12:04:30.142, after coin in locked."; a beginning has no story. */
export function causeOf(answer: StepAnswer): string {
  const time = formatTime(answer.time_ms);
  const isAfter = answer.story !== "" && answer.cause !== "" && !answer.cause.startsWith("after ");
  const words = [time, isAfter ? `after ${answer.cause}` : answer.cause].filter(Boolean).join(", ");
  return words ? `${words}.` : "";
}

/** What the machine does meanwhile. */
export function realState(traits: Traits): string {
  if (traits.active.length === 0) return "";
  return `The machine itself is in ${stateNames(traits, traits.active)}.`;
}

/** The names of states as the graph shows them. */
export function stateNames(traits: Traits, paths: readonly string[]): string {
  const labels = new Map(traits.graph.nodes.map((node) => [node.path, node.label]));
  return paths.map((path) => labels.get(path) ?? path).join(", ");
}

/** One change of the context between a step and now. */
export interface Since {
  key: string;
  from: string;
  to: string;
}

/** Which keys have another value now; those that came or went have "-" for it. */
export function sinceThen(
  then: readonly ContextEntry[],
  now: readonly ContextEntry[],
): Since[] {
  const before = new Map(then.map((entry) => [entry.key, entry.value]));
  const after = new Map(now.map((entry) => [entry.key, entry.value]));
  const keys = [...before.keys(), ...[...after.keys()].filter((key) => !before.has(key))];
  return keys.flatMap((key) => {
    const [from, to] = [before.get(key) ?? NONE, after.get(key) ?? NONE];
    return from === to ? [] : [{ key, from, to }];
  });
}

const NONE = "\u2013";
