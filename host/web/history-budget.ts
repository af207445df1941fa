/** Shares what minutes may take on the disk among devices: those that come first have a share, the others none. */
export class HistoryBudget {
  readonly #shares = new Map<string, number>();
  readonly #onFull: (devices: number) => void;
  #left: number;

  /** @param onFull  called once, with the devices that have a share, when one gets none */
  constructor(bytes: number, onFull: (devices: number) => void) {
    this.#left = bytes;
    this.#onFull = onFull;
  }

  /** Tells whether a device has a share of so many bytes; gives it one while there is any left. */
  has(device: string, bytes: number): boolean {
    if (this.#shares.has(device)) return true;
    if (bytes > this.#left) {
      if (this.#left > 0) this.#onFull(this.#shares.size);
      this.#left = 0;
      return false;
    }
    this.#shares.set(device, bytes);
    this.#left -= bytes;
    return true;
  }

  /** Takes the share of a device back. */
  drop(device: string): void {
    this.#left += this.#shares.get(device) ?? 0;
    this.#shares.delete(device);
  }
}
