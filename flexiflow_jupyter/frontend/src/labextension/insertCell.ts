/** Put code into the notebook in front. */
import type { Application, NotebookPanel, NotebookTracker } from "./host";

/** Insert a code cell below the active one; it becomes the active one. */
export function insertCell(panel: NotebookPanel, source: string): void {
  const { content } = panel;
  const at = content.activeCellIndex + 1;
  content.model?.sharedModel.insertCell(at, { cell_type: "code", source });
  content.activeCellIndex = at;
}

/** Insert a code cell and run it. */
export async function runCell(app: Application, panel: NotebookPanel, source: string): Promise<void> {
  insertCell(panel, source);
  await app.commands.execute("notebook:run-cell");
}

/** What a view dispatches on the document to have a cell made; `detail` is the code. */
export const INSERT_CELL = "flexiflow:insert-cell";

/** Let views insert cells; they find out that they can by `data-flexiflow-cells`. */
export function offerCells(tracker: NotebookTracker): void {
  document.documentElement.dataset["flexiflowCells"] = "";
  document.addEventListener(INSERT_CELL, (event) => {
    const source: unknown = (event as CustomEvent<unknown>).detail;
    const panel = tracker.currentWidget;
    if (!panel || typeof source !== "string") return;
    event.preventDefault();
    insertCell(panel, source);
  });
}
