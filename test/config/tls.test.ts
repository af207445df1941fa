import { copyFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { MINIMAL, useConfigFolder } from "../support/config.ts";

const { path, load, problemsOf } = useConfigFolder();

const withTls = (keys: string) => MINIMAL.replace('"mqtt://localhost"', `"mqtts://localhost", ${keys}`);
const take = async (...names: string[]) => {
  for (const name of names) await copyFile(`test/vectors/tls/${name}`, path(name));
};

describe("the certificates and the key of a configuration", () => {
  it.each(["client-encrypted.key", "client-encrypted-old.key"])("may be encrypted: %s", async (key) => {
    await take("client.pem", "client.key", key);
    const lines = withTls(`cert: client.pem, key: ${key}, passphrase: "\${env:PASSPHRASE}"`);
    const { tls, warnings } = await load(lines, { PASSPHRASE: "plant" });
    expect(tls.key).toBe((await load(withTls("cert: client.pem, key: client.key"))).tls.key);
    expect(warnings).toEqual([]);
    expect(await problemsOf(lines, { PASSPHRASE: "wrong one" })).toEqual([
      `config.yaml:2:60 broker.key: ${key} cannot be decrypted with broker.passphrase`,
    ]);
    expect(await problemsOf(withTls(`cert: client.pem, key: ${key}`))).toEqual([
      `config.yaml:2:60 broker.key: ${key} is encrypted: broker.passphrase is missing, best as \${file:/path} or \${env:NAME}`,
    ]);
  });

  it("warns of a passphrase in plain text", async () => {
    await take("client.pem", "client-encrypted.key");
    const { warnings } = await load(withTls("cert: client.pem, key: client-encrypted.key, passphrase: plant"));
    expect(warnings).toEqual([expect.stringContaining("broker.passphrase is in the file as plain text")]);
  });

  it("wants the key of the certificate", async () => {
    await take("client.pem", "other.key");
    expect(await problemsOf(withTls("cert: client.pem, key: other.key"))).toEqual([
      "config.yaml:2:60 broker.key: other.key is the key of another certificate than the one in client.pem",
    ]);
  });

  it("wants a key for a passphrase", async () => {
    expect(await problemsOf(withTls('passphrase: "${env:P}"'), { P: "hidden" })).toEqual([
      "config.yaml:2:49 broker.passphrase: a passphrase needs the key that it decrypts",
    ]);
  });

  it.each([
    ["", "is empty"],
    ["CA", "is not PEM, expected a certificate in PEM (-----BEGIN …-----)"],
    [
      "-----BEGIN RSA PUBLIC KEY-----\nMII\n",
      "holds a rsa public key, expected a certificate in PEM (-----BEGIN …-----)",
    ],
  ])("wants an authority in PEM, not %j", async (text, message) => {
    await writeFile(path("ca.pem"), text);
    expect(await problemsOf(withTls("ca: ca.pem"))).toEqual([`config.yaml:2:41 broker.ca: ca.pem ${message}`]);
  });

  it("says what makes PEM of DER", async () => {
    await take("authority.der");
    expect(await problemsOf(withTls("ca: authority.der"))).toEqual([
      "config.yaml:2:41 broker.ca: authority.der is not PEM but looks like DER; openssl x509 -inform der -in FILE -out FILE.pem makes PEM of it",
    ]);
  });

  it("tells which certificate of several cannot be read", async () => {
    await take("authority.pem");
    const { tls } = await load(withTls("ca: authority.pem"));
    const broken = tls.ca?.replace("MII", "MIJ");
    await writeFile(path("ca.pem"), `${tls.ca}${broken}`);
    const [problem] = await problemsOf(withTls("ca: ca.pem"));
    expect(problem).toMatch(/^config.yaml:2:41 broker.ca: certificate 2 of 2 in ca.pem cannot be read: /);
  });

  it("tells of a certificate where the key should be, and of a key that cannot be read", async () => {
    await take("client.pem");
    expect(await problemsOf(withTls("cert: client.pem, key: client.pem"))).toEqual([
      "config.yaml:2:60 broker.key: client.pem holds a certificate, expected a private key in PEM (-----BEGIN …-----)",
    ]);
    await writeFile(path("k.key"), "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n");
    const [problem] = await problemsOf(withTls("cert: client.pem, key: k.key"));
    expect(problem).toMatch(/^config.yaml:2:60 broker.key: the private key in k.key cannot be read: /);
  });

  it("does not show a name that a reference brought", async () => {
    await writeFile(path("hidden"), "CA");
    const problems = await problemsOf(withTls('ca: "${env:CA}"'), { CA: "hidden" });
    expect(problems).toEqual([expect.stringContaining("broker.ca: the file that the reference names is not PEM")]);
    expect(problems.join()).not.toContain("hidden");
  });
});
