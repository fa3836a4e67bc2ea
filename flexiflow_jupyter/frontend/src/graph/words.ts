/** Transitions in words. Pure. */
import type { GraphEdge } from "../protocol";

/** Whether a message of this name takes the edge, so that a click can send it. */
export function isMessage({ trigger, message }: GraphEdge): boolean {
  return (trigger ?? "message") === "message" && !isPattern(message);
}

function isPattern(message: string): boolean {
  return message === "*" || message.endsWith(".*");
}

/** Whether a transition comes back to the state it leaves. */
export function isLoop(edge: GraphEdge): boolean {
  return edge.target === null || edge.target === edge.source;
}

/** An edge in words, with its guard and description when it has them. */
export function describe(edge: GraphEdge): string {
  const isInside = edge.target === null;
  const guard = edge.guard ? `, if ${edge.guard}` : "";
  const about = edge.description ? `. ${edge.description}` : "";
  if (isMessage(edge)) {
    const where = isInside ? `stays in ${edge.source}` : `${edge.source} to ${edge.target}`;
    return `${edge.message}: ${where}${guard}${about}`;
  }
  const where = isInside ? `stays in ${edge.source}` : `leads to ${edge.target}`;
  return `${cause(edge)}: ${where}${guard}${about}`;
}

/** What takes an edge that no message of its name takes. */
function cause({ trigger, message, source }: GraphEdge): string {
  switch (trigger) {
    case "after":
      return `Taken by itself ${message} in ${source}`;
    case "always":
      return `Taken by itself in ${source}, without a message`;
    case "done":
      return `Taken by itself when ${source} is done`;
    case "error":
      return `Taken by itself when something in ${source} fails`;
    default:
      return message === "*"
        ? `Taken in ${source} on every message that nothing else takes`
        : `Taken in ${source} on every message that begins with ${message.slice(0, -1)}`;
  }
}
