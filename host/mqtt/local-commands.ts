import { type CommandRequest, parseCommand } from "../alarm/commands.ts";
import type { Committer } from "./committer.ts";
import type { Devices } from "./devices.ts";
import type { Outcomes } from "./outcomes.ts";

/** What local commands work with. */
export interface LocalCommandsOptions {
  readonly committer: Committer;
  readonly outcomes: Outcomes;
  readonly now: () => number;
}

const NO_SAMPLE = new Float64Array(0);

/** Commands to devices that come from the page, not from the broker; they go the same way. */
export class LocalCommands {
  readonly #options: LocalCommandsOptions;
  readonly #answers = new Map<CommandRequest, string>();

  constructor(options: LocalCommandsOptions) {
    this.#options = options;
    options.outcomes.listen((outcome) => {
      if (outcome.kind !== "command" || !this.#answers.has(outcome.request)) return;
      this.#answers.set(outcome.request, outcome.outcome.answer);
    });
  }

  /** Tells a device something; answers what it says to it, once what that changed is committed. */
  tell(devices: Devices, device: string, payload: Uint8Array): Promise<string> {
    const { committer, now } = this.#options;
    const command = parseCommand(payload);
    this.#answers.set(command, "");
    return new Promise((resolve) => {
      const acknowledge = () => {
        resolve(this.#answers.get(command) ?? "");
        this.#answers.delete(command);
      };
      const ticket = { open: 1, acknowledge };
      committer.admit(ticket);
      devices.accept(device, { action: "step", sample: NO_SAMPLE, time: now(), ticket, command });
    });
  }
}
