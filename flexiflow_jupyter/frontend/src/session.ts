/**
 * One model in the page: its messages, its event log and its sends, shared by all of
 * its views. It is opened by `initialize` and closed when the model goes.
 */
import { FlowStore } from "./engine/flowStore";
import { EventLog } from "./eventLog";
import type { BufferLike, Cleanup, WidgetModel } from "./host";
import { readTrait } from "./host";
import type { Deed, EventBatch, Made, Problem, StepAnswer, ToKernel, ToPage } from "./protocol";
import type { Sent } from "./sends";
import { isFinal, Sends } from "./sends";
import { Scope } from "./scope";
import { Signal, Value } from "./signal";
import { StepStore } from "./stepStore";
import { Deeds } from "./timeline/deeds";
import { forkIn, isShown, PANEL_MS, panelCell } from "./timeline/fork";
import { Looking } from "./timeline/looking";

/** How long a button shows that its message went well. */
const OK_MS = 1200;

/** After how long an unanswered question for what the kernel holds is put again. */
const AGAIN_MS = 3000;

/** How often it is put at most: a kernel that is at work answers late, not never. */
const MOST_QUESTIONS = 5;

/** A problem that came with a reply, and the send that met it. */
export interface Trouble {
  problem: Problem;
  sent: Sent | null;
}

type Outgoing = ToKernel extends infer M ? (M extends { v: 1 } ? Omit<M, "v"> : never) : never;

export class Session {
  readonly log = new EventLog();
  readonly steps = new StepStore();
  readonly flow = new FlowStore();
  readonly sends = new Sends();
  readonly deeds = new Deeds();
  /** Which step of the timeline is shown. */
  readonly looking = new Looking(
    (at) => this.post({ kind: "need", what: "step", at }),
    () => performance.now(),
  );
  /** The step that all parts show instead of the live state; null: they are live. */
  readonly lookingAt: Value<StepAnswer | null> = this.looking.shown;
  /** The kernel made a text for the user. */
  readonly made = new Value<Made | null>(null);
  /** Something of `sends`, `deeds`, `trouble`, `note` or `said` has changed. */
  readonly changed = new Signal<void>();
  /** Rows have been added to `log` or `steps`. */
  readonly grown = new Signal<void>();
  /** The kernel sent a runtime file. */
  readonly runtime = new Signal<BufferLike>();
  /** The kernel answered a question about the chart. */
  readonly answers = new Signal<Extract<ToPage, { kind: "ways" | "mermaid" }>>();
  /** What went wrong last and was not dismissed. */
  trouble: Trouble | null = null;
  /** Why the last message did nothing, in a sentence; "" when it did something. */
  note = "";
  /** What the kernel said to the last deed that did not fail; "" for nothing. */
  said = "";

  readonly #model: WidgetModel;
  readonly #scope = new Scope();
  readonly #prefix = randomName();
  #count = 0;
  #unacknowledged: number[] = [];
  readonly #asked = new Set<"events" | "steps" | "flow">();
  readonly #answered = new Set<"events" | "steps" | "flow">();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(model: WidgetModel) {
    this.#model = model;
    const listener = (content: unknown, buffers?: readonly unknown[]): void => {
      this.#receive(content as ToPage, buffers ?? []);
    };
    model.on("msg:custom", listener);
    this.#scope.add(() => model.off("msg:custom", listener));
    const onClosed = (): void => {
      if (!readTrait(model, "closed")) return;
      this.sends.abandon();
      this.deeds.abandon();
      this.looking.live();
      this.changed.emit();
    };
    model.on("change:closed", onClosed);
    this.#scope.add(() => model.off("change:closed", onClosed));
    const onTimeline = (): void => this.looking.reach(readTrait(model, "timeline").last);
    model.on("change:timeline", onTimeline);
    this.#scope.add(() => model.off("change:timeline", onTimeline));
    onTimeline();
  }

  /** A name for a send or a view that no other page has. */
  nextId(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }

  post(message: Outgoing): void {
    this.#model.send({ v: 1, ...message } as ToKernel);
  }

  /** Send a message to the component. */
  send(type: string, fields: Record<string, unknown> = {}): void {
    const id = this.nextId();
    this.#begin({ id, type, fields, text: null, status: "pending" });
    this.post({ kind: "send", id, type, fields });
  }

  /** Send a free-form message; the kernel reads the text. */
  sendText(type: string, text: string): void {
    const id = this.nextId();
    this.#begin({ id, type, fields: null, text, status: "pending" });
    this.post({ kind: "send", id, text });
  }

  /** Do something with the timeline. */
  do(what: Deed, more: { at?: number; value?: unknown } = {}): void {
    const id = this.nextId();
    this.deeds.start(id, what);
    this.said = "";
    this.post({ kind: "do", id, what, ...more });
    this.changed.emit();
  }

  /** Send once more what failed. */
  retry(sent: Sent): void {
    if (sent.text !== null) this.sendText(sent.type, sent.text);
    else this.send(sent.type, sent.fields ?? {});
  }

  dismiss(): void {
    this.trouble = null;
    this.changed.emit();
  }

  /** Ask once for the events that the kernel holds already. */
  wantEvents(): void {
    this.#want("events");
  }

  /** Ask once for the steps of an execution. */
  wantSteps(): void {
    this.#want("steps");
  }

  /** Ask once for what goes to and fro in an engine. */
  wantFlow(): void {
    this.#want("flow");
  }

  /** Tell the kernel that the batches that came have been drawn. */
  acknowledge(): void {
    for (const batch of this.#unacknowledged) this.post({ kind: "ack", batch });
    this.#unacknowledged = [];
  }

  close(): void {
    this.#scope.close();
    for (const handle of this.#timers) clearTimeout(handle);
  }

  #want(what: "events" | "steps" | "flow"): void {
    if (this.#asked.has(what)) return;
    this.#asked.add(what);
    this.#ask(what, 1);
  }

  /** Ask, and once more when no answer comes: even to nothing there is one. */
  #ask(what: "events" | "steps" | "flow", question: number): void {
    if (what === "events") this.post({ kind: "need", what, since: this.log.lastSeq });
    else this.post({ kind: "need", what });
    if (question === MOST_QUESTIONS) return;
    const handle = setTimeout(() => {
      this.#timers.delete(handle);
      if (!this.#answered.has(what)) this.#ask(what, question + 1);
    }, AGAIN_MS * question);
    this.#timers.add(handle);
  }

  #begin(sent: Sent): void {
    this.sends.start(sent);
    this.note = "";
    this.said = "";
    if (this.trouble?.sent?.type === sent.type) this.trouble = null;
    this.changed.emit();
  }

  #receive(message: ToPage, buffers: readonly unknown[]): void {
    switch (message.kind) {
      case "events":
      case "snapshot":
        this.#takeEvents(message);
        break;
      case "steps":
        this.#answered.add("steps");
        this.steps.add(message);
        this.#unacknowledged.push(message.batch);
        this.grown.emit();
        break;
      case "flow":
        this.#answered.add("flow");
        this.flow.add(message);
        this.#unacknowledged.push(message.batch);
        this.grown.emit();
        break;
      case "reply":
        this.#takeReply(message);
        break;
      case "step":
        this.looking.receive(message);
        break;
      case "made":
        this.made.value = message;
        break;
      case "error":
        this.trouble = { problem: message, sent: null };
        this.changed.emit();
        break;
      case "ways":
      case "mermaid":
        this.answers.emit(message);
        break;
      case "runtime":
        if (buffers[0]) this.runtime.emit(buffers[0] as BufferLike);
        break;
    }
  }

  #takeEvents(batch: EventBatch): void {
    this.#answered.add("events");
    this.log.add(batch);
    this.#unacknowledged.push(batch.batch);
    this.grown.emit();
  }

  #takeReply(reply: Extract<ToPage, { kind: "reply" }>): void {
    const sent = this.sends.reply(reply.id, reply.status);
    if (!sent) {
      this.#takeDone(reply);
      return;
    }
    if (isFinal(reply.status)) {
      this.note = reply.status === "ignored" ? reply.text : "";
      if (reply.error) this.trouble = { problem: reply.error, sent };
      if (reply.status === "ok") this.#settleLater(sent);
    }
    this.changed.emit();
  }

  #takeDone(reply: Extract<ToPage, { kind: "reply" }>): void {
    const what = this.deeds.reply(reply.id, reply.status);
    if (!what || !isFinal(reply.status)) return;
    this.said = reply.error ? "" : reply.text;
    if (reply.error) this.trouble = { problem: reply.error, sent: null };
    if (reply.status === "ok") this.#later(OK_MS, () => this.deeds.settle(what));
    if (reply.status === "ok" && what === "fork") this.#expectPanel(reply.id, reply.text);
    this.changed.emit();
  }

  #expectPanel(id: string, text: string): void {
    const fork = forkIn(text);
    if (!fork || typeof document === "undefined") return;
    this.#later(PANEL_MS, () => {
      if (isShown(fork.name, document)) return false;
      this.made.value = panelCell(id, fork.name, fork.code);
      return true;
    });
  }

  #settleLater(sent: Sent): void {
    this.#later(OK_MS, () => this.sends.settle(sent));
  }

  /** Do something after a while, and tell when it changed anything. */
  #later(delayMs: number, run: () => boolean): void {
    const handle = setTimeout(() => {
      this.#timers.delete(handle);
      if (run()) this.changed.emit();
    }, delayMs);
    this.#timers.add(handle);
  }
}

const SESSIONS = new WeakMap<object, { session: Session; owners: number }>();

/**
 * What is the same in `initialize` and in every view of a model. The models given to
 * them are proxies of their own, so the model's layout stands for it where it has one.
 */
function identityOf(model: WidgetModel): object {
  const layout = model.get("layout");
  return typeof layout === "object" && layout !== null ? layout : model;
}

/** The session of a model and the function that gives it back. */
export function openSession(model: WidgetModel): [Session, Cleanup] {
  const identity = identityOf(model);
  const entry = SESSIONS.get(identity) ?? { session: new Session(model), owners: 0 };
  entry.owners += 1;
  SESSIONS.set(identity, entry);
  let isOpen = true;
  const release = (): void => {
    if (!isOpen) return;
    isOpen = false;
    entry.owners -= 1;
    if (entry.owners > 0) return;
    entry.session.close();
    if (SESSIONS.get(identity) === entry) SESSIONS.delete(identity);
  };
  return [entry.session, release];
}

/** A short random word; `crypto.randomUUID` is missing on plain http pages. */
function randomName(): string {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return [...words].map((word) => word.toString(36)).join("");
}
