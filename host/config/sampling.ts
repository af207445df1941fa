// What a stream says of when samples are taken, what is refused before, and gaps. Pure.

import type { GapOptions } from "../stream/gap.ts";
import { compileField } from "../stream/pointer.ts";
import type { Sampling } from "../stream/sampler.ts";
import type { Path, Problem } from "./document.ts";
import type { StreamConfig } from "./schema.ts";

/** Tells whether a stream takes samples of values that came in earlier messages. */
export function takesHeld({ trigger, resample, gap }: StreamConfig): boolean {
  return trigger !== undefined || resample !== undefined || gap?.do === "hold";
}

/** Checks when samples are taken; adds to `problems` what is wrong. */
export function checkSampling(config: StreamConfig, path: Path, problems: Problem[]): void {
  const { trigger, resample, distinct, gap, interval, health } = config;
  if (trigger !== undefined && resample !== undefined) {
    problems.push({ path: [...path, "resample"], message: "either trigger or resample, not both" });
  }
  if (interval !== undefined && gap === undefined && health === false) {
    const message = "the interval is looked at for a gap and for health only, there is neither";
    problems.push({ path: [...path, "interval"], message });
  }
  for (const [index, field] of (distinct?.fields ?? []).entries()) {
    try {
      compileField(field);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      problems.push({ path: [...path, "distinct", "fields", index], message: error.message });
    }
  }
}

/**
 * The sampling of a stream; undefined when every message is a sample, and none is refused for what came before.
 *
 * @param topics  different topics that its inputs come from
 */
export function samplingOf(config: StreamConfig, topics: number): Sampling | undefined {
  const trigger = triggerOf(config, topics);
  const { distinct, inputs = [] } = config;
  const rates = new Map(
    inputs.flatMap((input) => (typeof input === "string" ? [] : [[input.name, input.max_rate] as const])),
  );
  const hasRate = [...rates.values()].some((rate) => rate !== undefined);
  const gap = gapOf(config);
  if (trigger === undefined && distinct === undefined && gap === undefined && !hasRate) return undefined;
  return {
    trigger: trigger ?? { kind: "each" },
    ...(distinct === undefined ? {} : { distinctMs: 1000 * distinct.within }),
    ...(hasRate ? { maxRates: rates } : {}),
    ...(gap === undefined ? {} : { gap }),
  };
}

function triggerOf({ trigger, resample }: StreamConfig, topics: number): Sampling["trigger"] | undefined {
  if (trigger === "all" || (trigger === undefined && resample === undefined && topics > 1)) return { kind: "all" };
  const every = resample ?? (typeof trigger === "object" && "every" in trigger ? trigger.every : undefined);
  return every === undefined ? undefined : { kind: "every", periodMs: 1000 * every };
}

function gapOf({ gap, interval }: StreamConfig): GapOptions | undefined {
  if (gap === undefined) return undefined;
  const { after, do: action, warmup } = gap;
  return {
    after: typeof after === "number" ? { ms: 1000 * after } : after,
    action,
    warmup,
    ...(interval === undefined ? {} : { intervalMs: 1000 * interval }),
  };
}
