import type { Config } from "./schema.ts";
import type { TlsTexts } from "./tls.ts";

/** How a client logs in at the broker. */
export interface Login extends TlsTexts {
  readonly url: string;
  /** Seconds. */
  readonly keepalive: number;
  readonly protocol: 4 | 5;
  readonly rejectUnauthorized: boolean;
  readonly username?: string;
  readonly password?: string;
}

/** Answers the login that a configuration describes; the client id is not part of it, since only one client can have it. */
export function loginOf(broker: Config["broker"], tls: TlsTexts): Login {
  const { url, keepalive, protocol, reject_unauthorized: rejectUnauthorized, username, password } = broker;
  return {
    url,
    keepalive,
    protocol,
    rejectUnauthorized,
    ...tls,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}
