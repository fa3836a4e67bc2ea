/** The lifetime of a view: what was added under a scope goes when it is closed. */
import type { Cleanup } from "./host";

export class Scope {
  readonly #cleanups = new Set<Cleanup>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  /** Run `cleanup` when the scope closes, or now when it has closed already. */
  add(cleanup: Cleanup): void {
    if (this.#closed) cleanup();
    else this.#cleanups.add(cleanup);
  }

  /** Listen on a page object until the scope closes. */
  listen<E extends Event>(
    target: EventTarget,
    name: string,
    listener: (event: E) => void,
    options: AddEventListenerOptions = {},
  ): void {
    const plain = listener as EventListener;
    target.addEventListener(name, plain, options);
    this.add(() => target.removeEventListener(name, plain, options));
  }

  /** Return a function that sets one timer, replacing the one it set before. */
  timer(): (delayMs: number, run: () => void) => void {
    let handle: ReturnType<typeof setTimeout> | undefined;
    this.add(() => clearTimeout(handle));
    return (delayMs, run) => {
      clearTimeout(handle);
      if (!this.#closed) handle = setTimeout(run, delayMs);
    };
  }

  /** Return a function that asks for `draw` once in the next animation frame. */
  frame(draw: () => void): () => void {
    let handle = 0;
    this.add(() => cancelAnimationFrame(handle));
    return () => {
      if (handle !== 0 || this.#closed) return;
      handle = requestAnimationFrame(() => {
        handle = 0;
        draw();
      });
    };
  }

  /** Undo everything, last first; closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const cleanup of [...this.#cleanups].reverse()) cleanup();
    this.#cleanups.clear();
  }
}
