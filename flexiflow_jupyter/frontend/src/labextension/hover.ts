/** Explain the word under the pointer in FlexiFlow's cells: the kernel knows it. */
import { isDefinition } from "./cells";
import type { EditorView, HoverTooltip, Kernel, NotebookTracker } from "./host";

const LINE = /^\s*%flexiflow(\s|$)/;

/** Whether the kernel's extension may know a word at a place of a cell. */
export function isOurs(code: string, offset: number): boolean {
  if (isDefinition(code)) return true;
  const start = code.lastIndexOf("\n", offset - 1) + 1;
  const end = code.indexOf("\n", offset);
  return LINE.test(code.slice(start, end < 0 ? undefined : end));
}

/** The stretch of a word around a place, null between words. */
export function wordAt(code: string, offset: number): { from: number; to: number } | null {
  const before = /[$%\w.-]*$/.exec(code.slice(0, offset))?.[0] ?? "";
  const after = /^[$\w.-]*/.exec(code.slice(offset))?.[0] ?? "";
  if (!before && !after) return null;
  return { from: offset - before.length, to: offset + after.length };
}

/** An offset as the kernel counts it: in characters, not in halves of them. */
export function codePoints(code: string, offset: number): number {
  return [...code.slice(0, offset)].length;
}

/** What a hover in any editor shows; null where the word is not ours. */
export function hoverSource(tracker: NotebookTracker) {
  return async (view: EditorView, offset: number): Promise<HoverTooltip | null> => {
    const code = view.state.doc.toString();
    const word = wordAt(code, offset);
    if (!word || !isOurs(code, offset)) return null;
    const text = await explain(kernelOf(tracker, view.dom), code, offset);
    return text ? tooltip(word, text) : null;
  };
}

function kernelOf(tracker: NotebookTracker, dom: HTMLElement): Kernel | null {
  let found: Kernel | null = null;
  tracker.forEach((panel) => {
    if (panel.node.contains(dom)) found = panel.sessionContext.session?.kernel ?? null;
  });
  return found;
}

/** Ask the kernel; one that is at work would answer late, so it is not asked. */
async function explain(kernel: Kernel | null, code: string, offset: number): Promise<string> {
  if (!kernel || kernel.isDisposed || kernel.status !== "idle") return "";
  const cursor_pos = codePoints(code, offset);
  const { content } = await kernel.requestInspect({ code, cursor_pos, detail_level: 0 });
  const text = content.found ? content.data?.["text/plain"] : "";
  return typeof text === "string" ? text : "";
}

function tooltip(word: { from: number; to: number }, text: string): HoverTooltip {
  return {
    pos: word.from,
    end: word.to,
    above: true,
    create() {
      const dom = document.createElement("div");
      dom.className = "ff-hover";
      dom.dataset["flexiflow"] = "hover";
      dom.textContent = text;
      return { dom };
    },
  };
}
