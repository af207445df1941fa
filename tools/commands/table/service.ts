// Running it for years. Arguments, flags and help here, the work in one file each, loaded when it is called.

import type { Command } from "commander";
import type { Io } from "../../io.ts";
import { examples } from "./arguments.ts";

/** `rivulet service`. */
export function addService(program: Command, io: Io): void {
  program
    .command("service")
    .description("Have the system start and watch rivulet run.")
    .addHelpText("after", examples("rivulet service print /etc/rivulet/rivulet.yaml"))
    .command("print")
    .description("Print a unit of systemd that runs a configuration, and may do nothing else.")
    .argument("<config>", "configuration file (YAML)")
    .option("--name <name>", "name of the service; its state is in /var/lib/<name>", "rivulet")
    .addHelpText(
      "after",
      examples(
        "rivulet service print /etc/rivulet/rivulet.yaml | sudo tee /etc/systemd/system/rivulet.service",
        "rivulet service print /etc/rivulet/line-2.yaml --name rivulet-line-2",
      ),
    )
    .action(async (config, flags) => {
      const { runServicePrint } = await import("../service.ts");
      await runServicePrint({ ...flags, config }, io);
    });
}
