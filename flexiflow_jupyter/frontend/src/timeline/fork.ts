/** The panel of a fork: the kernel shows it below, unless the page was loaded since. */
import type { Made } from "../protocol";

/** How long a panel of a fork may take to come. */
export const PANEL_MS = 3000;

/** What a reply names: the fork, and the code that gets it; null when it names none. */
export function forkIn(text: string): { name: string; code: string } | null {
  const found = /get_engine\(\)\.get\("(.+)"\)$/s.exec(text);
  return found ? { name: found[1] ?? "", code: found[0] } : null;
}

/** Tell whether a panel of a component is in the page. */
export function isShown(name: string, page: Document): boolean {
  const panels = page.querySelectorAll<HTMLElement>('[data-flexiflow="panel"]');
  return [...panels].some((panel) => panel.dataset["component"] === name);
}

/** The cell that shows it: Jupyter drops what is displayed by a cell of an earlier page. */
export function panelCell(id: string, name: string, code: string): Made {
  const text = `from flexiflow_jupyter import get_engine, panel\n\npanel(${code})`;
  return { kind: "made", id, title: `The panel of ${name}`, language: "python", text };
}
