/** From DOT to a geometry that suits a width; the last few are kept. */
import type { Graphviz } from "../graphviz";
import type { Graph } from "../protocol";
import type { Geometry } from "./geometry";
import { readGeometry } from "./geometry";
import { CROWD, isBetter, isTight } from "./viewport";

const KEPT = 8;

/** Lays out charts; sideways as declared, or downwards where that reads better. */
export class Layouter {
  readonly #kept = new Map<string, Geometry>();

  /** The better of both directions for a width in pixels. Throws what Graphviz says. */
  layout(graphviz: Graphviz, dot: string, graph: Graph, widthPx: number): Geometry {
    const sideways = this.#geometry(graphviz, dot, graph);
    const states = graph.nodes.length;
    if (states > CROWD || !isTight(sideways, widthPx, states)) return sideways;
    const turned = dot.replace(/\brankdir="?LR"?/, "rankdir=TB");
    if (turned === dot) return sideways;
    const downwards = this.#geometry(graphviz, turned, graph);
    return isBetter(downwards, sideways, widthPx, states) ? downwards : sideways;
  }

  #geometry(graphviz: Graphviz, dot: string, graph: Graph): Geometry {
    const kept = this.#kept.get(dot);
    if (kept) return kept;
    const ids = new Set(graph.edges.map((edge) => edge.id));
    const geometry = readGeometry(graphviz.layout(dot, "json0", "dot"), ids);
    if (this.#kept.size >= KEPT) this.#kept.clear();
    this.#kept.set(dot, geometry);
    return geometry;
  }
}
