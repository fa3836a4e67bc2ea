/**
 * The container by which JupyterLab and Notebook load the extension.
 *
 * It is what their own builder makes, by hand: `init` is given the packages that the
 * application shares, `get` returns the module of the plug-ins. Nothing is bundled that
 * the application has.
 */
import { offerGraphviz } from "../graphvizUrl";
import css from "../style/engines.css";
import type { Host } from "./host";
import { makePlugins } from "./plugins";
import type { ShareScope } from "./shared";
import { takeShared } from "./shared";

const NAME = "flexiflow-jupyter";

interface Container {
  init(scope: ShareScope): void;
  /** The application looks for `__esModule` to know that there is a default export. */
  get(module: string): Promise<() => { readonly __esModule: true; readonly default: unknown }>;
}

let scope: ShareScope = {};

const container: Container = {
  init(given) {
    scope = given;
  },
  async get(module) {
    if (module !== "./extension") throw new Error(`${NAME} has no module ${module}`);
    const host = await findHost();
    // Whole, since views are modules of blobs, which have no place of their own.
    const address = `${host.extensionsUrl}/${NAME}/static/graphviz.js`;
    offerGraphviz(new URL(address, document.baseURI).href);
    document.head.append(Object.assign(document.createElement("style"), { textContent: css }));
    const plugins = makePlugins(host);
    return () => ({ __esModule: true, default: plugins });
  },
};

async function findHost(): Promise<Host> {
  const take = async (name: string): Promise<Record<string, never>> => {
    const found = await takeShared(scope, name);
    if (!found) throw new Error(`${name} is not shared by this application`);
    return found as Record<string, never>;
  };
  const [notebook, apputils, coreutils, ui, widgets, editors, editorView] = await Promise.all([
    take("@jupyterlab/notebook"),
    take("@jupyterlab/apputils"),
    take("@jupyterlab/coreutils"),
    take("@jupyterlab/ui-components"),
    take("@lumino/widgets"),
    take("@jupyterlab/codemirror"),
    take("@codemirror/view"),
  ]);
  const launcher = (await takeShared(scope, "@jupyterlab/launcher")) as Partial<Host> | null;
  const registry = editors["EditorExtensionRegistry"] as unknown as {
    createImmutableExtension(extension: unknown): unknown;
  };
  const page = coreutils["PageConfig"] as unknown as { getOption(name: string): string };
  return {
    INotebookTracker: notebook["INotebookTracker"] as unknown as object,
    ICommandPalette: apputils["ICommandPalette"] as unknown as object,
    ILauncher: launcher?.ILauncher ?? null,
    IEditorExtensionRegistry: editors["IEditorExtensionRegistry"] as unknown as object,
    immutableExtension: (extension) => registry.createImmutableExtension(extension),
    hoverTooltip: editorView["hoverTooltip"] as unknown as Host["hoverTooltip"],
    Widget: widgets["Widget"] as unknown as Host["Widget"],
    LabIcon: ui["LabIcon"] as unknown as Host["LabIcon"],
    extensionsUrl: page.getOption("fullLabextensionsUrl"),
  };
}

const page = globalThis as unknown as { _JUPYTERLAB?: Record<string, Container> };
(page._JUPYTERLAB ??= {})[NAME] = container;
