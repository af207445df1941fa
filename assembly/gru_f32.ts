import { Lanes, sigmoidF32, tanhF32 } from "./activations_f32";
import { affineF32 } from "./dense_f32";
import { BLOCK, LAYER_GRU_BEFORE, RECORD_KIND, RECORD_SIZE, RECORD_SIZE_IN, RECORD_SIZE_OUT } from "./format";
import { blocks } from "./image";
import { gateSumsF32 } from "./mac_f32";
import { F32s } from "./memory";

// Data of a GRU layer, blocks of 16 units, k ascending; rows of r and z halved.
//
//   reset-after:   bias   f32[blocks][4][16]      nx: bn, r: br + cr, z: bz + cz, nh: cn
//                  W      f32[blocks][N][3][16]   n, r, z
//                  U      f32[blocks][H][3][16]   n, r, z
//   reset-before:  b      f32[3][blocks][16]      r: br + cr, z: bz + cz, n: bn + cn
//                  W      f32[3][blocks][N][16]   r, z, n
//                  U      f32[3][blocks][H][16]   r, z, n
//
// Accumulators in the scratch: reset-after f32[blocks][4][16], nx, r, z, nh; reset-before f32[3][blocks][16], r, z, n, and r * h behind.

/**
 * Advances one GRU layer by one time step. `h` is updated in place.
 *
 *     r  = sigmoid(Wr x + br + Ur h + cr)
 *     z  = sigmoid(Wz x + bz + Uz h + cz)
 *     n  = tanh(Wn x + bn + r * (Un h + cn))     reset-after
 *     n  = tanh(Wn x + bn + Un (r * h) + cn)     reset-before
 *     h' = n + z * (h - n)
 *
 * @param record  layer record, its data behind it
 * @param x  input, f32[N]
 * @param h  hidden state, f32[H padded to 4]
 * @param t  accumulators, f32[blocks][4][16]; undefined on return
 */
export function gruF32(record: usize, x: usize, h: usize, t: usize): void {
  const sizeIn = load<i32>(record, RECORD_SIZE_IN);
  const size = load<i32>(record, RECORD_SIZE_OUT);
  const count = blocks(size);
  const data = record + RECORD_SIZE;
  if (load<i32>(record, RECORD_KIND) === LAYER_GRU_BEFORE) {
    resetBefore(data, x, h, t, sizeIn, size, usize(count) << 6);
    return;
  }
  const xEnd = x + F32s.bytes(sizeIn);
  const hEnd = h + F32s.bytes(size);
  let b = data;
  let a = t;
  let w = data + usize(count << 8);
  let u = w + usize(count * sizeIn * 192);
  for (let left = size; left > 0; left -= BLOCK) {
    gateSumsF32(w, x, xEnd, b, b + 64, a, a + 64, left);
    gateSumsF32(u, h, hEnd, b + 192, a + 64, a + 192, a + 64, left);
    b += 256;
    a += 256;
    w += usize(sizeIn * 192);
    u += usize(size * 192);
  }
  if (ASC_FEATURE_SIMD) {
    // Two loops: the chain from r through n to h' is longer than the processor looks ahead. 1.09 x a whole step at H = 32.
    for (let i = 0; i < size; i += 4) {
      const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
      const r = Lanes.sigmoid(v128.load(at, 64));
      v128.store(at, f32x4.add(v128.load(at), f32x4.mul(r, v128.load(at, 192))));
    }
    for (let i = 0; i < size; i += 4) {
      const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
      const z = Lanes.sigmoid(v128.load(at, 128));
      const n = Lanes.tanh(v128.load(at));
      v128.store(h, f32x4.add(n, f32x4.mul(z, f32x4.sub(v128.load(h), n))));
      h += 16;
    }
  } else {
    for (let i = 0; i < size; i++) {
      const at = t + (usize(i >> 4) << 8) + (usize(i & 15) << 2);
      const n = tanhF32(load<f32>(at) + sigmoidF32(load<f32>(at, 64)) * load<f32>(at, 192));
      blend(h, n, load<f32>(at, 128));
      h += 4;
    }
  }
}

/** h' = n + z (h - n), z from the halved pre-activation. */
function blend(h: usize, n: f32, z: f32): void {
  store<f32>(h, n + sigmoidF32(z) * (load<f32>(h) - n));
}

/** Reset-before: U of gate n multiplies r * h. Gates are dense matrices, `gate` bytes of accumulators each. */
function resetBefore(b: usize, x: usize, h: usize, t: usize, sizeIn: i32, size: i32, gate: usize): void {
  let w = b + 3 * gate;
  let u = w + 3 * gate * usize(sizeIn);
  const q = t + 3 * gate;
  for (let p = t; p < q; p += gate) {
    affineF32(b, w, x, p, sizeIn, size);
    // r and z multiply h, n (the last) multiplies r * h.
    if (p + gate === q) for (let i = 0; i < size; i++) F32s.put(q, i, sigmoidF32(F32s.at(t, i)) * F32s.at(h, i));
    affineF32(p, u, p + gate === q ? q : h, p, size, size);
    b += gate;
    w += gate * usize(sizeIn);
    u += gate * usize(size);
  }
  for (let i = 0; i < size; i++) {
    blend(h + F32s.bytes(i), tanhF32(load<f32>(t + 2 * gate + F32s.bytes(i))), load<f32>(t + gate + F32s.bytes(i)));
  }
}
