import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { assetRoutes } from "../../host/web/assets.ts";
import type { WebAnswer } from "../../host/web/routes.ts";

const ask = (path: string, headers: Record<string, string> = {}): WebAnswer => {
  const route = assetRoutes().find((one) => one.path === path);
  const request = { path, query: new URLSearchParams(), headers, body: "", remote: "" };
  return route?.handle(request) as WebAnswer;
};

describe("the files of the page", () => {
  it("are sent packed to who takes it, plain to others", () => {
    const plain = ask("/");
    expect(plain).toMatchObject({ type: "text/html; charset=utf-8" });
    const packed = ask("/", { "accept-encoding": "gzip, br" });
    expect(packed.headers?.["content-encoding"]).toBe("gzip");
    expect(gunzipSync(packed.body as Uint8Array)).toEqual(Buffer.from(plain.body as Uint8Array));
  });

  it("are not sent again to who has them", () => {
    const { headers } = ask("/page.js");
    const again = ask("/page.js", { "if-none-match": headers?.etag ?? "" });
    expect([again.status, again.body]).toEqual([304, ""]);
  });

  it("name nothing of another machine, hold no script in the page, and are at most 120 KB packed", () => {
    const html = String(Buffer.from(ask("/").body as Uint8Array));
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses).toEqual(["icon.svg", "page.css", "page.js", "icon.svg", "api/devices", "api/host"]);
    expect(html).toMatch(/<script type="module" src="page.js"><\/script>/);
    expect(html.match(/<script/g)?.length).toBe(1);
    expect(html).not.toMatch(/ style=| on\w+=/);
    const sizes = assetRoutes().map(({ path }) => ask(path, { "accept-encoding": "gzip" }).body.length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(120_000);
  });
});
