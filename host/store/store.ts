/** One change of a batch: a value to keep, or undefined to delete the key. */
export type Change = readonly [key: string, value: Uint8Array | undefined];

/**
 * Keeps bytes by key, beyond the life of the process. Keys are compared by their UTF-8 bytes.
 * Calls may overlap; a commit is seen by the calls made after it has resolved.
 */
export interface StateStore {
  /** Answers the value of a key, or undefined. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Makes all changes or none, in this order. What it has resolved survives the end of the process. */
  commit(changes: readonly Change[]): Promise<void>;
  /** Answers the keys that start with `prefix`, in order, with their values. */
  entries(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  /** Ends the store; commits that are under way are finished. */
  close(): Promise<void>;
}

/** A state store that cannot be opened: in use, unreadable, or written by another version. */
export class StateStoreError extends Error {
  override readonly name = "StateStoreError";
}
