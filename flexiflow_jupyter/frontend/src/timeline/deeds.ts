/** What was done with a timeline and how it went. Pure: no DOM, no timers. */
import type { Deed, ReplyStatus } from "../protocol";
import { isFinal } from "../sends";

export type DeedStatus = "idle" | "pending" | "ok" | "failed";

export class Deeds {
  readonly #open = new Map<string, Deed>();
  readonly #outcome = new Map<Deed, "ok" | "failed">();

  start(id: string, what: Deed): void {
    this.#outcome.delete(what);
    this.#open.set(id, what);
  }

  /** Note a reply; undefined when it belongs to nothing that is under way. */
  reply(id: string, status: ReplyStatus): Deed | undefined {
    const what = this.#open.get(id);
    if (what !== undefined && isFinal(status)) {
      this.#open.delete(id);
      if (status !== "ignored") this.#outcome.set(what, status === "ok" ? "ok" : "failed");
    }
    return what;
  }

  /** Forget that it went well. */
  settle(what: Deed): boolean {
    return this.#outcome.get(what) === "ok" && this.#outcome.delete(what);
  }

  /** Forget all that is under way: nobody will answer any more. */
  abandon(): void {
    this.#open.clear();
  }

  statusOf(what: Deed): DeedStatus {
    if ([...this.#open.values()].includes(what)) return "pending";
    return this.#outcome.get(what) ?? "idle";
  }
}
