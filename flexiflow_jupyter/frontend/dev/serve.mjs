/**
 * Serve dev/ and the built bundles on this machine: `npm run dev`, then open the
 * address it prints, for example with ?width=480&dark&scenes=turnstile,order:messages.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const ROOTS = { dev: here, static: join(here, "../../static") };
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css",
  ".js": "text/javascript",
  ".json": "application/json",
};

const server = createServer((request, response) => {
  const path = normalize(decodeURIComponent((request.url ?? "/").split("?")[0]));
  const [, root = "", ...rest] = path.split("/");
  const file = ROOTS[root] && join(ROOTS[root], ...rest);
  if (!file || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    response.writeHead(404).end("Not here. Open /dev/index.html");
    return;
  }
  const type = TYPES[extname(file)] ?? "application/octet-stream";
  response.writeHead(200, { "content-type": type, "cache-control": "no-store" });
  createReadStream(file).pipe(response);
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/dev/index.html`);
});
