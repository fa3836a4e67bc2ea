/** Keeping a control under the pointer while something above it comes or goes. */

/** Change the page; then scroll so that `node` is where it was. */
export function keepInPlace(node: Element, change: () => void): void {
  const before = node.getBoundingClientRect().top;
  change();
  const moved = node.getBoundingClientRect().top - before;
  if (Math.abs(moved) >= 1) scrollerOf(node)?.scrollBy(0, moved);
}

function scrollerOf(node: Element): Element | null {
  for (let at = node.parentElement; at; at = at.parentElement) {
    if (at.scrollHeight <= at.clientHeight) continue;
    const { overflowY } = getComputedStyle(at);
    if (overflowY === "auto" || overflowY === "scroll") return at;
  }
  return null;
}
