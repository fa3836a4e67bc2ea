/** Colour the body of `%%flexiflow` cells as the YAML that it is. */
import type { Cell, CellModel, NotebookPanel, NotebookTracker } from "./host";

const YAML = "text/x-yaml";
const MAGIC = /^\s*%%flexiflow(\s|$)/;

/** Whether the text of a cell is a definition. */
export function isDefinition(source: string): boolean {
  return MAGIC.test(source);
}

/** Watch the cells of all notebooks, those open now and those to come. */
export function colourDefinitions(tracker: NotebookTracker): void {
  tracker.forEach(watchNotebook);
  tracker.widgetAdded.connect((_sender, panel) => watchNotebook(panel));
}

function watchNotebook(panel: NotebookPanel): void {
  const watched = new WeakSet<CellModel>();
  const look = (): void => {
    for (const cell of panel.content.widgets) watchCell(cell, watched);
  };
  panel.content.modelContentChanged.connect(look);
  void panel.context.ready.then(look);
}

function watchCell(cell: Cell, watched: WeakSet<CellModel>): void {
  const { model } = cell;
  if (model.type !== "code" || watched.has(model)) return;
  watched.add(model);
  let usual = model.mimeType === YAML ? "text/x-ipython" : model.mimeType;
  const set = (): void => {
    if (model.isDisposed) return;
    // The notebook gives all cells the kernel's language when the kernel is known.
    if (model.mimeType !== YAML) usual = model.mimeType;
    const wanted = isDefinition(model.sharedModel.getSource()) ? YAML : usual;
    if (model.mimeType !== wanted) model.mimeType = wanted;
  };
  model.contentChanged.connect(set);
  model.mimeTypeChanged.connect(set);
  set();
}
