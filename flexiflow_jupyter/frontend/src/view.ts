/**
 * The frame of every view: its root, its parts, its announcements and its end.
 *
 * A part is told of traits that changed, all of one update at once; it changes only
 * its own nodes. Everything is undone by closing the scope of the view.
 */
import { html, setText } from "./dom";
import type { Cleanup, RenderProps, WidgetModel, WidgetModule } from "./host";
import { readTraits } from "./host";
import { keepKeys } from "./keys";
import type { TraitName, Traits } from "./protocol";
import { TRAITS } from "./protocol";
import { Scope } from "./scope";
import type { Session } from "./session";
import { openSession } from "./session";

export interface Part {
  readonly el: HTMLElement;
  update(traits: Traits, changed: ReadonlySet<TraitName>): void;
}

/** What the parts of one view share. */
export interface ViewContext {
  readonly scope: Scope;
  readonly session: Session;
  /** Say something to screen readers. */
  announce(text: string): void;
}

/** Make the parts of a view and put them into its frame. */
export type Compose = (context: ViewContext, frame: HTMLElement) => Part[];

/** The anywidget module of a view. */
export function defineView(compose: Compose): WidgetModule {
  return {
    initialize({ model }) {
      const [, release] = openSession(model);
      return release;
    },
    render(props) {
      return renderView(props, compose);
    },
  };
}

function renderView({ model, el }: RenderProps, compose: Compose): Cleanup {
  const scope = new Scope();
  const [session, release] = openSession(model);
  scope.add(release);
  const frame = html("div", { class: "ff-frame" });
  const status = html("div", { class: "ff-said", role: "status" });
  const root = html("div", { class: "ff" }, frame);
  keepKeys(root, scope);
  const announce = announcer(status, scope);
  const parts = compose({ scope, session, announce }, frame);
  frame.append(status);
  const hiding = html("style", {});
  el.append(hiding, root);
  scope.add(() => el.replaceChildren());
  followTraits(model, scope, (traits, changed) => {
    for (const part of parts) updateSafely(part, traits, changed);
    if (changed.has("announce")) announce(traits.announce);
    if (changed.has("twin")) hiding.textContent = hidingOf(traits.twin);
  });
  tellVisibility(session, scope);
  return () => scope.close();
}

/** Hide the saved picture of a view, and the output around it, while the view is here. */
function hidingOf(twin: string): string {
  if (!/^[0-9a-f]+$/.test(twin)) return "";
  const picture = `[data-flexiflow-static="${twin}"]`;
  return `${picture}, .jp-OutputArea-child:has(${picture}) { display: none; }`;
}

/** A part that fails is reported and leaves the others at work. */
function updateSafely(part: Part, traits: Traits, changed: ReadonlySet<TraitName>): void {
  try {
    part.update(traits, changed);
  } catch (error) {
    reportError(error);
  }
}

/** Apply all traits now and those that change later, one call for each update. */
function followTraits(
  model: WidgetModel,
  scope: Scope,
  apply: (traits: Traits, changed: ReadonlySet<TraitName>) => void,
): void {
  let changed = new Set<TraitName>();
  let isLost = false;
  const flush = (): void => {
    if (scope.closed) return;
    const now = changed;
    changed = new Set();
    const traits = readTraits(model);
    apply(isLost ? { ...traits, closed: traits.closed || LOST } : traits, now);
  };
  const note = (name: TraitName): void => {
    if (changed.size === 0) queueMicrotask(flush);
    changed.add(name);
  };
  const follow = (event: string, listener: () => void): void => {
    model.on(event, listener);
    scope.add(() => model.off(event, listener));
  };
  for (const name of TRAITS) follow(`change:${name}`, () => note(name));
  // The host says so when its kernel is restarted: nobody would hear a click any more.
  follow("comm_live_update", () => {
    isLost = true;
    note("closed");
  });
  apply(readTraits(model), new Set(TRAITS));
}

/** Let the kernel know whether anybody can see this view. */
function tellVisibility(session: Session, scope: Scope): void {
  const id = session.nextId();
  const tell = (visible: boolean): void => session.post({ kind: "view", id, visible });
  scope.listen(document, "visibilitychange", () => tell(!isHidden()));
  tell(!isHidden());
  scope.add(() => tell(false));
}

/** Whether the page is in a hidden tab, where nothing is drawn. */
export function isHidden(): boolean {
  return document.visibilityState === "hidden";
}

/** What a view says that its kernel has left. */
export const LOST = "The kernel was restarted: this is the last state. Run the cell again.";
const QUIET_MS = 500;

/** Say the first thing at once and, in a burst, then only the last one. */
function announcer(status: HTMLElement, scope: Scope): (text: string) => void {
  const later = scope.timer();
  let last = -Infinity;
  const say = (text: string): void => {
    last = performance.now();
    setText(status, text);
  };
  return (text) => {
    const wait = last + QUIET_MS - performance.now();
    if (wait <= 0) say(text);
    else later(wait, () => say(text));
  };
}
