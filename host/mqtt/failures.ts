const REFUSED_ID =
  'the broker refuses the client id; set broker.client_id to 1 to 23 letters and digits, which every broker takes (NATS takes no ".", "*", ">" and space)';
const REFUSED_LOGIN = "the broker refuses the user name or password";

/** Whether a connection ended since the broker wants another login. */
export const isRefusedLogin = (reason: string): boolean => reason.startsWith(REFUSED_LOGIN);

/** Why a broker that speaks MQTT 5 ends the connection of the elder of two clients with one id. */
export const TAKEN_OVER =
  "another client took over the client id; does a copy of this state directory run elsewhere? Give each a client_id of its own";

/** What the reason codes of a CONNACK or DISCONNECT mean to an operator (MQTT 3.1.1 table 3.1, MQTT 5 section 2.4). */
export const REASONS: ReadonlyMap<number, string> = new Map([
  [1, "the broker does not speak this version of MQTT; set broker.protocol to 4 or 5"],
  [2, REFUSED_ID],
  [3, "the broker is not available yet"],
  [4, REFUSED_LOGIN],
  [5, REFUSED_LOGIN],
  [132, "the broker does not speak this version of MQTT; set broker.protocol to 4 or 5"],
  [133, REFUSED_ID],
  [134, REFUSED_LOGIN],
  [135, REFUSED_LOGIN],
  [136, "the broker is not available yet"],
  [137, "the broker is busy"],
  [138, "the broker has banned this client"],
  [139, "the broker shuts down"],
  [142, TAKEN_OVER],
  [149, "a packet was too large for the broker"],
]);

const SYSTEM: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused; is the broker running?"],
  ["ECONNRESET", "the connection was reset"],
  ["EHOSTUNREACH", "the host cannot be reached"],
  ["ENETUNREACH", "the network cannot be reached"],
  ["ENOTFOUND", "the host name is not known"],
  ["EAI_AGAIN", "the host name cannot be looked up at the moment"],
  ["EPIPE", "the connection was closed"],
  ["ETIMEDOUT", "the host does not answer"],
  ["CERT_HAS_EXPIRED", "the broker's certificate has expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "the broker's certificate is self-signed; name its authority in broker.ca"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "the broker's certificate has an unknown authority; name it in broker.ca"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "the broker's certificate has an unknown authority; name it in broker.ca"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "the broker's certificate has an unknown authority; name it in broker.ca"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "the broker's certificate is for another host name"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "the broker does not speak TLS on this port"],
  [
    "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "the broker asks for a client certificate; name it in broker.cert and broker.key",
  ],
]);

/** Alerts about a certificate can only come from the broker: what we think of its own is not an alert that we receive. */
const CERTIFICATE_ALERT = /^ERR_SSL_.*_ALERT_(UNKNOWN_CA|(BAD|UNSUPPORTED)_CERTIFICATE|CERTIFICATE_\w+)$/;

/** Tells in plain words why a connection failed. */
export function describeConnectionError(error: Error): string {
  // Of a failure of TLS, the message has addresses and lines of OpenSSL around the reason.
  const { code, reason = error.message.trim() } = error as { code?: string | number; reason?: string };
  if (typeof code === "number") return REASONS.get(code) ?? error.message;
  if (error.message === "connack timeout") return "the broker does not answer";
  if (error.message === "Keepalive timeout") return "the broker does not answer any more";
  const known = SYSTEM.get(code ?? "");
  if (known !== undefined) return known;
  if (code !== undefined && CERTIFICATE_ALERT.test(code)) return `the broker refuses the client certificate: ${reason}`;
  if (code !== undefined && /^(ERR_SSL|EPROTO)/.test(code)) return `TLS fails: ${reason}`;
  return error.message || String(code ?? "unknown error");
}

/** A message that the broker did not take: it says so in MQTT 5 alone. */
export class PublishRefused extends Error {
  override readonly name = "PublishRefused";
}

/** Answers the error that names the topic when the broker has refused what was published on it; undefined for other failures. */
export function refusalOf(topic: string, error: unknown): PublishRefused | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  if (typeof code !== "number" || code < 0x80) return undefined;
  const reason = message.replace(/^Publish error: /, "").toLowerCase();
  return new PublishRefused(`the broker refuses what is published on ${topic}: ${reason}`, { cause: error });
}
