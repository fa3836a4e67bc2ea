/** The kernel's time, as far as the page knows it. */
import type { ExecutionInfo } from "../../protocol";

/** A difference smaller than this is the way of the message, not of the clocks. */
const SKEW_MS = 2000;

const SKEWS = new WeakMap<ExecutionInfo, number>();

/** What the kernel's clock says now, in epoch ms; its machine may be another one. */
export function clockOf(info: ExecutionInfo): number {
  let skew = SKEWS.get(info);
  if (skew === undefined) {
    const found = info.clock - Date.now();
    skew = info.clock > 0 && Math.abs(found) > SKEW_MS ? found : 0;
    SKEWS.set(info, skew);
  }
  return Date.now() + skew;
}
