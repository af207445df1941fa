// The C that firmware shares, against JavaScript's arithmetic; and the project skeletons, which only a compiler's parser sees here.

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSnapshot, writeSnapshot } from "../../../host/runtime/snapshot.ts";
import { createPump, PUMP_INPUTS } from "../../../tools/demo/pump.ts";
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
const WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror"];

// Lines of `text fraction raw`: the status, the text's raw integer, where it ends, that of its double, and `raw` as a real value.
const NUMBERS = `#include <stdio.h>
#include <stdlib.h>
#include "rivulet_raw.h"
#include "rivulet_text.h"
int main(void) {
  static char text[2000];
  char real[64];
  int fraction, raw;
  while (scanf("%1999s %d %d", text, &fraction, &raw) == 3) {
    const char *at = text;
    rivulet_decimal number;
    int status = rivulet_read_decimal(&at, &number);
    rivulet_print_real(real, raw, fraction);
    printf("%d %d %d ", status, (int)rivulet_decimal_raw(&number, fraction), *at);
    printf("%d %s %a\\n", (int)rivulet_raw(strtod(text, 0), fraction), real, rivulet_real(raw, fraction));
  }
  return 0;
}`;

/** Reads each line, and tells what it was, and the inputs or the reason. */
const LINES = `#include <stdio.h>
#include <string.h>
#define RIVULET_INPUT_COUNT 3
#define RIVULET_INPUT_NAMES { "flow", "bed \\"A\\"", "\\303\\251t\\303\\251" }
#define RIVULET_INPUT_FRACTIONS { 0, 8, -2 }
#include "rivulet_sample.h"
int main(void) {
  static char line[2000], reason[RIVULET_REASON_SIZE];
  rivulet_columns columns = {0};
  while (fgets(line, sizeof line, stdin)) {
    int32_t raw[3] = {0};
    line[strcspn(line, "\\n")] = 0;
    int kind = rivulet_read_line(line, &columns, raw, reason);
    if (kind == RIVULET_LINE_SAMPLE) printf("%d %d %d\\n", (int)raw[0], (int)raw[1], (int)raw[2]);
    else printf("%s", kind == RIVULET_LINE_HEADER ? "header\\n" : reason);
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
  it("reads numbers as the host does, to the last bit, and prints them", async () => {
    const cases = numberCases();
    const input = cases.map(({ text, fraction, raw }) => `${text} ${fraction} ${raw}\n`).join("");
    const lines = (await execute("numbers", NUMBERS, input)).trim().split("\n");
    expect(lines).toHaveLength(cases.length);
    lines.forEach((line, i) => {
      const { text, fraction, raw } = cases[i]!;
      const [status, read, end, converted, printed, real] = line.split(" ");
      const clamped = Math.max(Math.min(Math.floor(Number(text) * 2 ** fraction + 0.5), 2 ** 30), -(2 ** 30)) + 0;
      expect([text, fraction, status, end, Number(read) + 0]).toEqual([text, fraction, "0", "0", clamped]);
      expect(Number(converted) + 0).toBe(clamped);
      expect([Number(printed) + 0, parseHex(real!)]).toEqual([raw * 2 ** -fraction, raw * 2 ** -fraction]);
    });
  });

  it.each([
    ["-", 1],
    [".", 1],
    ["x", 1],
    ["e5", 1],
    ["nan", 1],
    ["1e400", 2],
    ["1".repeat(400), 2],
  ])("says that it cannot read %s", async (text, status) => {
    expect(await execute("refused", NUMBERS, `${text} 0 0\n`)).toMatch(new RegExp(`^${status} `));
  });

  it("reads samples by order, by the header of CSV and by the names of JSON", async () => {
    const lines = [
      ["3274.424774480552, 1.234567e-05, -8", "3274 0 -2"],
      ["1 2.5 4", "1 640 1"],
      ["[1e2, -0.001953125,1E1]", "100 0 3"],
      ['{"flow": 1, "\\u00e9t\\u00e9": 4, "bed \\"A\\"": 1.00390625, "x": [{"y": "}\\""}, null, -1e3]}', "1 257 1"],
      ['{"other":true,"été":-6,"flow":2,"bed \\u0022A\\"":0}', "2 0 -1"],
      ['time;flow;"bed ""A""";été', 'error "bed "A"": no such column in the header'],
      ['{"time":"2024","flow":1}', 'error "bed "A"": missing'],
    ];
    const answers = await execute("lines", LINES, lines.map(([line]) => `${line}\n`).join(""));
    expect(answers.trim().split("\n")).toEqual(lines.map(([, answer]) => answer));
  });

  it("says why it refuses a line, and which column is at fault", async () => {
    const lines = [
      ["1,2", "error 2 values, expected 3"],
      ["1,2,3,4", "error 4 values, expected 3"],
      ["1,2x,3", 'error column 2, "bed "A"": not a number'],
      ["1,,3", 'error column 2, "bed "A"": not a number'],
      ["1,2,", 'error column 3, "été": nothing'],
      ["1,NaN,3", 'error column 2, "bed "A"": not a number'],
      ["1e999,2,3", 'error column 1, "flow": number too large'],
      ["[1,2,3", 'error column 3, "été": line ends here'],
      ["[1,2,3] 4", "error text behind the array"],
      ["[1,null,3]", 'error column 2, "bed "A"": not a number'],
      ['{"flow":1,"flow":}', 'error "flow": not a number'],
      ['{"flow":1', "error not JSON"],
      ['{"flow" 1}', "error not JSON"],
      ['{"flow":"1"}', 'error "flow": not a number'],
      ["hello", 'error "flow": no such column in the header'],
    ];
    const answers = await execute("lines", LINES, lines.map(([line]) => `${line}\n`).join(""));
    expect(answers.trim().split("\n")).toEqual(lines.map(([, answer]) => answer));
  });

  it("reads the rows behind a header by its names", async () => {
    const source = LINES.replace('"bed \\"A\\""', '"bed"');
    const lines = [
      ["\ufefftime,été, bed ,x,flow", "header"],
      ["12:00,8,1.5,low,7", "7 384 2"],
      ['"noon, or so", "8" ,-1.5,,"7"', "7 -384 2"],
      ["7,1,2", "error 3 values, expected 5"],
      ["12:00,8,1.5 V,low,7", 'error column 3, "bed": not a number'],
      ["12:00,,1.5,low,7", 'error column 2, "été": nothing'],
      ["[1,2,3]", "1 512 1"],
      ["flow;été;bed", "header"],
      ["7;8;1.5", "7 384 2"],
    ];
    const answers = await execute("header", source, lines.map(([line]) => `${line}\n`).join(""));
    expect(answers.trim().split("\n")).toEqual(lines.map(([, answer]) => answer));
  });

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

/** Numbers as programs print them, and those about half way between two raw integers, where a digit decides. */
function numberCases(): { text: string; fraction: number; raw: number }[] {
  const random = mulberry32(5);
  const cases = Array.from({ length: 20_000 }, (_, i) => {
    const fraction = Math.floor(random() * 61) - 30;
    const raw = ((random() - 0.5) * 2 ** Math.floor(random() * 33)) | 0;
    const value = (random() - 0.5) * 2 ** Math.floor(random() * 70 - 35);
    const half = (Math.floor(random() * 2 ** Math.floor(random() * 31)) + 0.5) * 2 ** -fraction;
    const near = half * (1 + (Math.floor(random() * 7) - 3) * 2 ** -53) * (random() < 0.5 ? -1 : 1);
    const texts = [
      String(value),
      value.toExponential(Math.floor(random() * 30)),
      String(near),
      `${near.toPrecision(60)}1`,
    ];
    return { text: texts[i % 4]!, fraction, raw };
  });
  const special = [
    "-0.5",
    "0.49999999999999994",
    "0.4999999999999999",
    "0.49999999999999999",
    "+.5e+1",
    "5.",
    "1e-400",
  ];
  const long = [
    "0e999999999",
    `0.${"0".repeat(300)}1`,
    "9".repeat(300),
    `${"0".repeat(99)}1.5`,
    "1.7976931348623157e308",
  ];
  return [
    ...cases,
    ...[...special, ...long].map((text) => ({ text, fraction: 0, raw: -(2 ** 31) })),
    { text: "999999999999999", fraction: 30, raw: 2 ** 31 - 1 },
  ];
}

/** C's %a. */
function parseHex(text: string): number {
  const [, sign, head = "0", tail = "", exponent] = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text) ?? [];
  const value = Number.parseInt(head + tail, 16) * 2 ** (Number(exponent) - 4 * tail.length);
  return (sign === "-" ? -value : value) + 0;
}

describe("readings.csv", () => {
  it("is the recording that the README says", () => {
    const pump = createPump(7);
    pump.failBearing(180);
    const lines = Array.from({ length: 240 }, (_, step) => `0,${step},${pump.next().join(",")}`);
    const header = `pump,step,${PUMP_INPUTS.map(({ name }) => name).join(",")}`;
    expect(readFileSync("tools/firmware/readings.csv", "utf8").trim().split("\n")).toEqual([header, ...lines]);
  });
});

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
