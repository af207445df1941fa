// Serves the page on a loopback port, with the library and a model beside it.
//
//     node examples/browser/serve.mjs [PORT]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const file = (path, type) => ({ path: new URL(path, import.meta.url), type });
const FILES = {
  "/": file("index.html", "text/html"),
  "/page.mjs": file("page.mjs", "text/javascript"),
  // What `import … from "rivulet/runtime"` finds.
  "/rivulet/runtime.js": { path: fileURLToPath(import.meta.resolve("rivulet/runtime")), type: "text/javascript" },
  "/models/pump.safetensors": file("../../models/pump.safetensors", "application/octet-stream"),
};

const server = createServer((request, response) => {
  const found = FILES[request.url];
  if (found) response.writeHead(200, { "content-type": found.type }).end(readFileSync(found.path));
  else response.writeHead(404).end();
});
server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/`);
});
