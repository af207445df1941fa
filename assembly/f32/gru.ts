import { blocks } from "../image";
import { LAYER_GRU_BEFORE, RECORD_KIND, RECORD_SIZE, RECORD_SIZE_IN, RECORD_SIZE_OUT } from "../layout";
import { copy, F32s } from "../memory";
import { candidateF32, gateF32 } from "./activations";
import { Lanes } from "./lanes";
import { dotF32, gateSumsF32, rowSumF32, rowSumsF32 } from "./mac";

/**
 * A GRU layer as its equations read (FORMAT.md 4, reset-after): what the kernels below compute, bit for bit, from the numbers of a model file.
 *
 *     r  = σ(Wr x + br + Ur h + cr)
 *     z  = σ(Wz x + bz + Uz h + cz)
 *     n  = tanh(Wn x + bn + r * (Un h + cn))
 *     h' = n + z * (h - n)
 *
 * @param data  f32: W[3H][N], U[3H][H], b[3H], c[3H]; rows of r, z, n
 * @param x  input, f32[N]
 * @param h  hidden state, f32[H]
 * @param to  h', f32[H]; not h, which every unit reads
 */
export function gruPlain(data: usize, x: usize, h: usize, to: usize, N: i32, H: i32): void {
  const W = data;
  const U = W + F32s.bytes(3 * H * N);
  const b = U + F32s.bytes(3 * H * H);
  const c = b + F32s.bytes(3 * H);
  for (let j = 0; j < H; j++) {
    const r = gateF32(f32(0.5) * plainRow(U, j, h, H, plainRow(W, j, x, N, F32s.at(b, j) + F32s.at(c, j))));
    const k = H + j;
    const z = gateF32(f32(0.5) * plainRow(U, k, h, H, plainRow(W, k, x, N, F32s.at(b, k) + F32s.at(c, k))));
    const l = 2 * H + j;
    const n = candidateF32(plainRow(W, l, x, N, F32s.at(b, l)) + r * plainRow(U, l, h, H, F32s.at(c, l)));
    F32s.put(to, j, n + z * (F32s.at(h, j) - n));
  }
}

/** `sum` plus row `row` of a matrix times a vector, in ascending order. */
function plainRow(matrix: usize, row: i32, vector: usize, columns: i32, sum: f32): f32 {
  for (let k = 0; k < columns; k++) sum += F32s.at(matrix, row * columns + k) * F32s.at(vector, k);
  return sum;
}

// From here on the same, fast. Data of a layer, blocks of 16 units, k ascending; rows of r and z halved:
//
//   bias   f32[blocks][4][16]      nx: bn, r: br + cr, z: bz + cz, nh: cn        (reset-before: nx: bn + cn, nh: 0)
//   W      f32[blocks][N][3][16]   n, r, z
//   U      f32[blocks][H][3][16]   n, r, z

/** Bytes of one gate of a block of 16 units: of its biases, its sums, its weights over one column. */
const GATE: i32 = 64;

/** Bytes of the biases of a block. */
const BIASES: i32 = 4 * GATE;

/** Where the biases of nh start. */
const BIAS_NH: i32 = 3 * GATE;

/** Bytes of the weights of a block over one column. */
const GATES: i32 = 3 * GATE;

// The sums of a block: nx, then r and z without U h; nh, then r and z.
const SUM_R_OF_X: i32 = GATE;
const SUM_NH: i32 = 3 * GATE;
const SUM_R: i32 = 4 * GATE;
const SUM_Z: i32 = 5 * GATE;
const SUMS: i32 = 6 * GATE;

/** Places of a layer's data. */
class Gru {
  @inline static biases(record: usize): usize {
    return record + RECORD_SIZE;
  }

  @inline static W(record: usize): usize {
    return Gru.biases(record) + usize(blocks(load<i32>(record, RECORD_SIZE_OUT)) * BIASES);
  }

  @inline static U(record: usize): usize {
    return (
      Gru.W(record) + usize(blocks(load<i32>(record, RECORD_SIZE_OUT)) * load<i32>(record, RECORD_SIZE_IN) * GATES)
    );
  }
}

/**
 * Advances one GRU layer by one time step. `h` is updated in place.
 *
 *     r, z, h'  as above
 *     n         as above                           reset-after
 *     n  = tanh(Wn x + bn + Un (r * h) + cn)       reset-before
 *
 * @param record  layer record, its data behind it
 * @param x  input, f32[N]
 * @param h  hidden state, f32[H padded to 4]
 * @param t  work space, f32[blocks][6][16] and f32[H padded to 4]; undefined on return
 */
export function gruF32(record: usize, x: usize, h: usize, t: usize): void {
  if (ASC_FEATURE_SIMD) gruLanes(record, x, h, t);
  else gruUnits(record, x, h, t);
}

/** The SIMD build: all sums of a block, then the gates four units at a time. */
function gruLanes(record: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const q = t + usize(blocks(size) * SUMS);
  const xEnd = x + F32s.bytes(sizeIn);
  const hEnd = h + F32s.bytes(size);
  const perBlock = usize(size * GATES);
  let b = Gru.biases(record);
  let w = Gru.W(record);
  let u = Gru.U(record);
  for (let a = t; a < q; a += SUMS) {
    gateSumsF32(w, x, xEnd, b, b + GATE, a);
    gateSumsF32(u, h, hEnd, b + BIAS_NH, a + SUM_R_OF_X, a + SUM_NH);
    b += BIASES;
    w += usize(sizeIn * GATES);
    u += perBlock;
  }
  // Two loops, both gates in the first: their constants are loaded once for two, and the chain from r through n to h' is longer than the
  // processor looks ahead.
  for (let i = 0; i < size; i += 4) {
    const at = sumsOf(t, i);
    const r = Lanes.gate(v128.load(at, SUM_R));
    v128.store(at, Lanes.gate(v128.load(at, SUM_Z)), SUM_Z);
    if (before) v128.store(q + F32s.bytes(i), f32x4.mul(r, v128.load(h + F32s.bytes(i))));
    else v128.store(at, f32x4.add(v128.load(at), f32x4.mul(r, v128.load(at, SUM_NH))));
  }
  if (before) {
    u -= perBlock * usize(blocks(size));
    for (let i = 0; i < size; i += 4) {
      const at = sumsOf(t, i);
      rowSumsF32(u + usize(i >> 4) * perBlock + (usize(i & 15) << 2), q, q + F32s.bytes(size), at, at, GATES);
    }
  }
  for (let i = 0; i < size; i += 4) {
    const at = sumsOf(t, i);
    const n = Lanes.candidate(v128.load(at));
    v128.store(h, f32x4.add(n, f32x4.mul(v128.load(at, SUM_Z), f32x4.sub(v128.load(h), n))));
    h += 16;
  }
}

/** Address of the sum nx of unit i; the others lie SUM_… behind it. */
function sumsOf(t: usize, i: i32): usize {
  return t + usize((i >> 4) * SUMS + ((i & 15) << 2));
}

/** The scalar build: unit by unit. t: the new h, then q = r * h. */
function gruUnits(record: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const before = load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE;
  const bytes = F32s.bytes(size);
  const q = t + bytes;
  const xEnd = x + F32s.bytes(sizeIn);
  const hEnd = h + bytes;
  const b = Gru.biases(record);
  const w = Gru.W(record);
  const u = Gru.U(record);
  for (let pass = i32(!before); pass < 2; pass++) {
    for (let i = 0; i < size; i++) {
      const lane = F32s.bytes(i & 15);
      const bias = b + usize((i >> 4) * BIASES) + lane;
      const row = w + usize((i >> 4) * sizeIn * GATES) + lane;
      const column = u + usize((i >> 4) * size * GATES) + lane;
      const ofR = dotF32(row + GATE, x, xEnd, load<f32>(bias, GATE), GATES);
      const r = gateF32(dotF32(column + GATE, h, hEnd, ofR, GATES));
      const at = F32s.bytes(i);
      if (pass === 0) {
        // Reset-before needs r * h of all units first.
        store<f32>(q + at, r * load<f32>(h + at));
        continue;
      }
      const nx = dotF32(row, x, xEnd, load<f32>(bias), GATES);
      const nh = before
        ? rowSumF32(column, q, q + bytes, nx, GATES)
        : nx + r * dotF32(column, h, hEnd, load<f32>(bias, BIAS_NH), GATES);
      const n = candidateF32(nh);
      const ofZ = dotF32(row + 2 * GATE, x, xEnd, load<f32>(bias, 2 * GATE), GATES);
      const z = gateF32(dotF32(column + 2 * GATE, h, hEnd, ofZ, GATES));
      store<f32>(t + at, n + z * (load<f32>(h + at) - n));
    }
  }
  copy<f32>(h, t, bytes);
}
