/** What lies over the graph of one view: shared by the graph, its tools and the side. */
import type { Size } from "../../graph/viewport";
import type { ChangesInfo } from "../../protocol";
import { Value } from "../../signal";
import type { ViewContext } from "../../view";

/** A picture as it stands in the page. */
export interface Drawn {
  world: SVGGElement;
  size: Size;
  /** The colour behind it. */
  ground: string;
}

export class Layers {
  /** Whether the coverage layer is on. */
  readonly coverage = new Value(false);
  /** The changes of a new definition while they are drawn. */
  readonly changes = new Value<ChangesInfo | null>(null);
  /** Whether the row with the ways to copy is open. */
  readonly copying = new Value(false);
  /** The shortest ways to what was not visited, by edge id or path; null: not asked. */
  readonly ways = new Value<Record<string, string> | null>(null);
  /** What the graph shows now; null: nothing is drawn. */
  copy: () => Drawn | null = () => null;
}

const KNOWN = new WeakMap<ViewContext, Layers>();

/** The layers of a view; its parts share the context. */
export function layersOf(context: ViewContext): Layers {
  const found = KNOWN.get(context) ?? new Layers();
  KNOWN.set(context, found);
  return found;
}
