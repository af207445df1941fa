// The files of the page, which the build has put beside the bundle.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { text, type WebAnswer, type WebRequest, type WebRoute } from "./routes.ts";

/** By path: the file, and its content type. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};

/** Makes the routes of the files. They hold no secrets, and what asks for the token is one of them. */
export function assetRoutes(): WebRoute[] {
  return Object.entries(FILES).map(([path, [file, type]]) => {
    let asset: Asset | undefined;
    return {
      method: "GET",
      path,
      isPublic: true,
      handle: (request) => {
        asset ??= readAsset(file, type);
        return asset === undefined
          ? text("The files of the page are missing; run npm run build", 500)
          : answer(asset, request);
      },
    };
  });
}

interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array;
  readonly packed: Uint8Array;
  readonly etag: string;
}

/** They lie beside the bundle, or in dist/ when run from source. */
function readAsset(file: string, type: string): Asset | undefined {
  const places = [`./web/${file}`, `../../dist/web/${file}`];
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (found === undefined) return undefined;
  const bytes = readFileSync(found);
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 16)}"`;
  return { type, bytes, packed: gzipSync(bytes, { level: 9 }), etag };
}

function answer({ type, bytes, packed, etag }: Asset, { headers }: WebRequest): WebAnswer {
  // Asked for anew each time, so that a newer version is seen at once; unchanged, it is not sent again.
  const fresh = { "cache-control": "no-cache", etag, vary: "accept-encoding" };
  if (headers["if-none-match"] === etag) return { status: 304, type, body: "", headers: fresh };
  if (!/\bgzip\b/.test(String(headers["accept-encoding"] ?? ""))) return { type, body: bytes, headers: fresh };
  return { type, body: packed, headers: { ...fresh, "content-encoding": "gzip" } };
}
