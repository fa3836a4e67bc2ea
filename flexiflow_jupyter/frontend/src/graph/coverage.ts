/** What a coverage layer says in numbers and words. Pure. */
import type { CoverageInfo, Graph } from "../protocol";
import { isLoop } from "./words";

/** A count beside a label: "×3", "×1.2k", "×5M". */
export function countText(count: number): string {
  if (count < 1000) return `\u00d7${count}`;
  const [value, unit] = count < 1e6 ? [count / 1e3, "k"] : [count / 1e6, "M"];
  const short = value < 10 ? value.toFixed(1).replace(/\.0$/, "") : String(Math.floor(value));
  return `\u00d7${short}${unit}`;
}

/** How much of a chart was visited, edges and states together, as "58 %". */
export function shareText({ seen, total }: CoverageInfo): string {
  const all = total.edges + total.states;
  if (all === 0) return "";
  const part = ((seen.edges + seen.states) / all) * 100;
  // Only what is whole is called so.
  return `${part < 100 ? Math.min(99, Math.round(part)) : 100} %`;
}

export interface NotYet {
  /** The id of an edge, or the path of a state. */
  key: string;
  /** Its name on the page. */
  name: string;
}

/** What was not visited: states first, then edges, in document order. */
export function notYet(coverage: CoverageInfo, graph: Graph): NotYet[] {
  const nameOf = shortNames(graph);
  const states = graph.nodes
    .filter(({ path }) => coverage.states[path] === 0)
    .map(({ path }) => ({ key: path, name: nameOf(path) }));
  const edges = graph.edges
    .filter(({ id }) => coverage.edges[id] === 0)
    .map((edge) => ({
      key: edge.id,
      name: `${edge.message} ${isLoop(edge) ? "in" : "from"} ${nameOf(edge.source)}`,
    }));
  return [...states, ...edges];
}

/** The names of states where no other has the same; their paths where one has. */
export function shortNames({ nodes }: Graph): (path: string) => string {
  const counts = new Map<string, number>();
  for (const { label } of nodes) counts.set(label, (counts.get(label) ?? 0) + 1);
  const names = new Map(
    nodes.map(({ path, label }) => [path, counts.get(label) === 1 ? label : path]),
  );
  return (path) => names.get(path) ?? path;
}
