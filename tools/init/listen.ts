import { randomBytes } from "node:crypto";
import { type BrokerOptions, openConnection } from "../../host/mqtt/connection.ts";
import { isRefusedLogin } from "../../host/mqtt/failures.ts";
import { CliError } from "../errors.ts";
import type { Heard } from "./types.ts";

/** What is kept of what a broker brings. */
const MOST_MESSAGES = 100_000;
const MOST_BYTES = 64 << 20;
/** Longest packet: pictures of cameras need not come. */
const MOST_PACKET_BYTES = 1 << 20;

/** A broker that does not let us in. */
export class LoginRefused extends CliError {}

/** How to listen. */
export interface ListenOptions {
  readonly broker: Omit<BrokerOptions, "clientId" | "isClean">;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
  /** Told now and then how many messages came. */
  readonly onProgress?: ((count: number, secondsLeft: number) => void) | undefined;
  /** Default: over the network. */
  readonly connect?: typeof openConnection;
}

/**
 * Listens to all topics of a broker for some seconds, or until the signal comes.
 *
 * @throws {LoginRefused} when the broker wants another login
 * @throws {CliError} when it is not there, or goes away
 */
export async function listen({
  broker,
  seconds,
  signal,
  onProgress,
  connect = openConnection,
}: ListenOptions): Promise<Heard[]> {
  const heard: Heard[] = [];
  let bytes = 0;
  let end: (error?: CliError) => void = () => {};
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  const stop = () => end();
  let timer: NodeJS.Timeout | undefined;
  let ticker: NodeJS.Timeout | undefined;
  const started = Date.now();
  const connection = connect(
    {
      ...broker,
      clientId: `rivulet-init-${randomBytes(6).toString("hex")}`,
      isClean: true,
      maxPacketBytes: MOST_PACKET_BYTES,
    },
    {
      onOpen: (opened) => {
        timer = setTimeout(stop, 1000 * seconds);
        ticker = setInterval(
          () => onProgress?.(heard.length, Math.ceil(seconds - (Date.now() - started) / 1000)),
          1000,
        );
        opened.subscribe([{ filter: "#", qos: 0 }]).then(
          (codes) =>
            codes.some((code) => code >= 0x80) && end(new CliError(`${broker.url} does not let this user read "#"`)),
          (error: Error) => end(new CliError(`Cannot subscribe at ${broker.url}: ${error.message}`)),
        );
      },
      onMessage: (_, { topic, payload, isRetained }, next) => {
        if (heard.length < MOST_MESSAGES && bytes < MOST_BYTES) {
          heard.push({ topic, payload, isRetained, time: Date.now() });
          bytes += payload.length + topic.length;
        }
        next();
      },
      onDrain() {},
      onClose: (_, reason = "the connection was closed") => {
        const text = `Cannot listen to ${broker.url}: ${reason}`;
        end(isRefusedLogin(reason) ? new LoginRefused(text) : new CliError(text));
      },
    },
  );
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    await ended;
  } finally {
    clearTimeout(timer);
    clearInterval(ticker);
    signal?.removeEventListener("abort", stop);
    await connection.close(1000).catch(() => {});
  }
  return heard;
}
