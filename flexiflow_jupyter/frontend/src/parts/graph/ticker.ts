/** Drawing again when the time that is shown changes; a hidden tab draws nothing. */
import { nextChange } from "../../graph/countdown";
import type { RunningInfo } from "../../protocol";
import type { Scope } from "../../scope";
import { isHidden } from "../../view";

export class Ticker {
  readonly #later: (delayMs: number, run: () => void) => void;
  readonly #draw: (now: number) => void;
  #running: readonly RunningInfo[] = [];

  constructor(scope: Scope, draw: (now: number) => void) {
    this.#later = scope.timer();
    this.#draw = draw;
    scope.listen(document, "visibilitychange", () => this.tick());
  }

  /** Go by these timers from now on. */
  follow(running: readonly RunningInfo[]): void {
    this.#running = running;
    this.tick();
  }

  /** Draw now, and when the next timer looks otherwise. */
  tick(): void {
    if (isHidden()) return;
    const now = Date.now();
    this.#draw(now);
    const isStill = prefersStill();
    const waits = this.#running.map(({ due_ms: due }) =>
      due === null ? Infinity : nextChange(due - now, isStill),
    );
    const next = Math.min(Infinity, ...waits);
    if (next < Infinity) this.#later(next, () => this.tick());
    else this.#later(0, () => undefined);
  }
}

export function prefersStill(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
