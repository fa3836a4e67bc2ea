/** What a view of an engine looks at: one story, some components, a moment. Pure. */
import { Value } from "../signal";
import type { Entry, FlowQuery, FlowStore } from "./flowStore";
import { EVERYTHING, shownEntries } from "./flowStore";

export class EngineLook {
  readonly query = new Value<FlowQuery>(EVERYTHING);
  readonly isFollowing = new Value<boolean>(true);
  /** The entries at the moment of pausing; null while it goes on. */
  readonly frozen = new Value<readonly Entry[] | null>(null);
  /** Components that have no column: nothing of what is shown concerns them. */
  readonly quiet = new Value<number>(0);
  readonly #store: FlowStore;

  constructor(store: FlowStore) {
    this.#store = store;
  }

  /** What is shown now. */
  shown(): readonly Entry[] {
    return shownEntries(this.frozen.value ?? this.#store.entries, this.query.value);
  }

  /** Entries that came since the pause. */
  get news(): number {
    const last = this.frozen.value?.at(-1);
    if (!this.frozen.value) return 0;
    const newest = this.#store.entries.at(-1)?.ordinal ?? -1;
    return Math.max(0, newest - (last?.ordinal ?? -1));
  }

  setStory(story: string): void {
    this.query.value = { ...this.query.value, story };
  }

  hide(name: string, isHidden: boolean): void {
    const hidden = new Set(this.query.value.hidden);
    if (isHidden) hidden.add(name);
    else hidden.delete(name);
    this.query.value = { ...this.query.value, hidden };
  }

  togglePause(): void {
    this.frozen.value = this.frozen.value ? null : [...this.#store.entries];
  }
}
