/** The plug-ins: colours, side panel, commands, launcher tile, Graphviz by address. */
import { colourDefinitions } from "./cells";
import type { PanelContent } from "./enginesPanel";
import { drawEngines } from "./enginesPanel";
import { hoverSource } from "./hover";
import type {
  Application,
  EditorExtensions,
  Host,
  Kernel,
  Launcher,
  NotebookPanel,
  NotebookTracker,
  Palette,
  Plugin,
} from "./host";
import { insertCell, offerCells, runCell } from "./insertCell";
import { EngineLink } from "./link";
import { ICON, LOAD, MACHINE } from "./templates";

const PANEL_ID = "flexiflow-engines";
const CATEGORY = "FlexiFlow";

export function makePlugins(host: Host): Plugin[] {
  const icon = new host.LabIcon({ name: "flexiflow:machine", svgstr: ICON });
  return [
    {
      id: "flexiflow-jupyter:cells",
      description: "Colours the YAML of %%flexiflow cells, and lets views insert cells.",
      autoStart: true,
      requires: [host.INotebookTracker],
      optional: [],
      activate(_app, tracker: NotebookTracker) {
        colourDefinitions(tracker);
        offerCells(tracker);
      },
    },
    {
      id: "flexiflow-jupyter:hover",
      description: "Explains the word under the pointer in FlexiFlow's cells.",
      autoStart: true,
      requires: [host.INotebookTracker, host.IEditorExtensionRegistry],
      optional: [],
      activate(_app, tracker: NotebookTracker, extensions: EditorExtensions) {
        extensions.addExtension({
          name: "flexiflow:hover",
          factory: () => host.immutableExtension(host.hoverTooltip(hoverSource(tracker))),
        });
      },
    },
    {
      id: "flexiflow-jupyter:engines",
      description: "Lists the live engines of a notebook with their components.",
      autoStart: true,
      requires: [host.INotebookTracker],
      optional: [],
      activate(app, tracker: NotebookTracker) {
        addEnginesPanel(app, tracker, host, icon);
      },
    },
    {
      id: "flexiflow-jupyter:commands",
      description: "Adds the commands of FlexiFlow to palette and launcher.",
      autoStart: true,
      requires: [host.INotebookTracker],
      optional: [host.ICommandPalette, host.ILauncher].filter((token) => token !== null),
      activate(app, tracker: NotebookTracker, palette: Palette | null, launcher?: Launcher | null) {
        addCommands(app, tracker, icon);
        for (const command of [NEW_MACHINE, SHOW_ENGINES, NEW_NOTEBOOK]) {
          palette?.addItem({ command, category: CATEGORY });
        }
        launcher?.add({ command: NEW_NOTEBOOK, category: "Notebook", rank: 50 });
      },
    },
  ];
}

const NEW_MACHINE = "flexiflow:new-machine";
const SHOW_ENGINES = "flexiflow:show-engines";
const NEW_NOTEBOOK = "flexiflow:new-notebook";

function addCommands(app: Application, tracker: NotebookTracker, icon: unknown): void {
  app.commands.addCommand(NEW_MACHINE, {
    label: "New state machine",
    caption: "Insert a cell that declares a state machine",
    icon,
    isEnabled: () => tracker.currentWidget !== null,
    execute: () => {
      const panel = tracker.currentWidget;
      if (!panel) return;
      if (!sources(panel).some((text) => text.includes(LOAD))) insertCell(panel, LOAD);
      insertCell(panel, MACHINE);
    },
  });
  app.commands.addCommand(SHOW_ENGINES, {
    label: "Show engines",
    caption: "List the live engines of this notebook",
    icon,
    execute: () => app.shell.activateById(PANEL_ID),
  });
  app.commands.addCommand(NEW_NOTEBOOK, {
    label: "FlexiFlow",
    caption: "Begin a notebook with a state machine",
    icon,
    execute: ({ cwd }) => startNotebook(app, typeof cwd === "string" ? cwd : ""),
  });
}

/** Make a notebook that loads the extension and declares a machine. */
async function startNotebook(app: Application, cwd: string): Promise<unknown> {
  const opened = (await app.commands.execute("notebook:create-new", { cwd })) as NotebookPanel;
  await opened.context.ready;
  const shared = opened.content.model?.sharedModel;
  shared?.insertCell(0, { cell_type: "code", source: LOAD });
  shared?.insertCell(1, { cell_type: "code", source: MACHINE });
  opened.content.activeCellIndex = 0;
  return opened;
}

function sources(panel: NotebookPanel): string[] {
  return panel.content.widgets.map((cell) => cell.model.sharedModel.getSource());
}

/** Add the side panel, which follows the notebook in front while it can be seen. */
function addEnginesPanel(
  app: Application,
  tracker: NotebookTracker,
  host: Host,
  icon: unknown,
): void {
  const node = document.createElement("div");
  const widget = new host.Widget({ node });
  widget.id = PANEL_ID;
  widget.title.icon = icon;
  widget.title.caption = "FlexiFlow engines";
  widget.addClass("ff-engines");
  app.shell.add(widget, "right", { rank: 1100 });
  let link: EngineLink | null = null;

  const draw = (content: PanelContent): void =>
    drawEngines(node, content, {
      show: (component) => {
        const panel = tracker.currentWidget;
        if (panel) void runCell(app, panel, component.code);
      },
    });

  const follow = (): void => {
    const panel = tracker.currentWidget;
    const kernel = panel?.sessionContext.session?.kernel ?? null;
    if (link && (link.kernel !== kernel || !widget.isVisible)) {
      link.close();
      link = null;
    }
    if (!widget.isVisible) return;
    if (!panel || !kernel) {
      draw("no-notebook");
    } else if (!link?.isOpen) {
      draw("no-flexiflow");
      // A kernel without FlexiFlow logs each question: only likely ones are asked.
      if (sources(panel).some((text) => text.includes("flexiflow"))) {
        link = connect(kernel, draw);
      }
    }
  };
  new IntersectionObserver(follow).observe(node);
  watchKernels(tracker, follow);
}

function connect(kernel: Kernel, draw: (content: PanelContent) => void): EngineLink {
  const link = new EngineLink(kernel, (engines) => draw(engines ?? "no-flexiflow"));
  link.open();
  return link;
}

/** Call back when another notebook or kernel is in front, and when one has worked. */
function watchKernels(tracker: NotebookTracker, follow: () => void): void {
  const known = new WeakSet<Kernel>();
  const look = (): void => {
    const kernel = tracker.currentWidget?.sessionContext.session?.kernel;
    if (kernel && !known.has(kernel)) {
      known.add(kernel);
      kernel.statusChanged.connect((_sender, status) => {
        if (status === "idle") follow();
      });
    }
    follow();
  };
  const watch = (panel: NotebookPanel): void => {
    panel.sessionContext.kernelChanged.connect(look);
  };
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_sender, panel) => watch(panel));
  tracker.currentChanged.connect(look);
}
