/**
 * Keys typed in a view stay in it; Shift+Enter reaches the notebook.
 *
 * JupyterLab reads keys on the document before the view sees them. It leaves out
 * elements with an attribute, and looks at the element that has the focus first (its
 * bindings match `:focus`), so the attribute is put there: on the window, which comes
 * before the document. Hosts that listen further up are kept out by stopping the event
 * at the view.
 */
import type { Scope } from "./scope";

const SUPPRESS = "data-lm-suppress-shortcuts";

export function keepKeys(root: HTMLElement, scope: Scope): void {
  const early = (event: KeyboardEvent): void => {
    const { target } = event;
    if (!(target instanceof Element) || !root.contains(target)) return;
    if (isForNotebook(event)) target.removeAttribute(SUPPRESS);
    else target.setAttribute(SUPPRESS, "true");
  };
  scope.listen(window, "keydown", early, { capture: true });
  for (const name of ["keydown", "keyup", "keypress"]) {
    scope.listen(root, name, (event: KeyboardEvent) => {
      if (!isForNotebook(event)) event.stopPropagation();
    });
  }
}

/** Whether the notebook shall see this key; also asked by what takes Enter itself. */
export function isForNotebook(event: KeyboardEvent): boolean {
  return event.key === "Enter" && event.shiftKey;
}
