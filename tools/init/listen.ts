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
const CLOSE_MS = 1000;

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
export async function listen(options: ListenOptions): Promise<Heard[]> {
  const { broker, signal, connect = openConnection } = options;
  const { heard, keep } = createMemory();
  const ended = createEnd();
  let stopClock = () => {};
  const connection = connect(
    {
      ...broker,
      clientId: `rivulet-init-${randomBytes(6).toString("hex")}`,
      isClean: true,
      maxPacketBytes: MOST_PACKET_BYTES,
    },
    {
      onOpen: (opened) => {
        stopClock = startClock(options, () => heard.length, ended.end);
        opened.subscribe([{ filter: "#", qos: 0 }]).then(
          (codes) =>
            codes.some((code) => code >= 0x80) &&
            ended.end(new CliError(`${broker.url} does not let this user read "#"`)),
          (error: Error) => ended.end(new CliError(`Cannot subscribe at ${broker.url}: ${error.message}`)),
        );
      },
      onMessage: (_, { topic, payload, isRetained }, next) => {
        keep({ topic, payload, isRetained, time: Date.now() });
        next();
      },
      onDrain() {},
      onClose: (_, reason = "the connection was closed") => {
        const text = `Cannot listen to ${broker.url}: ${reason}`;
        ended.end(isRefusedLogin(reason) ? new LoginRefused(text) : new CliError(text));
      },
    },
  );
  const stop = () => ended.end();
  signal?.addEventListener("abort", stop, { once: true });
  if (signal?.aborted) stop();
  try {
    await ended.promise;
  } finally {
    stopClock();
    signal?.removeEventListener("abort", stop);
    await connection.close(CLOSE_MS).catch(() => {});
  }
  return heard;
}

/** Keeps messages, up to a bound. */
function createMemory(): { readonly heard: Heard[]; keep(message: Heard): void } {
  const heard: Heard[] = [];
  let bytes = 0;
  const keep = (message: Heard) => {
    if (heard.length >= MOST_MESSAGES || bytes >= MOST_BYTES) return;
    heard.push(message);
    bytes += message.payload.length + message.topic.length;
  };
  return { heard, keep };
}

/** A promise that ends once, well or with an error. */
function createEnd(): { readonly promise: Promise<void>; end(error?: CliError): void } {
  let end: (error?: CliError) => void = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  return { promise, end: (error) => end(error) };
}

/** Ends the listening in time, and tells how it goes; answers what stops it before. */
function startClock({ seconds, onProgress }: ListenOptions, count: () => number, end: () => void): () => void {
  const started = Date.now();
  const timer = setTimeout(() => end(), 1000 * seconds);
  const ticker = setInterval(() => onProgress?.(count(), Math.ceil(seconds - (Date.now() - started) / 1000)), 1000);
  return () => {
    clearTimeout(timer);
    clearInterval(ticker);
  };
}
