// The configuration as text, with comments, and the file of secrets beside it.

import { parse } from "dotenv";
import { stringify } from "yaml";
import { baseOfPreset } from "../../host/config/presets/index.ts";
import { listText, rangeText, whoText } from "./describe.ts";
import type { FoundInput, FoundStream } from "./streams.ts";

/** The broker as it is written. */
export interface WrittenBroker {
  readonly url: string;
  /** Whether user name and password are in the environment, or in `.env`. */
  readonly hasLogin: boolean;
  /** Other lines of the section, such as `ca`. */
  readonly lines: Readonly<Record<string, unknown>>;
}

/** Names of the variables that hold the login. */
const LOGIN = { username: "RIVULET_USERNAME", password: "RIVULET_PASSWORD" } as const;

/** Writes the configuration of streams. */
export function writeConfig(
  broker: WrittenBroker,
  streams: readonly FoundStream[],
  about: { readonly file: string; readonly heard: string; readonly hasHomeAssistant?: boolean },
): string {
  const { file } = about;
  const login = broker.hasLogin
    ? [
        `  username: \${env:${LOGIN.username}} # in the file .env beside this one`,
        `  password: \${env:${LOGIN.password}}`,
      ]
    : [];
  const lines = [
    `# Written by rivulet init, which ${about.heard}.`,
    `#   rivulet check ${file}   tells whether it can be used, and the way of a message through it`,
    `#   rivulet run ${file}     runs it`,
    "broker:",
    `  url: ${scalar(broker.url)}`,
    ...login,
    ...Object.entries(broker.lines).map(([key, value]) => `  ${key}: ${scalar(value)}`),
    "",
    "state: { directory: ./state } # what is learnt, and the readings that are collected",
    "",
    `# homeassistant: true # shows devices and alarms in Home Assistant${about.hasHomeAssistant ? ", which is on this broker" : ""}`,
    "# web: { listen: 127.0.0.1:8099 } # a page with devices, charts and alarms",
    "",
    "streams:",
    ...streams.flatMap((stream, index) => [...(index === 0 ? [] : [""]), ...writeStream(stream, index === 0)]),
  ];
  return `${lines.join("\n")}\n`;
}

function writeStream(stream: FoundStream, isFirst: boolean): string[] {
  const { name, preset, base, lines, inputs, others } = stream;
  const { except, ...rest } = lines as { readonly except?: readonly string[] };
  const hasOwnBase = preset !== undefined && base !== baseOfPreset(preset);
  const chosen = hasOwnBase ? scalar({ name: preset, base }) : preset;
  const why = (text: string) => (isFirst ? ` # ${text}` : "");
  return [
    `  # ${oneLine(whoText(stream))}`,
    `  ${scalar(name)}:`,
    ...(chosen === undefined ? [] : [`    preset: ${chosen}${why("rivulet check --explain writes it out")}`]),
    ...Object.entries(rest).map(([key, value]) => `    ${key}: ${scalar(value)}`),
    ...(except === undefined
      ? []
      : [
          "    except: # what the system says beside, and devices of the other streams",
          ...except.map((topic) => `      - ${scalar(topic)}`),
        ]),
    "    inputs:",
    ...inputs.map((input) => `      - ${writeInput(input)} # ${rangeText(input)}`),
    ...(others.length === 0 ? [] : [`      # left out: ${oneLine(listText(others, 12))}`]),
    `    detector: auto${why("learns what is usual from the first 1000 samples of each device")}`,
    `    collect: 7d${why(`keeps the readings in state/collected/${name}.csv: rivulet train makes a model of them`)}`,
    ...(isFirst ? ["    # model: model.safetensors # once there is one; its inputs are called as those above"] : []),
  ];
}

function writeInput({ name, lines }: FoundInput): string {
  return Object.keys(lines).length === 0 ? scalar(name) : scalar({ name, ...lines });
}

/** A value of YAML in one line. */
function scalar(value: unknown): string {
  return stringify(value, { collectionStyle: "flow", lineWidth: 0 }).trimEnd();
}

/** Names come from the network; a line feed would end the comment. */
const oneLine = (text: string): string => text.replaceAll(/\p{Cc}/gu, "?");

/**
 * Answers the text of a `.env` file with the login in it; other lines of an old one stay.
 *
 * @throws {RangeError} when no such file can hold the login
 */
export function writeEnv(old: string, login: { readonly username: string; readonly password: string }): string {
  const names: readonly string[] = Object.values(LOGIN);
  const kept = old.split(/\r?\n/).filter((line) => line !== "" && !names.includes(line.split("=")[0]?.trim() ?? ""));
  const own = (["username", "password"] as const).map((key) => `${LOGIN[key]}=${quoted(login[key])}`);
  const text = `${[...kept, ...own].join("\n")}\n`;
  const read = parse(text);
  if (read[LOGIN.username] !== login.username || read[LOGIN.password] !== login.password) {
    throw new RangeError("The login has quotes or backslashes that no .env file can hold");
  }
  return text;
}

/** A file of variables knows three kinds of quotes; within double ones, a backslash and an n is the end of a line. */
function quoted(value: string): string {
  const quote = ["'", "`", '"'].find((one) => !value.includes(one)) ?? '"';
  return `${quote}${value}${quote}`;
}
