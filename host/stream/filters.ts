// MQTT topic filters as sets of topics (MQTT 3.1.1, 4.7): `+` is one level, a last `#` is any number of levels, none included.

/** A topic filter and the quality of service it is subscribed with. */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
}

/** Tells whether some topic matches both filters. */
export function filtersOverlap(a: string, b: string): boolean {
  const left = a.split("/");
  const right = b.split("/");
  if (hidesSystemTopics(left, right) || hidesSystemTopics(right, left)) return false;
  for (let i = 0; ; i++) {
    const x = left[i];
    const y = right[i];
    if (x === "#" || y === "#") return true;
    if (x === undefined || y === undefined) return x === y;
    if (x !== y && x !== "+" && y !== "+") return false;
  }
}

/** Answers the narrowest filter that matches every topic of both. */
export function mergeFilters(a: string, b: string): string {
  const left = a.split("/");
  const right = b.split("/");
  const merged: string[] = [];
  for (let i = 0; ; i++) {
    const x = left[i];
    const y = right[i];
    if (x === undefined && y === undefined) break;
    if (x === undefined || y === undefined || x === "#" || y === "#") {
      merged.push("#");
      break;
    }
    merged.push(x === y ? x : "+");
  }
  return merged.join("/");
}

/**
 * Answers subscriptions that together match what the given ones match, no two of them the same topic: a broker may
 * deliver a message once for each filter that matches it. Filters that overlap are replaced by one that covers both, so
 * a message may arrive that none of the given filters matches.
 */
export function separateSubscriptions(subscriptions: readonly Subscription[]): Subscription[] {
  const separate: Subscription[] = [];
  for (const subscription of subscriptions) {
    let grown = subscription;
    for (;;) {
      const index = separate.findIndex((other) => filtersOverlap(other.filter, grown.filter));
      const other = separate[index];
      if (other === undefined) break;
      separate.splice(index, 1);
      grown = { filter: mergeFilters(other.filter, grown.filter), qos: other.qos === 1 ? 1 : grown.qos };
    }
    separate.push(grown);
  }
  return separate;
}

/** A wildcard in the first level does not match topics that start with `$` [MQTT-4.7.2-1]. */
function hidesSystemTopics(levels: readonly string[], other: readonly string[]): boolean {
  return (levels[0] === "+" || levels[0] === "#") && (other[0] ?? "").startsWith("$");
}
