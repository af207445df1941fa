// `npm run test:brokers`: real brokers, with their defaults and with the lines of docs/brokers.md; prints its table.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { needs } from "../support/needs.ts";
import { BROKERS } from "./brokers.ts";
import { type Findings, measureBroker, type Trial } from "./measure.ts";
import { startBroker } from "./process.ts";

const rows: string[] = [];
const cell = ({ lost, doubled, disordered }: Trial) => `${lost} / ${doubled} / ${disordered}`;
const seconds = (value: number | undefined) => (value === undefined ? "not within 10 s" : `${value.toFixed(1)} s`);

function row(name: string, protocol: number, config: string, found: Findings): string {
  const trials = [found.away, found.restarted, found.killed, found.live].map(cell);
  const cells = [name, protocol, config, ...trials, found.retained, found.resumedRetained, seconds(found.willSeconds)];
  return `| ${cells.join(" | ")} |`;
}

afterAll(() => {
  console.log(rows.join("\n"));
});

describe.each(BROKERS)("$name", (kind) => {
  describe("measured", needs(kind.lacks === undefined ? {} : { [kind.lacks]: false }), () => {
    let version = "";
    beforeAll(() => {
      version = kind.install();
    });

    for (const protocol of kind.protocols) {
      for (const config of kind.safe === undefined ? (["defaults"] as const) : (["defaults", "safe"] as const)) {
        it(`over MQTT ${protocol}, ${config}`, { timeout: 900_000 }, async () => {
          const found = await measureBroker(() => startBroker(kind, config), protocol, {
            patienceMs: kind.patienceMs,
            readings: config === "safe" ? (kind.safeReadings ?? 1500) : 1500,
          });
          rows.push(row(`${kind.name} ${version}`, protocol, config, found));
          console.log(rows.at(-1));
          // Whatever the broker keeps is stepped once.
          for (const { doubled } of [found.away, found.restarted, found.killed]) expect(doubled).toBe(0);
          expect(found.live.doubled).toBeLessThanOrEqual(kind.mayDouble ?? 0);
          expect(found.resumedRetained).toBe("stepped");
          if (config === "defaults") return;
          for (const { lost } of [found.away, found.restarted, found.killed, found.live]) expect(lost).toBe(0);
        });
      }
    }
  });
});
