// Streams over MQTT: demo, run, check, replay. Arguments, flags and help here, the work in one file each, loaded when it is called.

import { type Command, Option } from "commander";
import type { Io } from "../../io.ts";
import { examples, number, positive, positiveInteger, upTo, wholeNumber } from "./arguments.ts";

/** `rivulet demo`. */
export function addDemo(program: Command, io: Io): void {
  program
    .command("demo")
    .description("Watch twelve simulated pumps on an embedded MQTT broker; the bearing of one of them fails.")
    .option("--seconds <n>", "stop after n seconds and print a summary (default: run until Ctrl-C)", positive)
    .option("--pumps <n>", "number of pumps", upTo(99), 12)
    .option("--seed <n>", "seed of the simulation", wholeNumber, 1)
    .option("--web <address:port>", "where the page is served; another port if it is taken", "127.0.0.1:8099")
    .option("--no-web", "serve no page")
    .addHelpText(
      "after",
      examples("rivulet demo", "rivulet demo --seconds 60", "rivulet demo --pumps 4 --seed 7 | cat"),
    )
    .action(async (flags) => {
      const { runDemo } = await import("../demo.ts");
      await runDemo(flags, io);
    });
}

/** `rivulet run`. */
export function addRun(program: Command, io: Io): void {
  program
    .command("run")
    .description("Answer the readings on an MQTT broker with predictions, as a configuration file says.")
    .argument("<config>", "configuration file (YAML)")
    .addHelpText("after", examples("rivulet run rivulet.yaml", "MQTT_PASSWORD=… rivulet run plant.yaml"))
    .action(async (config) => {
      const { runRun } = await import("../run.ts");
      await runRun({ config }, io);
    });
}

/** `rivulet init`. */
export function addInit(program: Command, io: Io): void {
  const command = program
    .command("init")
    .description("Listen to an MQTT broker, tell what is there, and write a configuration for rivulet run.")
    .option("--seconds <n>", "how long to listen", positive, 30)
    .option("--output <file>", "configuration to write; its folder gets .env, where there is a login", "rivulet.yaml")
    .option("--yes", "ask nothing: take what would be proposed")
    .option("--force", "replace a configuration that is there")
    .option("--broker <url>", "mqtt://host[:port] or mqtts://host[:port] (default: it is asked, mqtt://localhost)");
  addLogin(command)
    .addHelpText(
      "after",
      examples(
        "rivulet init",
        "rivulet init --broker mqtt://raspberrypi.local --seconds 120",
        "RIVULET_PASSWORD=… rivulet init --broker mqtts://broker.example.com --username me --yes",
      ),
    )
    .action(async (flags) => {
      const { runInit } = await import("../init.ts");
      await runInit(flags, io);
    });
}

/** Flags of a login at a broker, whose secrets come from the environment. */
function addLogin(command: Command): Command {
  return command
    .option("--username <name>", "user name; the password comes from the environment, RIVULET_PASSWORD")
    .option("--ca <file>", "PEM file of the authority that signed the broker's certificate")
    .option("--cert <file>", "PEM file of the client certificate")
    .option("--key <file>", "PEM file of its key; a passphrase comes from the environment, RIVULET_PASSPHRASE")
    .option("--insecure", "take any certificate of the broker")
    .option("--protocol <version>", "4 is MQTT 3.1.1 (default), 5 is MQTT 5", (text) =>
      number(text, (n) => n === 4 || n === 5, "4 or 5"),
    );
}

/** `rivulet check`. */
export function addCheck(program: Command, io: Io): void {
  program
    .command("check")
    .description("Check a configuration of rivulet run without connecting, and print the way of messages through it.")
    .argument("<config>", "configuration file (YAML)")
    .option("--topic <topic>", "topic of a message whose way is printed; needs --payload")
    .option("--payload <text>", "payload of that message")
    .option(
      "--recording <file>",
      "messages to print the way of: what mosquitto_sub -F '%J' or '%j' writes; - for standard input",
    )
    .option("--explain", "print the configuration in full, presets written out")
    .addHelpText(
      "after",
      examples(
        "rivulet check rivulet.yaml",
        "rivulet check rivulet.yaml --topic zigbee2mqtt/cellar --payload '{\"temperature\":14.1}'",
        "mosquitto_sub -h localhost -t '#' -F '%J' | rivulet check rivulet.yaml --recording -",
      ),
    )
    .action(async (config, flags) => {
      const { runCheck } = await import("../check.ts");
      await runCheck({ ...flags, config }, io);
    });
}

/** `rivulet doctor`. */
export function addDoctor(program: Command, io: Io): void {
  program
    .command("doctor")
    .description(
      "Look at all that a run depends on, by trying: broker, rights, state directory, clock; and tell what to do.",
    )
    .argument("<config>", "configuration file (YAML)")
    .option("--seconds <n>", "listen to the topics of the streams for so long (default: 3)", positive)
    .option("--acl", "print an ACL of Mosquitto for this configuration")
    .option("--mosquitto", "print a configuration of Mosquitto that loses no reading")
    .addHelpText(
      "after",
      examples("rivulet doctor rivulet.yaml", "rivulet doctor rivulet.yaml --acl | sudo tee /etc/mosquitto/acl"),
    )
    .action(async (config, flags) => {
      const { runDoctor } = await import("../doctor.ts");
      await runDoctor({ ...flags, config }, io);
    });
}

/** `rivulet watch`. */
export function addWatch(program: Command, io: Io): void {
  program
    .command("watch")
    .description("Show a live table of devices: rate, values, prediction, residual, score, alarm and health.")
    .argument("[config]", "configuration of rivulet run: its broker, and the readings of its streams")
    .option("--broker <url>", "without a configuration: mqtt://host[:port]; shows what a host publishes")
    .option("--base <topic>", "first levels of the topics of the host (default: rivulet)")
    .option("--username <name>", "user name; the password comes from the environment, RIVULET_PASSWORD")
    .option("--ca <file>", "PEM file of the authority that signed the broker's certificate")
    .option("--cert <file>", "PEM file of the client certificate")
    .option("--key <file>", "PEM file of its key; a passphrase comes from the environment, RIVULET_PASSPHRASE")
    .option("--insecure", "take any certificate of the broker")
    .option(
      "--seconds <n>",
      "stop after n seconds (default: until Ctrl-C; 10 where the output is no terminal)",
      positive,
    )
    .addHelpText("after", examples("rivulet watch rivulet.yaml", "rivulet watch --broker mqtt://localhost"))
    .action(async (config, flags) => {
      const { runWatch } = await import("../watch.ts");
      await runWatch({ ...flags, config }, io);
    });
}

/** `rivulet replay`. */
export function addReplay(program: Command, io: Io): void {
  program
    .command("replay")
    .description("Publish the rows of a CSV file to an MQTT broker.")
    .argument("<file>", "CSV file with a header")
    .option("--broker <url>", "mqtt://host[:port] or mqtts://host[:port]")
    .option("--config <file>", "configuration of rivulet run: its broker, in place of --broker and what follows it")
    .requiredOption("--topic <topic>", "topic; {column} stands for the row's value of that column")
    .option("--rate <rows>", "rows per second", positive)
    .option("--speed <factor>", "times as fast as recorded; needs --time", positive)
    .option("--max", "as fast as the broker takes them (default)")
    .option("--time <column>", "column with the time of recording")
    .option("--columns <names>", "columns of the payload, separated by commas (default: all that are not in the topic)")
    .option("--decimal-comma", "numbers are written as 21,5")
    .addOption(new Option("--payload <format>", "format of the payload").choices(["json", "array", "number", "f32le"]))
    .option("--qos <level>", "0 or 1 (default: 1)", (text) => number(text, (n) => n === 0 || n === 1, "0 or 1"))
    .option("--limit <rows>", "most rows to publish", positiveInteger)
    .option("--username <name>", "user name; the password comes from the environment, RIVULET_PASSWORD")
    .option("--ca <file>", "PEM file of the authority that signed the broker's certificate")
    .option("--cert <file>", "PEM file of the client certificate")
    .option("--key <file>", "PEM file of its key; a passphrase comes from the environment, RIVULET_PASSPHRASE")
    .option("--insecure", "take any certificate of the broker")
    .option("--client-id <id>", "client id (default: one of its own)")
    .option("--protocol <version>", "4 is MQTT 3.1.1 (default), 5 is MQTT 5", (text) =>
      number(text, (n) => n === 4 || n === 5, "4 or 5"),
    )
    .addHelpText(
      "after",
      examples(
        "rivulet replay readings.csv --broker mqtt://localhost --topic plant/pump1/data --rate 10",
        "rivulet replay plant.csv --broker mqtt://localhost --topic plant/{pump}/data --time timestamp --speed 60",
        "rivulet replay readings.csv --config rivulet.yaml --topic plant/pump1/data",
      ),
    )
    .action(async (file, flags) => {
      const { runReplay } = await import("../replay.ts");
      await runReplay({ ...flags, file }, io);
    });
}
