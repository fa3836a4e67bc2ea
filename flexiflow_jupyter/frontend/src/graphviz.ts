/**
 * Graphviz as WebAssembly, loaded once per page.
 *
 * Each model has a module of its own, so the promise lives on `globalThis`. The first
 * view loads the file from where the application's extension serves it, else asks the
 * kernel for it; all others wait for the same promise. A model that goes before its
 * answer came hands the question on to the next one.
 */
import { graphvizUrl } from "./graphvizUrl";
import type { BufferLike } from "./host";
import type { Scope } from "./scope";
import type { Session } from "./session";

declare const GRAPHVIZ_VERSION: string;

/** How long to wait for the kernel before asking once more. */
const PATIENCE_MS = 20_000;

export interface Graphviz {
  layout(dot: string, format: "json0", engine: "dot"): string;
}

interface Module {
  Graphviz: { load(): Promise<Graphviz> };
}

interface Waiter {
  session: Session;
  resolve: (graphviz: Graphviz) => void;
  reject: (error: Error) => void;
}

/** What the page knows about Graphviz; one per version. */
interface Shelf {
  loaded: Graphviz | null;
  /** The session that has asked, and how to stop waiting for its answer. */
  asking: Session | null;
  stop: () => void;
  waiters: Waiter[];
}

const KEY = Symbol.for(`flexiflow.graphviz.${GRAPHVIZ_VERSION}`);

function shelf(): Shelf {
  const page = globalThis as unknown as Record<symbol, Shelf | undefined>;
  return (page[KEY] ??= {
    loaded: null,
    asking: null,
    stop: () => undefined,
    waiters: [],
  });
}

/** Graphviz, when it has been loaded in this page. */
export function loadedGraphviz(): Graphviz | null {
  return shelf().loaded;
}

/** Load Graphviz, or wait for the load that is under way. */
export function loadGraphviz(session: Session, scope: Scope): Promise<Graphviz> {
  const page = shelf();
  if (page.loaded) return Promise.resolve(page.loaded);
  return new Promise((resolve, reject) => {
    const waiter: Waiter = { session, resolve, reject };
    page.waiters.push(waiter);
    scope.add(() => leave(waiter));
    if (!page.asking) ask(waiter);
  });
}

/** Ask the kernel by the session of one of those that wait. */
function ask(waiter: Waiter): void {
  const page = shelf();
  const { session } = waiter;
  page.asking = session;
  const stop = (): void => {
    clearTimeout(patience);
    unsubscribe();
    page.asking = null;
    page.stop = () => undefined;
  };
  const fail = (error: Error): void => {
    stop();
    for (const each of page.waiters.splice(0)) each.reject(error);
  };
  const finish = (graphviz: Graphviz): void => {
    stop();
    page.loaded = graphviz;
    for (const each of page.waiters.splice(0)) each.resolve(graphviz);
  };
  const unsubscribe = session.runtime.on((bytes) => {
    load(bytes).then(finish, (error: unknown) =>
      fail(error instanceof Error ? error : new Error(String(error))),
    );
  });
  const patience = setTimeout(
    () => fail(new Error("the kernel did not send the layout program within 20 s")),
    PATIENCE_MS,
  );
  page.stop = stop;
  const askKernel = (): void => {
    if (page.asking === session) session.post({ kind: "need", what: "graphviz" });
  };
  const url = graphvizUrl();
  if (url === null) askKernel();
  else loadFrom(url).then((graphviz) => page.loaded || finish(graphviz), askKernel);
}

/** Import the module from where the application serves it. */
async function loadFrom(url: string): Promise<Graphviz> {
  const module = (await import(url)) as Module;
  return module.Graphviz.load();
}

/** A view has gone: another one asks if this one was to. */
function leave(waiter: Waiter): void {
  const page = shelf();
  const at = page.waiters.indexOf(waiter);
  if (at >= 0) page.waiters.splice(at, 1);
  if (page.asking !== waiter.session) return;
  if (page.waiters.some((each) => each.session === waiter.session)) return;
  page.stop();
  const next = page.waiters[0];
  if (next && !page.loaded) ask(next);
}

/** Import the module from its bytes, which may be gzipped: 640 kB instead of 815. */
async function load(bytes: BufferLike): Promise<Graphviz> {
  const packed = new Blob([bytes]);
  const script = (await isGzip(packed))
    ? await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).blob()
    : packed;
  const url = URL.createObjectURL(script.slice(0, script.size, "text/javascript"));
  try {
    const module = (await import(url)) as Module;
    return await module.Graphviz.load();
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function isGzip(packed: Blob): Promise<boolean> {
  const [first, second] = new Uint8Array(await packed.slice(0, 2).arrayBuffer());
  return first === 0x1f && second === 0x8b;
}
