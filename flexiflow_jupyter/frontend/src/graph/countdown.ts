/** What is left of a timer: in words, as a part of its ring, and until when. Pure. */

const SECOND = 1000;
/** From here on, tenths of a second are shown. */
export const LAST_MS = 3000;
const TENTH = 100;

/** What is left, as "1:02:03", "1:48", "12 s" or "2.4 s"; "now" when nothing is. */
export function leftText(leftMs: number, isStill: boolean): string {
  if (leftMs <= 0) return "now";
  if (!isStill && leftMs <= LAST_MS) return `${(Math.ceil(leftMs / TENTH) / 10).toFixed(1)} s`;
  const seconds = Math.ceil(leftMs / SECOND);
  if (seconds < 60) return `${seconds} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), seconds % 60];
  const tail = String(rest).padStart(2, "0");
  if (minutes < 60) return `${minutes}:${tail}`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
}

/** In how many ms the text and the ring are to be drawn again; Infinity for never. */
export function nextChange(leftMs: number, isStill: boolean): number {
  if (leftMs <= 0) return Infinity;
  const step = !isStill && leftMs <= LAST_MS ? TENTH : SECOND;
  const edge = !isStill && leftMs > LAST_MS ? leftMs - LAST_MS : Infinity;
  const within = leftMs % step || step;
  return Math.min(within, edge) + 1;
}

/** The part of a ring that is still there, in the steps in which it is drawn. */
export function leftPart(leftMs: number, totalMs: number, isStill: boolean): number {
  if (leftMs <= 0 || totalMs <= 0) return 0;
  const step = !isStill && leftMs <= LAST_MS ? TENTH : SECOND;
  const shown = totalMs < step ? leftMs : Math.ceil(leftMs / step) * step;
  return Math.min(1, shown / totalMs);
}
