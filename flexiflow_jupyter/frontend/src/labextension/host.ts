/**
 * The parts of JupyterLab and Notebook that the extension uses.
 *
 * The application shares its packages at run time; their types would bring a tree of
 * several hundred megabytes, so that what is used is described here.
 */

export interface Signal<Sender, Args> {
  connect(slot: (sender: Sender, args: Args) => void): boolean;
  disconnect(slot: (sender: Sender, args: Args) => void): boolean;
}

export interface SharedCell {
  getSource(): string;
  setSource(text: string): void;
}

export interface CellModel {
  readonly type: string;
  readonly sharedModel: SharedCell;
  readonly contentChanged: Signal<CellModel, void>;
  readonly mimeTypeChanged: Signal<CellModel, unknown>;
  mimeType: string;
  readonly isDisposed: boolean;
}

export interface Cell {
  readonly model: CellModel;
  readonly isDisposed: boolean;
}

export interface SharedNotebook {
  insertCell(index: number, cell: { cell_type: "code"; source: string }): unknown;
}

export interface NotebookModel {
  readonly sharedModel: SharedNotebook;
}

export interface NotebookView {
  readonly widgets: readonly Cell[];
  readonly model: NotebookModel | null;
  readonly modelContentChanged: Signal<NotebookView, void>;
  activeCellIndex: number;
  readonly activeCell: Cell | null;
}

/** What a kernel says on a comm; the data is of unknown shape. */
export interface CommMessage {
  readonly content: { readonly data: unknown };
}

export interface Comm {
  onMsg: (message: CommMessage) => void;
  onClose: (message: CommMessage) => void;
  readonly isDisposed: boolean;
  open(data?: object): unknown;
  close(): unknown;
}

export interface Kernel {
  readonly id: string;
  readonly status: string;
  readonly isDisposed: boolean;
  readonly statusChanged: Signal<Kernel, string>;
  createComm(target: string): Comm;
  requestInspect(question: Inspection): Promise<{ readonly content: Inspected }>;
}

/** Which word of which code a kernel is to explain. */
export interface Inspection {
  readonly code: string;
  readonly cursor_pos: number;
  readonly detail_level: 0 | 1;
}

/** What a kernel says of a word. */
export interface Inspected {
  readonly found?: boolean;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An editor, of which a hover needs little. */
export interface EditorView {
  readonly dom: HTMLElement;
  readonly state: { readonly doc: { toString(): string } };
}

export interface HoverTooltip {
  readonly pos: number;
  readonly end: number;
  readonly above: boolean;
  create(): { readonly dom: HTMLElement };
}

export interface EditorExtensions {
  addExtension(extension: { readonly name: string; factory(): unknown }): void;
}

export interface SessionContext {
  readonly session: { readonly kernel: Kernel | null } | null;
  readonly kernelChanged: Signal<SessionContext, unknown>;
}

export interface NotebookPanel {
  readonly node: HTMLElement;
  readonly content: NotebookView;
  readonly context: { readonly ready: Promise<void>; readonly path: string };
  readonly sessionContext: SessionContext;
  readonly disposed: Signal<NotebookPanel, void>;
  readonly isDisposed: boolean;
}

export interface NotebookTracker {
  readonly currentWidget: NotebookPanel | null;
  readonly widgetAdded: Signal<NotebookTracker, NotebookPanel>;
  readonly currentChanged: Signal<NotebookTracker, NotebookPanel | null>;
  forEach(visit: (panel: NotebookPanel) => void): void;
}

export interface Command {
  label: string;
  caption?: string;
  icon?: unknown;
  isEnabled?: () => boolean;
  execute(args: Readonly<Record<string, unknown>>): unknown;
}

export interface Commands {
  addCommand(id: string, command: Command): unknown;
  execute(id: string, args?: object): Promise<unknown>;
  hasCommand(id: string): boolean;
}

export interface LuminoWidget {
  readonly node: HTMLElement;
  readonly isVisible: boolean;
  id: string;
  readonly title: { caption: string; label: string; icon: unknown };
  addClass(name: string): void;
}

export interface Shell {
  add(widget: LuminoWidget, area: string, options?: object): void;
  activateById(id: string): void;
}

export interface Application {
  readonly commands: Commands;
  readonly shell: Shell;
}

export interface Palette {
  addItem(item: { command: string; category: string }): unknown;
}

export interface Launcher {
  add(item: { command: string; category: string; rank?: number }): unknown;
}

/** A token by which plug-ins ask for each other. */
export type Token = object;

export interface Plugin {
  readonly id: string;
  readonly description: string;
  readonly autoStart: true;
  readonly requires: readonly Token[];
  readonly optional: readonly Token[];
  activate(app: Application, ...services: never[]): void;
}

/** What the extension takes from the packages of the application. */
export interface Host {
  readonly INotebookTracker: Token;
  readonly ICommandPalette: Token;
  readonly ILauncher: Token | null;
  readonly IEditorExtensionRegistry: Token;
  /** Wraps what never changes as an extension of all editors. */
  readonly immutableExtension: (extension: unknown) => unknown;
  readonly hoverTooltip: (
    source: (view: EditorView, offset: number) => Promise<HoverTooltip | null>,
  ) => unknown;
  readonly Widget: new (options?: { node?: HTMLElement }) => LuminoWidget;
  readonly LabIcon: new (options: { name: string; svgstr: string }) => unknown;
  /** The address of the folder from which extensions are served. */
  readonly extensionsUrl: string;
}
