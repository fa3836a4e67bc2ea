/**
 * Build the notebook views: one ES module per widget, one stylesheet, Graphviz.
 *
 *     node build.mjs --out ../static     bundles, minified, and manifest.json
 *     node build.mjs --out X --dev       the same, readable, with source maps
 *     node build.mjs --tests             compiles tests/ into .tests/
 *
 * manifest.json holds the sha256 of the sources (see `sourceHash`), by which the
 * build of the Python package decides whether the bundles are fresh.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const WIDGETS = ["panel", "graph", "messages", "context", "events", "timeline", "execution", "engine", "exercise"];
const ROOT_SOURCES = ["package.json", "package-lock.json", "tsconfig.json"];
const graphviz = join(here, "node_modules/@hpcc-js/wasm-graphviz");

/** Every file below `folder`, sorted by its path with forward slashes. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())
    .sort();
}

/** Order of paths by their parts, as Python orders `pathlib.Path`. */
function byParts([left], [right]) {
  const [a, b] = [left.split("/"), right.split("/")];
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return a.length - b.length;
}

/**
 * sha256 over the sources, the same as `source_hash` of hatch_build.py: for each
 * file of src/ and each of package.json, package-lock.json, tsconfig.json, *.mjs,
 * in order, its path relative to this folder, NUL, its size, NUL, its bytes.
 */
export function sourceHash() {
  const beside = readdirSync(here).filter(
    (name) => ROOT_SOURCES.includes(name) || name.endsWith(".mjs"),
  );
  const paths = [...beside.map((name) => join(here, name)), ...filesBelow(join(here, "src"))];
  const named = paths.map((path) => [relative(here, path).split(sep).join("/"), path]);
  const hash = createHash("sha256");
  for (const [name, path] of named.sort(byParts)) {
    const bytes = readFileSync(path);
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/**
 * A module that unpacks and loads the widget once per page, whatever the number of
 * views: hosts load the module of each view anew, from text that came with its model.
 * Packed, ten panels take half the way, and the second one is parsed already.
 */
function packed(name, code) {
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 16);
  const data = gzipSync(code, { level: 9 }).toString("base64");
  return `const key = Symbol.for("flexiflow.${name}.${hash}");
async function load() {
  const bytes = Uint8Array.from(atob("${data}"), (c) => c.charCodeAt(0));
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = await new Response(unpacked).blob();
  const url = URL.createObjectURL(script.slice(0, script.size, "text/javascript"));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}
globalThis[key] ??= load();
globalThis[key].catch(() => delete globalThis[key]);
export default await globalThis[key];
`;
}

async function bundle(out, dev) {
  mkdirSync(out, { recursive: true });
  rmSync(join(out, "manifest.json"), { force: true });
  const version = JSON.parse(readFileSync(join(graphviz, "package.json"), "utf8")).version;
  await build({
    absWorkingDir: here,
    entryPoints: [
      ...WIDGETS.map((name) => ({ in: `src/widgets/${name}.ts`, out: name })),
      { in: "src/style/flexiflow.css", out: "flexiflow" },
      { in: "src/style/exercise.css", out: "exercise" },
    ],
    outdir: out,
    bundle: true,
    format: "esm",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    minify: !dev,
    sourcemap: dev ? "inline" : false,
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    define: { GRAPHVIZ_VERSION: JSON.stringify(version) },
  });
  if (!dev) {
    for (const name of WIDGETS) {
      const path = join(out, `${name}.js`);
      writeFileSync(path, packed(name, readFileSync(path)));
    }
  }
  // The map is not shipped, so the pointer to it goes, or developer tools ask for it.
  const runtime = readFileSync(join(graphviz, "dist/index.js"), "utf8");
  writeFileSync(join(out, "graphviz.js"), runtime.replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n"));
  cpSync(join(graphviz, "LICENSE"), join(out, "graphviz.LICENSE"));
  await bundleExtension(join(out, "labextension"), dev);
  writeManifest(out);
}

/** The version of the Python package that the extension comes with. */
function productVersion() {
  const text = readFileSync(join(here, "../../flexiflow/__init__.py"), "utf8");
  return /__version__[^=]*= "([^"]+)"/.exec(text)?.[1] ?? "0.0.0";
}

/**
 * The extension of JupyterLab and Notebook: a container for their module federation, and
 * the package.json by which they find it. An install puts Graphviz beside it.
 */
async function bundleExtension(folder, dev) {
  rmSync(folder, { recursive: true, force: true });
  const made = await build({
    absWorkingDir: here,
    entryPoints: ["src/labextension/index.ts"],
    outfile: "remoteEntry.js",
    write: false,
    bundle: true,
    format: "iife",
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    loader: { ".css": "text" },
    minify: !dev,
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    define: { GRAPHVIZ_VERSION: '""' },
  });
  const code = made.outputFiles[0].contents;
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 20);
  const load = `static/remoteEntry.${hash}.js`;
  mkdirSync(join(folder, "static"), { recursive: true });
  writeFileSync(join(folder, load), code);
  const about = {
    name: "flexiflow-jupyter",
    version: productVersion(),
    description: "FlexiFlow in JupyterLab and Notebook: colours, engines, commands.",
    license: "MIT",
    jupyterlab: { extension: true, outputDir: "labextension", _build: { load, extension: "./extension" } },
  };
  const install = {
    packageManager: "python",
    packageName: "flexiflow",
    uninstallInstructions: "Run: pip uninstall flexiflow",
  };
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(about, null, 1)}\n`);
  writeFileSync(join(folder, "install.json"), `${JSON.stringify(install, null, 1)}\n`);
}

function writeManifest(out) {
  const files = {};
  for (const path of filesBelow(out)) {
    const name = relative(out, path).split(sep).join("/");
    if (name === "manifest.json") continue;
    const bytes = readFileSync(path);
    files[name] = createHash("sha256").update(bytes).digest("hex");
    console.log(`${String(bytes.length).padStart(8)}  ${name}`);
  }
  const manifest = { sources: sourceHash(), files };
  writeFileSync(join(out, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
}

async function compileTests() {
  const out = join(here, ".tests");
  rmSync(out, { recursive: true, force: true });
  const entries = filesBelow(join(here, "tests")).filter((path) => path.endsWith(".test.ts"));
  await build({
    absWorkingDir: here,
    entryPoints: entries,
    outdir: out,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    outExtension: { ".js": ".mjs" },
    logLevel: "warning",
    define: { GRAPHVIZ_VERSION: '"test"' },
  });
}

const args = process.argv.slice(2);
const at = args.indexOf("--out");
if (args.includes("--hash")) {
  console.log(sourceHash());
} else if (args.includes("--tests")) {
  await compileTests();
} else {
  const out = at >= 0 ? args[at + 1] : undefined;
  if (!out) {
    console.error("What: the folder for the bundles is not given.");
    console.error("Fix: node build.mjs --out ../static");
    process.exit(2);
  }
  await bundle(resolve(out), args.includes("--dev"));
}
