import { blocks } from "../../../assembly/image";
import { LAYER_GRU_AFTER, LAYER_GRU_BEFORE } from "../../../assembly/layout";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Image } from "./image";
import { integers } from "./random";

/** Parameters of a GRU layer as FORMAT.md 5 has them: row-major, rows in gate order r, z, n. */
export class GruQ15 {
  W: StaticArray<i32>;
  b: StaticArray<i32>;
  U: StaticArray<i32>;
  c: StaticArray<i32>;
  /** W.multiplier and U.multiplier. */
  mx: StaticArray<i32>;
  mh: StaticArray<i32>;
  shiftX: i32 = 8;
  shiftH: i32 = 8;

  /** A layer with random weights and multipliers, and biases from -2^20 to 2^20. */
  constructor(
    readonly sizeIn: i32,
    readonly size: i32,
    readonly isBefore: bool,
  ) {
    this.W = integers(3 * size * sizeIn, -127, 127);
    this.b = integers(3 * size, -(1 << 20), 1 << 20);
    this.U = integers(3 * size * size, -127, 127);
    this.c = integers(3 * size, -(1 << 20), 1 << 20);
    this.mx = integers(3 * size, 1, 32767);
    this.mh = integers(3 * size, 1, 32767);
    if (!isBefore) for (let i = 2 * size; i < 3 * size; i++) this.mh[i] = 1 + (this.mh[i] >> 1);
  }

  /** Writes the layer as assembly/q15/gru.ts draws it; returns the address of its record. */
  pack(image: Image): usize {
    const size = this.size;
    const kind = this.isBefore ? LAYER_GRU_BEFORE : LAYER_GRU_AFTER;
    const record = image.open(kind, this.sizeIn, size, this.shiftX, this.shiftH);
    for (let first = 0; first < size; first += 16) {
      this.biases(image, this.b, first);
      this.biases(image, this.c, first);
    }
    for (let first = 0; first < size; first += 16) {
      this.multipliers(image, this.mx, first);
      this.multipliers(image, this.mh, first);
    }
    gates(image, this.W, size, this.sizeIn);
    gates(image, this.U, size, size);
    image.close(record);
    return record;
  }

  /** Multipliers of n, r, z of 16 units. */
  private multipliers(image: Image, values: StaticArray<i32>, first: i32): void {
    for (let place = 0; place < 3; place++) {
      const gate = place === 0 ? 2 : place - 1;
      for (let i = first; i < first + 16; i++) image.half(i < this.size ? values[gate * this.size + i] : 0);
    }
  }

  /** Biases of n, r, z of 16 units. */
  private biases(image: Image, values: StaticArray<i32>, first: i32): void {
    for (let place = 0; place < 3; place++) {
      const gate = place === 0 ? 2 : place - 1;
      for (let i = first; i < first + 16; i++) image.word(i < this.size ? values[gate * this.size + i] : 0);
    }
  }
}

/** [blocks][pairs of columns][3][16][2] in the order n, r, z. */
function gates(image: Image, w: StaticArray<i32>, size: i32, columns: i32): void {
  for (let first = 0; first < size; first += 16) {
    for (let k = 0; k < columns; k += 2) {
      for (let place = 0; place < 3; place++) {
        const gate = place === 0 ? 2 : place - 1;
        for (let i = first; i < first + 16; i++) {
          image.weight(i < size ? w[(gate * size + i) * columns + k] : 0);
          image.weight(i < size && k + 1 < columns ? w[(gate * size + i) * columns + k + 1] : 0);
        }
      }
    }
  }
}

/** Writes a row-major matrix as [blocks][pairs of columns][16][2], in i16 in both builds when `isWide`. */
export function matrixQ15(image: Image, w: StaticArray<i32>, rows: i32, columns: i32, isWide: bool): void {
  for (let block = 0; block < blocks(rows); block++) {
    for (let k = 0; k < columns; k += 2) {
      for (let row = 16 * block; row < 16 * block + 16; row++) {
        for (let column = k; column < k + 2; column++) {
          const value = row < rows && column < columns ? w[row * columns + column] : 0;
          if (isWide) image.half(value);
          else image.weight(value);
        }
      }
    }
  }
}

/** Writes words for `rows` rows, padded to blocks of 16; 0 where `values` ends. */
export function rowWords(image: Image, values: StaticArray<i32>, rows: i32): void {
  for (let row = 0; row < 16 * blocks(rows); row++) image.word(row < values.length ? values[row] : 0);
}

/** Writes a dense layer of `b.length` rows; `m` may be empty. Returns the address of its record. */
export function denseQ15(
  image: Image,
  kind: i32,
  w: StaticArray<i32>,
  b: StaticArray<i32>,
  m: StaticArray<i32>,
  shift: i32,
): usize {
  const size = b.length;
  const record = image.open(kind, w.length / size, size, shift, 0);
  rowWords(image, b, size);
  rowWords(image, m, size);
  matrixQ15(image, w, size, w.length / size, false);
  image.close(record);
  return record;
}
