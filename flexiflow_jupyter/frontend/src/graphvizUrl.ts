/** Where the page can load Graphviz from without asking the kernel, if anywhere. */

const KEY = Symbol.for("flexiflow.graphviz.url");

type Page = Record<symbol, string | undefined>;

/** Say where the file is served; the extension of the application does. */
export function offerGraphviz(url: string): void {
  (globalThis as unknown as Page)[KEY] = url;
}

/** The address that was said, or null. */
export function graphvizUrl(): string | null {
  return (globalThis as unknown as Page)[KEY] ?? null;
}
