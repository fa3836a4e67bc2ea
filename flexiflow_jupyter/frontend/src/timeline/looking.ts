/**
 * Which step a view looks at. Pure: no DOM, no timers.
 *
 * The kernel has the steps. One question is under way at most; when its answer comes,
 * only the step that is wanted by then is asked for. Whoever goes step by step finds the
 * next one there already. What was answered is kept for a while, except for the newest
 * step, of which more may still be told.
 */
import type { StepAnswer } from "../protocol";
import { Value } from "../signal";

/** How many answers are kept. */
export const KEPT = 200;

/** After how long a question without an answer is taken for lost. */
const LOST_MS = 5000;

export class Looking {
  /** The step that is shown, null while the view is live. */
  readonly shown = new Value<StepAnswer | null>(null);
  /** The step that was asked for last, null while the view is live. */
  readonly wanted = new Value<number | null>(null);
  readonly #ask: (at: number) => void;
  readonly #now: () => number;
  readonly #cache = new Map<number, StepAnswer>();
  #last = -1;
  #pending: number | null = null;
  #askedAt = -Infinity;
  #isGlance = false;
  #glance: { at: number; tell: (answer: StepAnswer) => void } | null = null;

  constructor(ask: (at: number) => void, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Show a step as soon as it is known; the last one is the live one. */
  look(at: number): void {
    this.#glance = null;
    if (at >= this.#last) {
      this.live();
      return;
    }
    this.wanted.value = at;
    this.#follow();
  }

  /** Show the live state. */
  live(): void {
    if (this.wanted.value !== null) this.wanted.value = null;
    if (this.shown.value !== null) this.shown.value = null;
  }

  /** Hear of a step without showing it, unless there is more to do. */
  glance(at: number, tell: (answer: StepAnswer) => void): void {
    const known = this.#cache.get(at);
    this.#glance = null;
    if (known) tell(known);
    else if (this.#isFree()) {
      this.#glance = { at, tell };
      this.#question(at);
      this.#isGlance = true;
    }
  }

  /** Take an answer of the kernel. */
  receive(answer: StepAnswer): void {
    const asked = this.#pending;
    this.#pending = null;
    if (asked !== null && answer.at < this.#last) this.#keep(answer);
    const glance = this.#glance;
    this.#glance = null;
    if (glance && glance.at === asked) glance.tell(answer);
    const { value: wanted } = this.wanted;
    if (wanted === null || asked === null) return;
    const isMeant = asked === wanted;
    if (isMeant && answer.at >= this.#last) {
      this.live();
      return;
    }
    if (isMeant) this.wanted.value = answer.at;
    const isOnTheWay = !this.#isGlance && this.#isNearer(answer, wanted);
    if (isMeant || isOnTheWay) this.#show(answer);
    else this.#follow();
  }

  /** Take in which steps there are now. */
  reach(last: number): void {
    const isBack = last < this.#last;
    this.#last = last;
    if (isBack) this.forget();
    const { value: wanted } = this.wanted;
    if (wanted !== null && wanted >= last) this.live();
  }

  /** Ask again for what is shown: the steps are drawn in another way now. */
  forget(): void {
    this.#cache.clear();
    const { value: wanted } = this.wanted;
    if (wanted !== null && this.#isFree()) this.#question(wanted);
  }

  #follow(): void {
    const { value: wanted } = this.wanted;
    if (wanted === null) return;
    const known = this.#cache.get(wanted);
    if (known) {
      if (this.shown.value !== known) this.#show(known);
    } else if (this.shown.value?.at !== wanted && this.#isFree()) this.#question(wanted);
  }

  #show(answer: StepAnswer): void {
    const by = answer.at - (this.shown.value?.at ?? this.#last);
    this.shown.value = answer;
    const { value: wanted } = this.wanted;
    if (wanted !== answer.at) this.#follow();
    else if (Math.abs(by) === 1) this.#askAhead(answer.at + by);
  }

  /** Ask for the step that comes next, should nothing else be asked. */
  #askAhead(at: number): void {
    if (at < 0 || at >= this.#last || this.#cache.has(at) || !this.#isFree()) return;
    this.#question(at);
    this.#isGlance = true;
  }

  #isFree(): boolean {
    return this.#pending === null || this.#now() - this.#askedAt > LOST_MS;
  }

  #question(at: number): void {
    this.#pending = at;
    this.#isGlance = false;
    this.#askedAt = this.#now();
    this.#ask(at);
  }

  /** Whether an answer is nearer to what is wanted than what is shown now. */
  #isNearer(answer: StepAnswer, wanted: number): boolean {
    const at = this.shown.value?.at ?? this.#last;
    return Math.abs(answer.at - wanted) < Math.abs(at - wanted);
  }

  #keep(answer: StepAnswer): void {
    this.#cache.delete(answer.at);
    this.#cache.set(answer.at, answer);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > KEPT && oldest !== undefined) this.#cache.delete(oldest);
  }
}
