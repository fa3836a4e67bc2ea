/** Colours as every program reads them. Pure. */

export interface Paint {
  /** "#1976d2", or "none". */
  colour: string;
  /** From 0 to 1. */
  opacity: number;
}

const NOTHING: Paint = { colour: "none", opacity: 1 };

/** Read a computed colour: "rgb(…)", "rgba(…)", "color(srgb …)", "#…"; null for others. */
export function readColour(text: string): Paint | null {
  const value = text.trim().toLowerCase();
  if (value === "none" || value === "transparent" || value === "") return NOTHING;
  if (/^#[0-9a-f]{6}$/.test(value)) return { colour: value, opacity: 1 };
  const found = /^(rgba?|color)\(([^)]*)\)$/.exec(value);
  if (!found) return null;
  const words = (found[2] ?? "").split(/[\s,/]+/).filter(Boolean);
  const isSrgb = found[1] === "color";
  if (isSrgb && words.shift() !== "srgb") return null;
  const [red, green, blue] = words.slice(0, 3).map((word) => channel(word, isSrgb));
  if (red === undefined || green === undefined || blue === undefined) return null;
  if (![red, green, blue].every(Number.isFinite)) return null;
  const opacity = words[3] === undefined ? 1 : part(words[3]);
  return opacity === 0 ? NOTHING : { colour: hex(red, green, blue), opacity };
}

/** "#1976d2" of three channels from 0 to 255. */
export function hex(red: number, green: number, blue: number): string {
  const two = (value: number): string =>
    Math.min(255, Math.max(0, Math.round(value)))
      .toString(16)
      .padStart(2, "0");
  return `#${two(red)}${two(green)}${two(blue)}`;
}

function channel(word: string, isPart: boolean): number {
  if (word.endsWith("%")) return (Number(word.slice(0, -1)) / 100) * 255;
  return isPart ? Number(word) * 255 : Number(word);
}

function part(word: string): number {
  return word.endsWith("%") ? Number(word.slice(0, -1)) / 100 : Number(word);
}
