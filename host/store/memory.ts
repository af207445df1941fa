import type { StateStore } from "./store.ts";

/** Makes a state store that is lost with the process: for tests and trials. */
export function createMemoryStore(): StateStore {
  const values = new Map<string, Uint8Array>();
  return {
    async get(key) {
      return values.get(key)?.slice();
    },
    async commit(changes) {
      for (const [key, value] of changes) {
        if (value === undefined) values.delete(key);
        else values.set(key, value.slice());
      }
    },
    async *entries(prefix) {
      const keys = [...values.keys()].filter((key) => key.startsWith(prefix));
      for (const key of keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
        const value = values.get(key);
        if (value !== undefined) yield [key, value.slice()];
      }
    },
    async close() {},
  };
}
