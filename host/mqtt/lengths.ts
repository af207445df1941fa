/** Bytes of the longest text in a packet of MQTT [MQTT-1.5.3]. */
const MOST_TEXT_BYTES = 65_535;

/** Texts of a connection. */
export interface ConnectionTexts {
  readonly clientId?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Tells which text of a connection is longer than MQTT can carry, but not the text; undefined when none is. */
export function lengthProblem({ clientId, username, password }: ConnectionTexts): string | undefined {
  const texts = { "client id": clientId, "user name": username, password };
  const found = Object.entries(texts).find(([, text = ""]) => Buffer.byteLength(text) > MOST_TEXT_BYTES);
  return found && `the ${found[0]} is longer than ${MOST_TEXT_BYTES} bytes`;
}
