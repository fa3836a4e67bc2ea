/** Numbers, times and durations as text. Pure. */

const COUNT = new Intl.NumberFormat("en-US");

/** 1204 as "1,204". */
export function formatCount(value: number): string {
  return COUNT.format(value);
}

/** A number with its noun: "1 event", "9 events". */
export function countOf(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** The local time of day of an instant, "12:04:29.118". */
export function formatTime(epochMs: number): string {
  const at = new Date(epochMs);
  if (Number.isNaN(at.getTime())) return "";
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return `${clock}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** A duration in one or two units: "0.8 s", "4 s", "1 min", "2 h 5 min", "3 d". */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 0.95) return `${(Math.floor(seconds * 10) / 10).toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(Math.min(seconds, 59))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

/** Milliseconds until the text of `formatDuration(now - since)` may change. */
export function nextTick(sinceMs: number, nowMs: number): number {
  const age = Math.max(0, nowMs - sinceMs);
  const unit = age < 60_000 ? 1000 : 60_000;
  return unit - (age % unit) + 20;
}

/** Cut to `limit` characters (code points), the last one an ellipsis. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const points = [...text];
  return points.length <= limit ? text : `${points.slice(0, limit - 1).join("")}\u2026`;
}
