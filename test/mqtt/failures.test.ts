import { describe, expect, it } from "vitest";
import { describeConnectionError, REASONS } from "../../host/mqtt/failures.ts";

const failure = (message: string, code?: string | number, reason?: string) =>
  Object.assign(new Error(message), code === undefined ? {} : { code }, reason === undefined ? {} : { reason });

const LOGIN = "the broker refuses the user name or password";
const VERSION = "the broker does not speak this version of MQTT; set broker.protocol to 4 or 5";
const AUTHORITY = "the broker's certificate has an unknown authority; name it in broker.ca";

describe("REASONS", () => {
  it("has the codes of MQTT 3.1.1, table 3.1, and of MQTT 5, section 2.4", () => {
    expect([...REASONS]).toEqual([
      [1, VERSION],
      [
        2,
        'the broker refuses the client id; set broker.client_id to 1 to 23 letters and digits, which every broker takes (NATS takes no ".", "*", ">" and space)',
      ],
      [3, "the broker is not available yet"],
      [4, LOGIN],
      [5, LOGIN],
      [132, VERSION],
      [
        133,
        'the broker refuses the client id; set broker.client_id to 1 to 23 letters and digits, which every broker takes (NATS takes no ".", "*", ">" and space)',
      ],
      [134, LOGIN],
      [135, LOGIN],
      [136, "the broker is not available yet"],
      [137, "the broker is busy"],
      [138, "the broker has banned this client"],
      [139, "the broker shuts down"],
      [
        142,
        "another client took over the client id; does a copy of this state directory run elsewhere? Give each a client_id of its own",
      ],
      [149, "a packet was too large for the broker"],
    ]);
  });
});

describe("describeConnectionError", () => {
  it.each([
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
    ["SELF_SIGNED_CERT_IN_CHAIN", AUTHORITY],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", AUTHORITY],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", AUTHORITY],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "the broker's certificate is for another host name"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "the broker does not speak TLS on this port"],
    [
      "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED",
      "the broker asks for a client certificate; name it in broker.cert and broker.key",
    ],
  ])("tells %s in words", (code, text) => {
    expect(describeConnectionError(failure("x", code))).toBe(text);
  });

  it.each([
    [5, LOGIN],
    [
      142,
      "another client took over the client id; does a copy of this state directory run elsewhere? Give each a client_id of its own",
    ],
    [99, "Odd code"],
    [0, "Odd code"],
  ])("tells reason code %i", (code, text) => {
    expect(describeConnectionError(failure("Odd code", code))).toBe(text);
  });

  it.each([
    ["connack timeout", "the broker does not answer"],
    ["Keepalive timeout", "the broker does not answer any more"],
    ["Something else", "Something else"],
  ])("tells %j", (message, text) => {
    expect(describeConnectionError(failure(message))).toBe(text);
  });

  it.each([
    ["ERR_SSL_TLSV1_ALERT_UNKNOWN_CA", "the broker refuses the client certificate: because"],
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", "the broker refuses the client certificate: because"],
    ["ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "the broker refuses the client certificate: because"],
    ["ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED", "the broker refuses the client certificate: because"],
    ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", "TLS fails: because"],
    ["EPROTO", "TLS fails: because"],
    ["EOTHER", "80DC:error:x:because:1"],
  ])("tells the reason of %s without the addresses around it", (code, text) => {
    expect(describeConnectionError(failure("80DC:error:x:because:1", code, "because"))).toBe(text);
  });

  it("takes the message where there is no reason, and the code where there is no message", () => {
    expect(describeConnectionError(failure(" odd handshake\n", "EPROTO"))).toBe("TLS fails: odd handshake");
    expect(describeConnectionError(failure("", "EODD"))).toBe("EODD");
    expect(describeConnectionError(failure(""))).toBe("unknown error");
  });
});
