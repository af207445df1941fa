// The C that firmware shares, against JavaScript's arithmetic; and the project skeletons, which only a compiler's parser sees here.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSnapshot, writeSnapshot } from "../../../host/runtime/snapshot.ts";
import { wasm2cFiles } from "../../../tools/firmware/probe.ts";
import { hasProgram } from "../../../tools/firmware/qemu.ts";
import { buildModule } from "../../../tools/mcu/build.ts";
import { randomQ15Model } from "../../support/models.ts";
import { needs } from "../../support/needs.ts";
import { mulberry32 } from "../../support/random.ts";

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-c-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => path.join(folder, name);
const WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror"];

// Lines of `text fraction raw`: the status, the double's bits, its raw integer, and `raw` as a real value.
const NUMBERS = `#include <stdio.h>
#include <string.h>
#include "rivulet_raw.h"
#include "rivulet_text.h"
int main(void) {
  char text[200], real[64];
  int fraction, raw;
  while (scanf("%199s %d %d", text, &fraction, &raw) == 3) {
    const char *at = text;
    double value = 0;
    int status = rivulet_parse(&at, &value);
    rivulet_print_real(real, raw, fraction);
    printf("%d %a %d %s %a\\n", status, value, rivulet_raw(value, fraction), real, rivulet_real(raw, fraction));
  }
  return 0;
}`;

const SNAPSHOTS = `#include <stdio.h>
#include <string.h>
#include "rivulet_snapshot.h"
int main(void) {
  uint8_t hash[16], state[40], copy[40] = {0}, bytes[40 + RIVULET_SNAPSHOT_OVERHEAD];
  for (int i = 0; i < 16; i++) hash[i] = (uint8_t)(16 * i + 3);
  for (int i = 0; i < 40; i++) state[i] = (uint8_t)(7 * i);
  uint32_t size = rivulet_snapshot_write(bytes, hash, state, sizeof state);
  for (uint32_t i = 0; i < size; i++) printf("%02x", bytes[i]);
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy));
  printf(" %d", memcmp(state, copy, sizeof copy));
  printf(" %d", rivulet_snapshot_read(bytes, size - 1, hash, copy, sizeof copy));
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy - 1));
  hash[3] ^= 1;
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy));
  bytes[50] ^= 1;
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy));
  bytes[4] = 3;
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy));
  hash[3] ^= 1;
  size = rivulet_snapshot_write(bytes, hash, state, 24);
  bytes[4] = 1;
  rivulet_put_u32(bytes + size - 4, rivulet_crc32(bytes, size - 4));
  printf(" %d", rivulet_snapshot_read(bytes, size, hash, copy, sizeof copy));
  memset(state + 24, 0, 16);
  printf(" %d", memcmp(state, copy, sizeof copy));
  return 0;
}`;

async function execute(name: string, source: string, input = ""): Promise<string> {
  writeFileSync(at(`${name}.c`), source);
  await run("gcc", [
    ...WARNINGS,
    "-fsanitize=undefined,address",
    "-Itools/firmware/common",
    at(`${name}.c`),
    "-o",
    at(name),
  ]);
  const running = run(at(name), { maxBuffer: 2 ** 25 });
  running.child.stdin?.end(input);
  return (await running).stdout;
}

describe("C shared by the firmware", needs({ gcc: hasProgram("gcc") }), () => {
  it("reads and prints numbers as JavaScript does", async () => {
    const random = mulberry32(5);
    const cases = Array.from({ length: 20_000 }, () => {
      const value = (random() - 0.5) * 10 ** Math.floor(random() * 12 - 4);
      const fraction = Math.floor(random() * 61) - 30;
      const raw = ((random() - 0.5) * 2 ** Math.floor(random() * 33)) | 0;
      return { text: value.toFixed(Math.floor(random() * 7)).slice(0, 15), fraction, raw };
    });
    cases.push(
      { text: "-0.5", fraction: 0, raw: -(2 ** 31) },
      { text: "999999999999999", fraction: 30, raw: 2 ** 31 - 1 },
    );
    const input = cases.map(({ text, fraction, raw }) => `${text} ${fraction} ${raw}\n`).join("");
    const lines = (await execute("numbers", NUMBERS, input)).trim().split("\n");
    expect(lines).toHaveLength(cases.length);
    lines.forEach((line, i) => {
      const { text, fraction, raw } = cases[i]!;
      const [status, value, converted, printed, real] = line.split(" ");
      const clamped = Math.max(Math.min(Math.floor(Number(text) * 2 ** fraction + 0.5), 2 ** 30), -(2 ** 30));
      expect([text, status, parseHex(value!), Number(converted)]).toEqual([text, "0", Number(text) + 0, clamped + 0]);
      expect([Number(printed) + 0, parseHex(real!)]).toEqual([raw * 2 ** -fraction, raw * 2 ** -fraction]);
    });
  });

  it.each(["", "-", ".", "x", "1e5", "1234567890123456", "0.00000000000000000000001"])(
    "says that it cannot read %j",
    async (text) => {
      const main = NUMBERS.replace(
        'scanf("%199s %d %d", text, &fraction, &raw) == 3',
        "next(text, &fraction, &raw)",
      ).replace(
        "int main",
        `static int next(char *text, int *fraction, int *raw) {
          static int calls;
          *fraction = *raw = 0;
          strcpy(text, ${JSON.stringify(text)});
          return calls++ == 0;
        }
        int main`,
      );
      expect(await execute("refused", main)).toMatch(/^1 /);
    },
  );

  it("writes the snapshots that the host reads, and tells what is wrong with others", async () => {
    const [hex = "", ...statuses] = (await execute("snapshots", SNAPSHOTS)).split(" ");
    const bytes = Buffer.from(hex, "hex");
    const hash = Array.from({ length: 16 }, (_, i) => (16 * i + 3).toString(16).padStart(2, "0")).join("");
    const state = Uint8Array.from({ length: 40 }, (_, i) => (7 * i) & 255);
    expect([...readSnapshot(hash, { 1: 24, 2: 40 }, bytes).state]).toEqual([...state]);
    expect(hex).toBe(Buffer.from(writeSnapshot(hash, state)).toString("hex"));
    // Read, the same; truncated; of another size; of another model; damaged; of a newer version; of version 1, the rest zeros.
    expect(statuses.map(Number)).toEqual([0, 0, 1, 3, 3, 1, 2, 0, 0]);
  });
});

/** C's %a. */
function parseHex(text: string): number {
  const [, sign, head = "0", tail = "", exponent] = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text) ?? [];
  const value = Number.parseInt(head + tail, 16) * 2 ** (Number(exponent) - 4 * tail.length);
  return (sign === "-" ? -value : value) + 0;
}

describe("a project skeleton", needs({ gcc: hasProgram("gcc") }), () => {
  beforeAll(async () => {
    const { model } = randomQ15Model({ inputs: 4, layers: [8], outputs: 2 });
    const files = await wasm2cFiles(model, await buildModule(model, { target: "wasm2c" }));
    for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text);
  });

  it.each([
    ["esp-idf", "esp-idf/main/main.c"],
    ["zephyr", "zephyr/src/main.c"],
  ])("for %s passes a compiler's checks against stubs of the API that it uses", async (name, source) => {
    const folders = [at("."), "tools/firmware/common", "tools/firmware/wasm3-cortex-m", `test/tools/mcu/stubs/${name}`];
    const includes = folders.map((place) => `-I${place}`);
    await run("gcc", [...WARNINGS, "-fsyntax-only", ...includes, `tools/firmware/${source}`]);
    expect(readFileSync(`tools/firmware/${name}/README.md`, "utf8")).toContain("not compiled with");
  });
});
