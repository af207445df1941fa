import { blocks } from "../../../assembly/image";
import { LAYER_GRU_AFTER, LAYER_GRU_BEFORE, LAYER_SIGMOID, NARROW_ROWS } from "../../../assembly/layout";
// biome-ignore lint/style/useImportType: asc knows no import type
import { Image } from "./image";
import { uniforms } from "./random";

/** Parameters of a GRU layer as FORMAT.md 4 has them: row-major, rows in gate order r, z, n. */
export class GruF32 {
  readonly W: StaticArray<f32>;
  readonly b: StaticArray<f32>;
  readonly U: StaticArray<f32>;
  readonly c: StaticArray<f32>;

  /** A layer with weights and biases from -limit to limit. */
  constructor(
    readonly sizeIn: i32,
    readonly size: i32,
    readonly isBefore: bool,
    limit: f32,
  ) {
    this.W = uniforms(3 * size * sizeIn, limit);
    this.b = uniforms(3 * size, limit);
    this.U = uniforms(3 * size * size, limit);
    this.c = uniforms(3 * size, limit);
  }

  /** Writes the layer as assembly/f32/gru.ts draws it; returns the address of its record. */
  pack(image: Image): usize {
    const size = this.size;
    const kind = this.isBefore ? LAYER_GRU_BEFORE : LAYER_GRU_AFTER;
    const record = image.open(kind, this.sizeIn, size, 0, 0);
    for (let first = 0; first < size; first += 16) {
      for (let part = 0; part < 4; part++) {
        for (let i = first; i < first + 16; i++) image.float(i < size ? this.bias(part, i) : 0);
      }
    }
    gates(image, this.W, size, this.sizeIn);
    gates(image, this.U, size, size);
    image.close(record);
    return record;
  }

  /** Parts nx, r, z, nh of the biases of unit i. */
  private bias(part: i32, i: i32): f32 {
    const n = 2 * this.size + i;
    if (part === 0) return this.isBefore ? this.b[n] + this.c[n] : this.b[n];
    if (part === 3) return this.isBefore ? 0 : this.c[n];
    const row = (part - 1) * this.size + i;
    return f32(0.5) * (this.b[row] + this.c[row]);
  }
}

/** [blocks][columns][3][16] in the order n, r, z; r and z halved. */
function gates(image: Image, w: StaticArray<f32>, size: i32, columns: i32): void {
  for (let first = 0; first < size; first += 16) {
    for (let k = 0; k < columns; k++) {
      for (let place = 0; place < 3; place++) {
        const gate = place === 0 ? 2 : place - 1;
        const factor: f32 = place === 0 ? 1 : 0.5;
        for (let i = first; i < first + 16; i++) {
          image.float(i < size ? factor * w[(gate * size + i) * columns + k] : 0);
        }
      }
    }
  }
}

/** Writes a row-major matrix as [blocks][columns][16], times `factor`. */
function matrixF32(image: Image, w: StaticArray<f32>, rows: i32, columns: i32, factor: f32): void {
  for (let block = 0; block < blocks(rows); block++) {
    for (let k = 0; k < columns; k++) {
      for (let row = 16 * block; row < 16 * block + 16; row++) {
        image.float(row < rows ? factor * w[row * columns + k] : 0);
      }
    }
  }
}

/** Writes the weights of a dense layer or a skip: few rows one after the other, more as `matrixF32` does. */
export function rowsF32(image: Image, w: StaticArray<f32>, rows: i32, columns: i32, factor: f32): void {
  if (rows > NARROW_ROWS) {
    matrixF32(image, w, rows, columns, factor);
    return;
  }
  const packed = new StaticArray<f32>(rows * columns);
  for (let i = 0; i < packed.length; i++) packed[i] = factor * w[i];
  image.floats(packed);
}

/** Writes a dense layer of `b.length` rows; returns the address of its record. */
export function denseF32(image: Image, kind: i32, w: StaticArray<f32>, b: StaticArray<f32>): usize {
  const factor: f32 = kind === LAYER_SIGMOID ? 0.5 : 1;
  const sizeIn = w.length / b.length;
  const record = image.open(kind, sizeIn, b.length, 0, 0);
  matrixF32(image, b, b.length, 1, factor);
  rowsF32(image, w, b.length, sizeIn, factor);
  image.close(record);
  return record;
}

/** Writes a part of (v + a) * scale + c. */
export function affineF32(image: Image, a: StaticArray<f32>, scale: StaticArray<f32>, c: StaticArray<f32>): void {
  image.floats(a);
  image.floats(scale);
  image.floats(c);
}
