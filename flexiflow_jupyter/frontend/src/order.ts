/** The order of the message buttons. Pure. */
import type { MessageInfo } from "./protocol";

/** More messages than this, and those that do nothing now go into a menu. */
export const MOST_BUTTONS = 10;

export interface ButtonOrder {
  /** Shown in the row: enabled before disabled, each in document order. */
  row: MessageInfo[];
  /** Shown under "n not now". */
  menu: MessageInfo[];
}

export function orderButtons(messages: readonly MessageInfo[]): ButtonOrder {
  const enabled = messages.filter((message) => message.enabled);
  const disabled = messages.filter((message) => !message.enabled);
  if (messages.length > MOST_BUTTONS) return { row: enabled, menu: disabled };
  return { row: [...enabled, ...disabled], menu: [] };
}
