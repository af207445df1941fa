// The certificates and the key that a configuration names, looked at before anything connects: TLS itself tells little of what is
// wrong with them, and much of it only as a stack trace.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";

/** PEM texts of TLS. */
export interface TlsTexts {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What is wrong with one of them. */
export interface TlsFault {
  readonly name: keyof TlsTexts | "passphrase";
  readonly message: string;
}

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

/**
 * Checks the texts of TLS: that they are what they should be, and that the key belongs to the certificate.
 *
 * @param nameOf  how a file is called in messages
 * @returns the texts with the key decrypted, or what is wrong
 */
export function checkTls(
  { ca, cert, key }: TlsTexts,
  passphrase: string | undefined,
  nameOf: (name: keyof TlsTexts) => string,
): { readonly tls: TlsTexts; readonly faults: readonly TlsFault[] } {
  const faults: TlsFault[] = [];
  const attempt = <T>(name: TlsFault["name"], action: () => T): T | undefined => {
    try {
      return action();
    } catch (error) {
      faults.push({ name, message: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  };
  if (ca !== undefined) attempt("ca", () => readCertificates(ca, nameOf("ca")));
  const certificate = cert === undefined ? undefined : attempt("cert", () => readCertificates(cert, nameOf("cert"))[0]);
  const secret = key === undefined ? undefined : attempt("key", () => readKey(key, passphrase, nameOf("key")));
  if (passphrase !== undefined && key === undefined) {
    faults.push({ name: "passphrase", message: "a passphrase needs the key that it decrypts" });
  }
  if (certificate !== undefined && secret !== undefined && !certificate.checkPrivateKey(secret)) {
    const message = `${nameOf("key")} is the key of another certificate than the one in ${nameOf("cert")}`;
    faults.push({ name: "key", message });
  }
  const plain = secret === undefined ? {} : { key: secret.export({ type: "pkcs8", format: "pem" }).toString() };
  return { tls: { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...plain }, faults };
}

/** @throws {Error} when there is none, or one that cannot be read */
function readCertificates(text: string, file: string): X509Certificate[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error(`${file} ${describeText(text, "certificate", "x509")}`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (error) {
      const which = blocks.length === 1 ? "the certificate" : `certificate ${index + 1} of ${blocks.length}`;
      throw new Error(`${which} in ${file} cannot be read: ${reasonOf(error)}`, { cause: error });
    }
  });
}

/** @throws {Error} when there is none, or it cannot be decrypted or read */
function readKey(text: string, passphrase: string | undefined, file: string): KeyObject {
  if (!PRIVATE_KEY.test(text)) throw new Error(`${file} ${describeText(text, "private key", "pkey")}`);
  const isEncrypted = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text);
  if (isEncrypted && passphrase === undefined) {
    throw new Error(`${file} is encrypted: broker.passphrase is missing, best as \${file:/path} or \${env:NAME}`);
  }
  try {
    return createPrivateKey({ key: text, format: "pem", ...(isEncrypted ? { passphrase } : {}) });
  } catch (error) {
    if (isEncrypted) throw new Error(`${file} cannot be decrypted with broker.passphrase`, { cause: error });
    throw new Error(`the private key in ${file} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Tells what a text is that is not what it should be. */
function describeText(text: string, expected: string, command: string): string {
  if (text.trim() === "") return "is empty";
  const block = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  const remedy = `expected a ${expected} in PEM (-----BEGIN …-----)`;
  if (block !== undefined) return `holds a ${block.toLowerCase()}, ${remedy}`;
  if (text.charCodeAt(0) === 0x30) {
    return `is not PEM but looks like DER; openssl ${command} -inform der -in FILE -out FILE.pem makes PEM of it`;
  }
  return `is not PEM, ${remedy}`;
}

/** What OpenSSL says, without the addresses around it. */
function reasonOf(error: unknown): string {
  const { reason, message } = error as { readonly reason?: string; readonly message: string };
  return reason ?? message;
}
