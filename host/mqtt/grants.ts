import type { Subscription } from "../stream/filters.ts";
import type { Logger } from "./log.ts";

/** Codes of a SUBACK from which on a filter is refused [MQTT-3.9.3-2]. */
const REFUSED = 0x80;
/** Reasons of MQTT 5, table 3-8; MQTT 3.1.1 knows 0x80 alone. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [0x83, "a reason of its own"],
  [0x87, "not authorized"],
  [0x8f, "the filter is not valid"],
  [0x91, "the packet id is in use"],
  [0x97, "a quota is exceeded"],
  [0x9e, "shared subscriptions are not supported"],
  [0xa1, "subscription identifiers are not supported"],
  [0xa2, "wildcards are not supported"],
]);

/** What a broker answered to the subscriptions: filters that it refuses, or grants at a lower quality of service. */
export class Grants {
  readonly #log: Logger;
  #refused = new Set<string>();
  #lowered = new Set<string>();
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Begins anew, with what the broker is known to grant; what was told is not told again. */
  reset(): void {
    this.#refused = new Set();
    this.#lowered = new Set();
  }

  /**
   * Takes in the codes of a SUBACK, in the order of the subscriptions, and tells once what is not as it was asked.
   *
   * @returns the subscriptions that are as they were asked
   */
  take(subscriptions: readonly Subscription[], codes: readonly number[]): Subscription[] {
    return subscriptions.filter(({ filter, qos }, index) => {
      const code = codes[index] ?? qos;
      if (code >= REFUSED) {
        this.#refused.add(filter);
        const reason = REASONS.get(code);
        const why = reason === undefined ? "" : ` (${reason})`;
        this.#tell(
          "subscription_refused",
          `the broker refuses the subscription to ${filter}${why}: nothing of it arrives`,
        );
      } else if (code < qos) {
        this.#lowered.add(filter);
        this.#tell(
          "subscription_lowered",
          `the broker grants ${filter} at QoS ${code} only, not ${qos}: what is published while the host is away is lost`,
        );
      }
      return code === qos;
    });
  }

  /** What is published as the state of the bridge: `online`, or `degraded: ` and why. */
  get state(): string {
    const parts = [
      ...(this.#refused.size > 0 ? [`refused ${[...this.#refused].join(" ")}`] : []),
      ...(this.#lowered.size > 0 ? [`QoS 0 for ${[...this.#lowered].join(" ")}`] : []),
    ];
    return parts.length === 0 ? "online" : `degraded: ${parts.join("; ")}`;
  }

  #tell(event: "subscription_lowered" | "subscription_refused", text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#log[event === "subscription_refused" ? "error" : "warn"]("broker", text, event);
  }
}
