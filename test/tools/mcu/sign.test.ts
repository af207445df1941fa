import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { macOf } from "../../../tools/mcu/sign.ts";
import { cli } from "../../support/cli.ts";
import { randomQ15Model } from "../../support/models.ts";
import { needs } from "../../support/needs.ts";
import { findProgram } from "../../support/programs.ts";

let folder = "";
const at = (name: string) => path.join(folder, name);
const KEY = Buffer.from("0123456789abcdef0123456789abcdef");

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "rivulet-sign-"));
  writeFileSync(at("model"), randomQ15Model({ inputs: 2, layers: [4] }).bytes);
  writeFileSync(at("key"), KEY);
});
afterAll(() => rmSync(folder, { recursive: true }));

const build = (...args: string[]) => cli(["build", at("model"), "-o", at("module.wasm"), ...args]);

describe("rivulet build --sign", () => {
  it("writes the HMAC-SHA256 of the image beside it", async () => {
    const { code, stdout } = await build("--image", at("image"), "--sign", at("key"));
    expect([code, stdout.includes(`also written: ${at("image.mac")}`)]).toEqual([0, true]);
    const expected = createHmac("sha256", KEY)
      .update(readFileSync(at("image")))
      .digest("hex");
    expect(readFileSync(at("image.mac")).toString("hex")).toBe(expected);
  });

  it("refuses keys that are too short or too long, and a key without an image", async () => {
    for (const size of [15, 65]) {
      writeFileSync(at("bad"), Buffer.alloc(size));
      const { code, stderr } = await build("--image", at("other"), "--sign", at("bad"));
      expect(code).toBe(1);
      expect(stderr).toContain(`bad: Key has ${size} bytes, expected 16 to 64; head -c 32 /dev/urandom makes one`);
    }
    expect((await build("--sign", at("key"))).stderr).toContain("--sign: Is for the image, expected --image FILE");
  });
});

const compiler = findProgram("cc");

describe("rivulet_mac.h", needs({ "a C compiler (cc)": compiler !== undefined }), () => {
  /** Answers what the firmware's reader says of the code of some bytes. */
  function matches(bytes: Uint8Array, key: Uint8Array, mac: Uint8Array): boolean {
    const files = { bytes, key, mac };
    for (const [name, content] of Object.entries(files)) writeFileSync(at(name), content);
    const places = Object.keys(files).map(at);
    return execFileSync(at("program"), places, { encoding: "utf8" }) === "1";
  }

  beforeAll(() => {
    writeFileSync(
      at("program.c"),
      `#include "rivulet_mac.h"
#include <stdio.h>
static uint8_t bytes[1 << 16], key[256], mac[32];
static uint32_t load(const char *path, uint8_t *to, size_t size) {
  FILE *file = fopen(path, "rb");
  const uint32_t count = (uint32_t)fread(to, 1, size, file);
  fclose(file);
  return count;
}
int main(int argc, char **argv) {
  (void)argc;
  const uint32_t size = load(argv[1], bytes, sizeof bytes), key_size = load(argv[2], key, sizeof key);
  load(argv[3], mac, sizeof mac);
  printf("%d", rivulet_mac_matches(key, key_size, bytes, size, mac));
  return 0;
}
`,
    );
    const flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-Wsign-conversion", "-Itools/firmware/common"];
    execFileSync(compiler ?? "", [...flags, at("program.c"), "-o", at("program")]);
  });

  it("knows the code of any bytes under any key", () => {
    for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37) & 255);
      for (const keySize of [16, 32, 63, 64]) {
        const key = Uint8Array.from({ length: keySize }, (_, i) => (i * 11 + 1) & 255);
        expect([size, keySize, matches(bytes, key, macOf(bytes, key))]).toEqual([size, keySize, true]);
      }
    }
  });

  it("refuses a bit changed in the bytes, the key or the code, and keys of other sizes", () => {
    const bytes = new Uint8Array(100).fill(5);
    const mac = macOf(bytes, KEY);
    const flipped = (given: Uint8Array, at: number) => given.map((byte, i) => (i === at ? byte ^ 1 : byte));
    expect(matches(flipped(bytes, 99), KEY, mac)).toBe(false);
    expect(matches(bytes, flipped(KEY, 0), mac)).toBe(false);
    for (const place of [0, 15, 31]) expect(matches(bytes, KEY, flipped(mac, place))).toBe(false);
    for (const size of [15, 65]) {
      const key = new Uint8Array(size).fill(7);
      expect(matches(bytes, key, createHmac("sha256", key).update(bytes).digest())).toBe(false);
    }
  });
});
