// Where everything of a module lies in linear memory.

/** A part of the memory plan. */
export interface Region {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  /** What the module writes there at its start; absent in a part that starts as zeros and takes no flash. */
  readonly data?: Uint8Array;
}

/** Gives parts of linear memory their addresses, one behind the other. */
export class Layout {
  readonly #regions: Region[] = [];
  #end: number;

  /** @param start  first free address; those below stay unused, so that 0 is no address */
  constructor(start: number) {
    this.#end = start;
  }

  /** Reserves zeros, and answers their address. */
  space(name: string, bytes: number, align = 4): number {
    return this.#add({ name, address: this.#aligned(align), bytes });
  }

  /** Places constants, and answers their address. */
  data(name: string, data: Uint8Array, align = 4): number {
    return this.#add({ name, address: this.#aligned(align), bytes: data.length, data });
  }

  /** All parts in the order of their addresses. */
  get regions(): readonly Region[] {
    return this.#regions;
  }

  /** The address after the last part, a multiple of 16. */
  get end(): number {
    return alignTo(this.#end, 16);
  }

  #aligned(align: number): number {
    return alignTo(this.#end, align);
  }

  #add(region: Region): number {
    if (region.bytes > 0) this.#regions.push(region);
    this.#end = region.address + region.bytes;
    return region.address;
  }
}

/** `value` rounded up to a multiple of `align`. */
export const alignTo = (value: number, align: number): number => Math.ceil(value / align) * align;
