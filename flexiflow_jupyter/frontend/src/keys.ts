/**
 * Keys typed in a view stay in it; Shift+Enter reaches the notebook.
 *
 * JupyterLab reads keys on the document before the view sees them, and leaves out
 * those below an element with this attribute. It is taken away for the one key that
 * the notebook shall have. Hosts that listen further up are kept out by stopping the
 * event at the view.
 */
import type { Scope } from "./scope";

const SUPPRESS = "data-lm-suppress-shortcuts";

export function keepKeys(root: HTMLElement, scope: Scope): void {
  root.setAttribute(SUPPRESS, "true");
  const early = (event: KeyboardEvent): void => {
    if (!(event.target instanceof Node) || !root.contains(event.target)) return;
    if (isForNotebook(event)) root.removeAttribute(SUPPRESS);
    else root.setAttribute(SUPPRESS, "true");
  };
  scope.listen(window, "keydown", early, { capture: true });
  scope.listen(root, "keydown", (event: KeyboardEvent) => {
    if (isForNotebook(event)) root.setAttribute(SUPPRESS, "true");
    else event.stopPropagation();
  });
  for (const name of ["keyup", "keypress"]) {
    scope.listen(root, name, (event: KeyboardEvent) => {
      if (!isForNotebook(event)) event.stopPropagation();
    });
  }
}

/** Whether the notebook shall see this key; also asked by what takes Enter itself. */
export function isForNotebook(event: KeyboardEvent): boolean {
  return event.key === "Enter" && event.shiftKey;
}
