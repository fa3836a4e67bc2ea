/** The share scope of the application: packages that all extensions use together. */

type Factory = () => unknown;

interface Provided {
  get(): Promise<Factory> | Factory;
  loaded?: unknown;
}

/** Packages by name, then by version. */
export type ShareScope = Readonly<Record<string, Readonly<Record<string, Provided>>>>;

/** Take a package that the application shares; null when it has none. */
export async function takeShared(scope: ShareScope, name: string): Promise<unknown> {
  const versions = Object.entries(scope[name] ?? {});
  const running = versions.find(([, provided]) => provided.loaded);
  const chosen = running ?? versions.sort(byVersion).at(-1);
  if (!chosen) return null;
  const factory = await chosen[1].get();
  return factory();
}

/** Order of versions by their numbers; what is no number counts as zero. */
export function byVersion([left]: [string, unknown], [right]: [string, unknown]): number {
  const [a, b] = [numbersOf(left), numbersOf(right)];
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function numbersOf(version: string): number[] {
  return version.split(/[.+-]/).map((part) => Number.parseInt(part, 10) || 0);
}
