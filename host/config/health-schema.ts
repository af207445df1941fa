import * as z from "zod";
import type { HealthPlan } from "../health/device-health.ts";
import type { Path, Problem } from "./document.ts";
import { duration, multiple } from "./duration.ts";

/** The field of a stream that says when a device is not well. */
export const healthFields = {
  health: z
    .union([
      z.boolean(),
      z.strictObject({
        stale: z
          .union([multiple, duration])
          .default({ times: 3 })
          .describe("Silence after which a device is stale: a multiple of its interval (3x), seconds or a duration"),
        stuck: z
          .union([duration, z.record(z.string(), duration)])
          .optional()
          .describe(
            "Time after which a value that is repeated means that the device is stuck, of all inputs or by name",
          ),
      }),
    ])
    .default(true)
    .describe("Tells when a device becomes silent, or repeats a value; false: it does not"),
};

/** What of a stream's configuration the health of its devices depends on. */
export interface HealthConfig {
  readonly health: boolean | { readonly stale: HealthPlan["stale"] | number; readonly stuck?: Stuck | undefined };
  readonly interval?: number | undefined;
}

type Stuck = number | Readonly<Record<string, number>>;

/** When the devices of a stream with these inputs are not well; undefined when nobody asks. Adds to `problems` what is wrong. */
export function healthOf(
  { health, interval }: HealthConfig,
  inputs: readonly string[],
  path: Path,
  problems: Problem[],
): HealthPlan | undefined {
  if (health === false) return undefined;
  const { stale, stuck } = health === true ? { stale: { times: 3 }, stuck: undefined } : health;
  for (const name of typeof stuck === "object" ? Object.keys(stuck) : []) {
    if (inputs.includes(name)) continue;
    const message = `"${name}" is no input; they are ${inputs.join(", ")}`;
    problems.push({ path: [...path, "health", "stuck"], key: name, message });
  }
  const ofInput = (name: string) => (typeof stuck === "object" ? stuck[name] : stuck);
  return {
    stale: typeof stale === "number" ? { ms: 1000 * stale } : stale,
    intervalMs: interval === undefined ? undefined : 1000 * interval,
    inputs,
    stuckMs: inputs.map((name) => {
      const seconds = ofInput(name);
      return seconds === undefined ? undefined : 1000 * seconds;
    }),
  };
}
