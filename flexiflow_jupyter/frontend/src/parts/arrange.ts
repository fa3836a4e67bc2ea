/** Ordering the children of a node without taking the focus away. */

/**
 * Put `wanted` into a parent in this order and take other children away. The child
 * that has the focus stays where it is, for a node that is moved loses the focus.
 */
export function arrange(parent: Element, wanted: readonly Element[]): void {
  const keep = new Set(wanted);
  for (const node of [...parent.children]) {
    if (!keep.has(node)) node.remove();
  }
  const focused = wanted.findIndex((node) => node.contains(document.activeElement));
  const fixed = focused < 0 || wanted[focused]?.parentElement !== parent ? -1 : focused;
  let next: Element | null = fixed < 0 ? null : (wanted[fixed] ?? null);
  const before = fixed < 0 ? wanted : wanted.slice(0, fixed);
  for (const node of [...before].reverse()) {
    if (node.nextElementSibling !== next || node.parentElement !== parent) {
      parent.insertBefore(node, next);
    }
    next = node;
  }
  let previous = fixed < 0 ? null : wanted[fixed];
  for (const node of fixed < 0 ? [] : wanted.slice(fixed + 1)) {
    const after: Element | null = previous?.nextElementSibling ?? null;
    if (after !== node) parent.insertBefore(node, after);
    previous = node;
  }
}
