/** Which states are named in a crowded chart: active ones and where they lead. Pure. */
import type { Traits } from "../protocol";

export function namedStates(traits: Traits): Set<string> {
  const named = new Set(traits.active);
  const active = new Set([...traits.active, ...traits.parents]);
  for (const edge of traits.graph.edges) {
    if (active.has(edge.source) && edge.target !== null) named.add(edge.target);
  }
  return named;
}
