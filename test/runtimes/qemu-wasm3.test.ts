// wasm3 itself on emulated microcontrollers, in its integer-only build.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BOARDS, type BoardId } from "../../tools/firmware/boards.ts";
import { wasm3Probe } from "../../tools/firmware/probe.ts";
import { missingPrograms, runFirmware } from "../../tools/firmware/qemu.ts";
import { fetchWasm3 } from "../../tools/firmware/wasm3.ts";
import { driveHost } from "../support/drive.ts";
import { lacking } from "../support/needs.ts";
import { Q15_ON_BOARDS } from "./models.ts";

const SEED = 20_261;
const STEPS = 1000;
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-firmware-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Folder of wasm3's sources, or why there is none. */
let sources: { folder: string } | { reason: string } = { reason: "not asked for" };
beforeAll(async () => {
  mkdirSync("build", { recursive: true });
  sources = await fetchWasm3().then(
    (found) => ({ folder: found }),
    (error: Error) => ({ reason: `for there are no sources of wasm3: ${error.message}` }),
  );
}, 240_000);

describe.each(["m0", "m3", "m4"] as const satisfies readonly BoardId[])("wasm3 on %s", (board) => {
  const cases = Q15_ON_BOARDS.map(([name, model], index) => ({
    name,
    model,
    // The wide form of 64 units fills the 64 KB of the largest Cortex-M0.
    pack: index % 2 === 1 && name !== "q15-h64" ? ("wide" as const) : ("bytes" as const),
  }));

  it.for(cases)(
    `${BOARDS[board].core}: $name, $pack`,
    { timeout: 180_000, ...lacking(missingPrograms(board)) },
    async ({ name, model, pack }, { skip }) => {
      if ("reason" in sources) return skip(sources.reason);
      const place = path.join(folder, `${board} ${name}`.replaceAll(" ", "-"));
      const heap = board === "m0" ? 49_152 : 98_304;
      const options = [`-Dd_m3FixedHeap=${heap}`];
      const { program } = await wasm3Probe({
        board,
        model,
        pack,
        drive: true,
        wasm3: sources.folder,
        folder: place,
        options,
      });
      const answers = await runFirmware(board, program, ["drive", `${SEED}`, `${STEPS}`], { timeoutMs: 150_000 });
      expect(answers.get("selftest")).toBe(0);
      expect((answers.get("hash") ?? 0) >>> 0).toBe(driveHost(model, false, SEED, STEPS));
    },
  );
});
