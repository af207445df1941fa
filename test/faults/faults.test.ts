// `npm run test:faults`: every reading counts once, through kills, restarts of the broker and damaged connections.

import { afterAll, describe, expect, it } from "vitest";
import { alignColumns } from "../../tools/columns.ts";
import { hasMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";
import { runScenario, type ScenarioOptions, type ScenarioResult } from "./scenario.ts";

/** `.ci/run` has a few minutes for it. */
const isShort = process.env.RIVULET_FAULTS === "short";
const [readings, kills] = isShort ? [4000, 30] : [60_000, 550];

const results: { readonly name: string; readonly result: ScenarioResult }[] = [];

async function run(name: string, options: Omit<ScenarioOptions, "readings" | "kills">, share = 1) {
  const result = await runScenario({ readings: readings * share, kills: Math.ceil(kills * share), ...options });
  results.push({ name, result });
  return result;
}

afterAll(() => {
  const rows = results.map(({ name, result }) => {
    const { faults, lost, doubled, wrongStates, wrongAnswers, repeatedAnswers, duplicates, devices, seconds } = result;
    const { rows: collectedRows, wrongRows } = result;
    const all = Object.entries(faults).map(([fault, count]) => `${count} ${fault}`);
    return [
      name,
      `lost ${lost}`,
      `doubled ${doubled}`,
      `wrong states ${wrongStates} of ${devices}`,
      `wrong rows ${wrongRows} of ${collectedRows}`,
      `wrong answers ${wrongAnswers}`,
      `answers again ${repeatedAnswers}`,
      `recognized ${duplicates}`,
      `${seconds} s`,
      all.join(", "),
    ];
  });
  process.stdout.write(`${alignColumns(rows).join("\n")}\n`);
});

describe("every reading", needs({ Mosquitto: hasMosquitto }), () => {
  it.each([4, 5] as const)("counts once (MQTT %i, seed 12)", { timeout: 3_600_000 }, async (protocol) => {
    const result = await run(`MQTT ${protocol}`, { protocol, seed: 12, variant: "rivulet" });
    expect(result).toMatchObject({ lost: 0, doubled: 0, wrongStates: 0, wrongAnswers: 0, wrongRows: 0 });
    expect(result.rows).toBeGreaterThan(100);
  });
});

describe("the checker", needs({ Mosquitto: hasMosquitto }), () => {
  it.each(["acknowledges on receipt", "recognizes nothing"] as const)(
    "fails a host that %s (seed 13)",
    { timeout: 600_000 },
    async (variant) => {
      const result = await run(variant, { protocol: 4, seed: 13, variant }, isShort ? 1 : 0.1);
      expect(result.wrongStates).toBeGreaterThan(0);
      if (variant === "recognizes nothing") expect(result.doubled).toBeGreaterThan(0);
      else expect(result.lost).toBeGreaterThan(0);
    },
  );
});
