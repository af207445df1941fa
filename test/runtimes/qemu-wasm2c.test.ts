// Modules that became C compute the bits of the host on emulated microcontrollers.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { BOARDS, type BoardId } from "../../tools/firmware/boards.ts";
import { wasm2cProbe } from "../../tools/firmware/probe.ts";
import { missingPrograms, runFirmware } from "../../tools/firmware/qemu.ts";
import { driveHost } from "../support/drive.ts";
import { lacking } from "../support/needs.ts";
import { F32_ON_BOARDS, Q15_ON_BOARDS } from "./models.ts";

const SEED = 20_261;
const STEPS = 1000;
const folder = mkdtempSync(path.join(tmpdir(), "rivulet-firmware-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(["m0", "m3", "m4", "m4f", "m33", "rv32"] as const satisfies readonly BoardId[])(
  "wasm2c on %s",
  (board) => {
    // On the core with a floating-point unit, integers are what they are on the same core without one.
    const models = board === "m4f" ? F32_ON_BOARDS : [...Q15_ON_BOARDS, ...F32_ON_BOARDS];
    const cases = models.map(([name, model], index) => ({ name, model, bounds: index % 2 === 1 }));

    it.each(cases)(
      `${BOARDS[board].core}: $name, bounds checked: $bounds`,
      { timeout: 120_000, ...lacking(missingPrograms(board)) },
      async ({ name, model, bounds }) => {
        const place = path.join(folder, `${board} ${name}`.replaceAll(" ", "-"));
        const { program } = await wasm2cProbe({ board, model, bounds, drive: true, folder: place });
        const answers = await runFirmware(board, program, ["drive", `${SEED}`, `${STEPS}`]);
        expect(answers.get("selftest")).toBe(0);
        expect((answers.get("hash") ?? 0) >>> 0).toBe(driveHost(model, false, SEED, STEPS));
      },
    );
  },
);
