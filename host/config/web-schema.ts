import * as z from "zod";
import type { Problem } from "./document.ts";
import { duration } from "./duration.ts";

/** An address and a port to listen on. */
export interface Listen {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  /** 0: the system chooses one. */
  readonly port: number;
}

const LEAST_TOKEN = 16;
const MOST_HISTORY_S = 366 * 86_400;

/** The section `web` of a configuration. */
export const web = z.strictObject({
  listen: z
    .string()
    .refine((text) => parseListen(text) !== undefined, {
      error: "expected an address and a port, such as 127.0.0.1:8099 or [::1]:8099",
    })
    .default("127.0.0.1:8099")
    .describe("Address and port of the page; beyond 127.0.0.1 it needs a token"),
  token: z
    .string()
    .refine((text) => text.length >= LEAST_TOKEN, {
      error: `is too short, expected at least ${LEAST_TOKEN} characters: it is all that keeps others out`,
    })
    .optional()
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of a configuration
    .describe("What viewers have to know; best ${file:/path} or ${env:NAME}"),
  hosts: z
    .array(z.string().min(1))
    .default([])
    .describe('Other names by which browsers reach the page, e.g. of a reverse proxy; "*": any'),
  history: duration
    .refine((seconds) => seconds <= MOST_HISTORY_S, { error: "expected at most 366d" })
    .default(7 * 86_400)
    .describe("How long minutes and hours of each device are kept for the page"),
});

/** Reads `127.0.0.1:8099`, `[::1]:8099` or `name:8099`; undefined when it is none. */
export function parseListen(text: string): Listen | undefined {
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  return host === undefined || Number(port) > 65_535 ? undefined : { host, port: Number(port) };
}

/** Tells whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Adds to `problems` what is wrong with the section `web`. */
export function checkWeb(config: z.infer<typeof web> | undefined, problems: Problem[]): void {
  const listen = config && parseListen(config.listen);
  if (config === undefined || listen === undefined || isLoopback(listen.host) || config.token !== undefined) return;
  const way = "token: ${" + "file:/path} says what viewers have to know";
  const message = `${listen.host} can be reached by other machines, and the page has no token: ${way}; or listen on 127.0.0.1`;
  problems.push({ path: ["web", "listen"], message });
}
