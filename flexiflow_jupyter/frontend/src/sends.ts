/**
 * What was sent from the page and how it went. Pure: no DOM, no timers.
 *
 * A send is pending until its final reply (ok, ignored or failed). The status of a
 * message type is what its button shows: queued before pending before the outcome
 * of the last send, which stays until `settle` (ok) or the next send (failed).
 */
import type { ReplyStatus } from "./protocol";

export type SendStatus = "idle" | "pending" | "queued" | "ok" | "failed";

/** One message on its way; `fields` or `text` as it went to the kernel. */
export interface Sent {
  readonly id: string;
  readonly type: string;
  readonly fields: Record<string, unknown> | null;
  readonly text: string | null;
  status: ReplyStatus;
}

export interface TypeStatus {
  status: SendStatus;
  /** How many sends of this type wait in the queue. */
  queued: number;
}

const IDLE: TypeStatus = { status: "idle", queued: 0 };

export class Sends {
  readonly #open = new Map<string, Sent>();
  readonly #outcome = new Map<string, Sent>();

  /** Note a send; the outcome of the one before it is forgotten. */
  start(sent: Sent): void {
    this.#outcome.delete(sent.type);
    this.#open.set(sent.id, sent);
  }

  /** Note a reply; undefined when the send is unknown or was answered before. */
  reply(id: string, status: ReplyStatus): Sent | undefined {
    const sent = this.#open.get(id);
    if (!sent) return undefined;
    sent.status = status;
    if (isFinal(status)) {
      this.#open.delete(id);
      this.#outcome.set(sent.type, sent);
    }
    return sent;
  }

  /** Forget that `sent` went well, unless a later send has replaced it. */
  settle(sent: Sent): boolean {
    if (this.#outcome.get(sent.type) !== sent || sent.status === "failed") return false;
    return this.#outcome.delete(sent.type);
  }

  /** Forget all that is on its way: nobody will answer any more. */
  abandon(): void {
    this.#open.clear();
  }

  statusOf(type: string): TypeStatus {
    let pending = false;
    let queued = 0;
    for (const sent of this.#open.values()) {
      if (sent.type !== type) continue;
      if (sent.status === "queued") queued += 1;
      else pending = true;
    }
    if (queued > 0) return { status: "queued", queued };
    if (pending) return { status: "pending", queued: 0 };
    const outcome = this.#outcome.get(type)?.status;
    if (outcome === "ok" || outcome === "failed") return { status: outcome, queued: 0 };
    return IDLE;
  }
}

export function isFinal(status: ReplyStatus): boolean {
  return status === "ok" || status === "ignored" || status === "failed";
}
