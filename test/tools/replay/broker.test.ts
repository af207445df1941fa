import { writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { CliError, UsageError } from "../../../tools/errors.ts";
import { chooseBroker } from "../../../tools/replay/broker.ts";
import { MINIMAL, useConfigFolder } from "../../support/config.ts";

const { path } = useConfigFolder();
const vector = (name: string) => `test/vectors/tls/${name}`;
const TLS = { broker: "mqtts://plant", ca: vector("authority.pem"), cert: vector("client.pem") };

describe("chooseBroker", () => {
  it("takes everything from the flags, the secrets from the environment", async () => {
    const flags = {
      ...TLS,
      key: vector("client-encrypted.key"),
      username: "u",
      clientId: "c",
      insecure: true,
    } as const;
    const env = { RIVULET_PASSWORD: "p", RIVULET_PASSPHRASE: "plant" };
    expect(await chooseBroker({ ...flags, protocol: 5 }, env)).toEqual({
      url: "mqtts://plant",
      clientId: "c",
      protocol: 5,
      rejectUnauthorized: false,
      username: "u",
      password: "p",
      ca: expect.stringContaining("CERTIFICATE"),
      cert: expect.stringContaining("CERTIFICATE"),
      key: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----/),
    });
    expect(await chooseBroker({ broker: "mqtt://plant" }, env)).toEqual({ url: "mqtt://plant" });
  });

  it("takes the broker of a configuration, but not its client id, which belongs to the host", async () => {
    const broker = "client_id: host, username: u, password: '${env:P}', protocol: 5";
    await writeFile(path("config.yaml"), MINIMAL.replace('"mqtt://localhost"', `"mqtt://localhost", ${broker}`));
    expect(await chooseBroker({ config: path("config.yaml") }, { P: "p" })).toEqual({
      url: "mqtt://localhost",
      keepalive: 30,
      protocol: 5,
      rejectUnauthorized: true,
      username: "u",
      password: "p",
    });
    await expect(chooseBroker({ config: path("absent.yaml") }, {})).rejects.toThrow(CliError);
  });

  it.each([
    [{}, "Where is the broker? Give --broker URL or --config FILE"],
    [{ config: "c", broker: "mqtt://x" }, "--config brings the broker; --broker cannot be given beside it"],
    [{ config: "c", insecure: true }, "--config brings the broker; --insecure cannot be given beside it"],
    [{ broker: "mqtt://x", ca: "a" }, "TLS needs a URL that starts with mqtts://"],
    [{ broker: "mqtts://x", cert: "a" }, "A client certificate and its key go together: --cert and --key"],
    [{ broker: "mqtts://x", key: "a" }, "A client certificate and its key go together: --cert and --key"],
  ])("refuses %j", async (flags, message) => {
    await expect(chooseBroker(flags, {})).rejects.toThrow(new UsageError(message));
  });

  it.each([
    ["other.key", /^test\/vectors\/tls\/other.key is the key of another certificate than the one in .*client.pem$/],
    ["client-encrypted.key", /^.*client-encrypted.key is encrypted: RIVULET_PASSPHRASE in the environment is missing/],
  ])("tells what is wrong with %s", async (key, message) => {
    await expect(chooseBroker({ ...TLS, key: vector(key) }, {})).rejects.toThrow(message);
  });
});
