/** A list of listeners that are called in the order of their subscription. */
import type { Cleanup } from "./host";

export class Signal<T> {
  readonly #listeners = new Set<(value: T) => void>();

  /** Subscribe; the function returned ends the subscription. */
  on(listener: (value: T) => void): Cleanup {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of [...this.#listeners]) listener(value);
  }
}

/** A value of which listeners are told when it is set. */
export class Value<T> extends Signal<T> {
  #value: T;

  constructor(value: T) {
    super();
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set value(value: T) {
    this.#value = value;
    this.emit(value);
  }
}
