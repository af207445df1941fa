// The state directory of a run: arguments, flags and help here, the work loaded when it is called.

import type { Command } from "commander";
import type { Io } from "../../io.ts";
import { examples } from "./arguments.ts";

/** `rivulet state`. */
export function addState(program: Command, io: Io): void {
  const state = program
    .command("state")
    .description("Look after the state directory of rivulet run; reset, import and repair while it is stopped.")
    .addHelpText(
      "after",
      examples(
        "rivulet state list ./state",
        "rivulet state reset ./state pump/7",
        "rivulet state export ./state pump/7 | rivulet state import ./other -",
        "rivulet state repair ./state",
      ),
    );
  addReading(state, io);
  addWriting(state, io);
  state
    .command("repair")
    .description("Replace a damaged state directory by what can be read of it; the damaged files are kept.")
    .argument("<directory>", "state directory")
    .addHelpText("after", examples("rivulet state repair ./state"))
    .action(async (directory) => {
      const { runStateRepair } = await import("../state.ts");
      await runStateRepair({ directory }, io);
    });
}

function addReading(state: Command, io: Io): void {
  state
    .command("list")
    .description("Print the devices, how many steps each has made, and the size of its state.")
    .argument("<directory>", "state directory")
    .option("--json", "as JSON")
    .action(async (directory, flags) => {
      const { runStateList } = await import("../state-devices.ts");
      await runStateList({ ...flags, directory }, io);
    });
  state
    .command("show")
    .description("Print what is known of a device as JSON: steps, values that stand in, health.")
    .argument("<directory>", "state directory")
    .argument("<device>", "stream/device, as in the topic of its answers")
    .action(async (directory, device) => {
      const { runStateShow } = await import("../state-devices.ts");
      await runStateShow({ directory, device }, io);
    });
  state
    .command("export")
    .description("Write the states of devices as lines of JSON.")
    .argument("<directory>", "state directory")
    .argument("[devices...]", "stream/device, as in the topic of its answers (default: all)")
    .option("-o, --output <file>", "file to write (default: standard output)")
    .action(async (directory, devices, flags) => {
      const { runStateExport } = await import("../state-devices.ts");
      await runStateExport({ ...flags, directory, devices }, io);
    });
}

function addWriting(state: Command, io: Io): void {
  state
    .command("import")
    .description("Take the states of an export in; devices that are there are replaced.")
    .argument("<directory>", "state directory")
    .argument("<file>", "what rivulet state export has written, - for standard input")
    .action(async (directory, file) => {
      const { runStateImport } = await import("../state-devices.ts");
      await runStateImport({ directory, file }, io);
    });
  state
    .command("reset")
    .description("Forget devices: the next reading of each finds it as one that was never seen.")
    .argument("<directory>", "state directory")
    .argument("[devices...]", "stream/device, as in the topic of its answers")
    .option("--stream <name>", "all devices of a stream")
    .action(async (directory, devices, flags) => {
      const { runStateReset } = await import("../state-devices.ts");
      await runStateReset({ ...flags, directory, devices }, io);
    });
}
