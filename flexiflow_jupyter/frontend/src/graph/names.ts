/** Which states are named in a crowded chart: active ones and where they lead. Pure. */
import type { Graph } from "../protocol";

/** The targets of each state's edges, to be looked up at every step. */
export function targetsOf(graph: Graph): Map<string, string[]> {
  const targets = new Map<string, string[]>();
  for (const { source, target } of graph.edges) {
    if (target === null) continue;
    const found = targets.get(source);
    if (found) found.push(target);
    else targets.set(source, [target]);
  }
  return targets;
}

export function namedStates(
  active: readonly string[],
  parents: readonly string[],
  targets: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const named = new Set(active);
  for (const path of [...active, ...parents]) {
    for (const target of targets.get(path) ?? []) named.add(target);
  }
  return named;
}

/** The states at most `steps` edges from these, in either direction, and these. */
export function statesAround(graph: Graph, paths: readonly string[], steps: number): Set<string> {
  const found = new Set(paths);
  for (let step = 0; step < steps; step += 1) {
    const before = new Set(found);
    for (const { source, target } of graph.edges) {
      if (target === null) continue;
      if (before.has(source)) found.add(target);
      if (before.has(target)) found.add(source);
    }
  }
  return found;
}
