import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { Link } from "../../host/mqtt/link.ts";
import { createTestLog, until } from "../support/bridge.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A broker that answers each CONNECT with the next return code (MQTT 3.1.1 table 3.1), the last one for ever, and hangs up. */
async function startFakeBroker(codes: readonly number[], onAttempt: (count: number) => void): Promise<string> {
  let count = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {}); // the client may be gone first
    socket.once("data", () => {
      onAttempt(++count);
      socket.end(Uint8Array.of(0x20, 2, 0, codes[count - 1] ?? codes.at(-1) ?? 0));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The system gave no port");
  return `mqtt://127.0.0.1:${address.port}`;
}

/** Attempts to connect until `attempts` of them were made, the clock going on by `stepMs` at each; answers the log. */
async function logOfAttempts(codes: readonly number[], attempts: number, stepMs: number): Promise<string[]> {
  const log = createTestLog();
  let time = 0;
  let made = 0;
  const url = await startFakeBroker(codes, (count) => {
    made = count;
    if (count <= attempts) time += stepMs;
  });
  const link = new Link({
    broker: { url, clientId: "rivulet-test", isClean: true },
    log,
    now: () => time,
    retry: { firstMs: 1, maxMs: 2 },
    onOpen: async () => {},
    onMessage: (_connection, _message, next) => next(),
    onChange: () => {},
  });
  closers.push(() => link.stop(100));
  link.start();
  await until(() => made > attempts); // so the last one is in the log
  await link.stop(100);
  return log.lines.map((line) => line.replace(url, "URL"));
}

describe("Link", () => {
  it("tells a failure at once, and then once a minute with the number of attempts", async () => {
    const unavailable = "warn broker: cannot connect to URL: the broker is not available yet";
    expect(await logOfAttempts([3], 20, 10_000)).toEqual([
      `${unavailable}; trying again`,
      `${unavailable}; still trying (7 attempts)`,
      `${unavailable}; still trying (13 attempts)`,
      `${unavailable}; still trying (19 attempts)`,
    ]);
  });

  it("tells another failure at once", async () => {
    expect(await logOfAttempts([3, 3, 5, 5, 3], 6, 100)).toEqual([
      "warn broker: cannot connect to URL: the broker is not available yet; trying again",
      "warn broker: cannot connect to URL: the broker refuses the user name or password; trying again",
    ]);
  });

  it("tells a failure at once when it was connected in between", async () => {
    expect(await logOfAttempts([3, 0, 3, 3], 5, 100)).toEqual([
      "warn broker: cannot connect to URL: the broker is not available yet; trying again",
      "info broker: connected to URL as rivulet-test",
      "warn broker: lost the connection to URL: the connection was closed; trying again",
      "warn broker: cannot connect to URL: the broker is not available yet; trying again",
    ]);
  });
});
