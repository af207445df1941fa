// A GRU layer over the steps of a batch, there and back. Equations: ../f32/gru.ts.
//
//   v   f32[T + 1][N + H][B]   x of the step, then h before it
//   a   f32[T][4][H][B]        steps `aNext` bytes apart: sums, then n, r, z and nh (reset-after: Un h + cn; reset-before: r * h); on the way back their gradients
//
// All B columns of a step are computed at once.

import { GRU_BEFORE, GRU_HARD, GRU_ROUND } from "./layout";
import { product, splitProduct } from "./product";
import { Vec } from "./vector";

/**
 * Runs the layer over `steps` steps, from h in v[0].
 *
 * @param rz  [Wr Ur; Wz Uz], packed [2H][N + H]
 * @param wn  Wn, packed [H][N]
 * @param un  Un, packed [H][H]; reset-before: f32[H][H]
 * @param bias  f32[4H], pack.ts
 */
export function gruForward<V>(
  v: usize,
  a: usize,
  aNext: usize,
  rz: usize,
  wn: usize,
  un: usize,
  bias: usize,
  N: i32,
  H: i32,
  B: i32,
  steps: i32,
  flags: i32,
): void {
  const row = usize(B) << 2;
  const part = usize(H) * row;
  const x = usize(N) * row;
  const next = x + part;
  const before = (flags & GRU_BEFORE) !== 0;
  for (let t = 0; t < steps; t++) {
    product<V>(wn, v, a, bias, H, N, B);
    product<V>(rz, v, a + part, bias + (usize(H) << 2), 2 * H, N + H, B);
    if (before) {
      resetBefore<V>(a, part, v + x, (flags & GRU_HARD) !== 0);
      splitProduct<V>(un, a + 3 * part, a, 0, H, H, B);
    } else {
      product<V>(un, v + x, a + 3 * part, bias + usize(12 * H), H, H, B);
      gates<V>(a, part, (flags & GRU_HARD) !== 0);
    }
    states<V>(a, part, v + x, next, (flags & GRU_ROUND) !== 0);
    v += next;
    a += aNext;
  }
}

/** Reset-after: r and z of their sums, and the sum of n. */
function gates<V>(a: usize, part: usize, hard: bool): void {
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const r = hard ? Vec.hardGate<V>(load<V>(a + part)) : Vec.gate<V>(load<V>(a + part));
    const z = hard ? Vec.hardGate<V>(load<V>(a + 2 * part)) : Vec.gate<V>(load<V>(a + 2 * part));
    store<V>(a + part, r);
    store<V>(a + 2 * part, z);
    store<V>(a, Vec.add<V>(load<V>(a), Vec.mul<V>(r, load<V>(a + 3 * part))));
  }
}

/** Reset-before: r and z of their sums, and r * h. */
function resetBefore<V>(a: usize, part: usize, h: usize, hard: bool): void {
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const r = hard ? Vec.hardGate<V>(load<V>(a + part)) : Vec.gate<V>(load<V>(a + part));
    const z = hard ? Vec.hardGate<V>(load<V>(a + 2 * part)) : Vec.gate<V>(load<V>(a + 2 * part));
    store<V>(a + part, r);
    store<V>(a + 2 * part, z);
    store<V>(a + 3 * part, Vec.mul<V>(r, load<V>(h)));
    h += sizeof<V>();
  }
}

/** n of its sum, and h of the next step, `next` bytes behind h. */
function states<V>(a: usize, part: usize, h: usize, next: usize, round: bool): void {
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const n = Vec.candidate<V>(load<V>(a));
    store<V>(a, n);
    let y = Vec.add<V>(n, Vec.mul<V>(load<V>(a + 2 * part), Vec.sub<V>(load<V>(h), n)));
    if (round) y = rounded<V>(y);
    store<V>(h + next, y);
    h += sizeof<V>();
  }
}

/** The nearest multiple of 2^-15 that an i16 holds. */
function rounded<V>(y: V): V {
  const units = Vec.nearest<V>(Vec.mul<V>(y, Vec.splat<V>(32768)));
  const limited = Vec.max<V>(Vec.min<V>(units, Vec.splat<V>(32767)), Vec.splat<V>(-32767));
  return Vec.mul<V>(limited, Vec.splat<V>(1 / 32768));
}

/**
 * Goes back through the steps: a becomes the gradients of the sums, dn, dr, dz and that of nh (reset-before: r * h stays).
 *
 * @param dy  gradient of the layer's output, f32[T][H][B]
 * @param dh  work space, f32[H][B]: the gradient of h; zeros on entry
 * @param dq  work space, f32[H][B], of reset-before
 * @param ut  U on its side, packed [H][3H]: r, z, n; reset-before: [H][2H]: r, z
 * @param unt  reset-before: Un on its side, packed [H][H]
 */
export function gruBackward<V>(
  v: usize,
  a: usize,
  aNext: usize,
  dy: usize,
  dh: usize,
  dq: usize,
  ut: usize,
  unt: usize,
  N: i32,
  H: i32,
  B: i32,
  steps: i32,
  flags: i32,
): void {
  const row = usize(B) << 2;
  const part = usize(H) * row;
  const next = usize(N + H) * row;
  const before = (flags & GRU_BEFORE) !== 0;
  const hard = (flags & GRU_HARD) !== 0;
  a += usize(steps) * aNext;
  v += usize(steps) * next + usize(N) * row;
  dy += usize(steps) * part;
  for (let t = steps; t > 0; t--) {
    a -= aNext;
    v -= next;
    dy -= part;
    if (before) {
      backBefore<V>(a, part, v, dy, dh, hard);
      zero<V>(dq, part);
      product<V>(unt, a, dq, 0, H, H, B);
      backReset<V>(a, part, v, dq, dh, hard);
      product<V>(ut, a + part, dh, 0, H, 2 * H, B);
    } else {
      back<V>(a, part, v, dy, dh, hard);
      product<V>(ut, a + part, dh, 0, H, 3 * H, B);
    }
  }
}

/** The slope of a gate, of its value. */
function slope<V>(g: V, hard: bool): V {
  return hard ? Vec.isInside<V>(g) : Vec.mul<V>(g, Vec.sub<V>(Vec.splat<V>(1), g));
}

/** One step of reset-after. */
function back<V>(a: usize, part: usize, h: usize, dy: usize, dh: usize, hard: bool): void {
  const one = Vec.splat<V>(1);
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const n = load<V>(a);
    const r = load<V>(a + part);
    const z = load<V>(a + 2 * part);
    const d = Vec.add<V>(load<V>(dy), load<V>(dh));
    const dn = Vec.mul<V>(Vec.mul<V>(d, Vec.sub<V>(one, z)), Vec.sub<V>(one, Vec.mul<V>(n, n)));
    store<V>(a, dn);
    store<V>(a + part, Vec.mul<V>(Vec.mul<V>(dn, load<V>(a + 3 * part)), slope<V>(r, hard)));
    store<V>(a + 2 * part, Vec.mul<V>(Vec.mul<V>(d, Vec.sub<V>(load<V>(h), n)), slope<V>(z, hard)));
    store<V>(a + 3 * part, Vec.mul<V>(dn, r));
    store<V>(dh, Vec.mul<V>(d, z));
    dy += sizeof<V>();
    dh += sizeof<V>();
    h += sizeof<V>();
  }
}

/** One step of reset-before, but for the reset gate. */
function backBefore<V>(a: usize, part: usize, h: usize, dy: usize, dh: usize, hard: bool): void {
  const one = Vec.splat<V>(1);
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const n = load<V>(a);
    const z = load<V>(a + 2 * part);
    const d = Vec.add<V>(load<V>(dy), load<V>(dh));
    store<V>(a, Vec.mul<V>(Vec.mul<V>(d, Vec.sub<V>(one, z)), Vec.sub<V>(one, Vec.mul<V>(n, n))));
    store<V>(a + 2 * part, Vec.mul<V>(Vec.mul<V>(d, Vec.sub<V>(load<V>(h), n)), slope<V>(z, hard)));
    store<V>(dh, Vec.mul<V>(d, z));
    dy += sizeof<V>();
    dh += sizeof<V>();
    h += sizeof<V>();
  }
}

/** Its reset gate, from the gradient of r * h. */
function backReset<V>(a: usize, part: usize, h: usize, dq: usize, dh: usize, hard: bool): void {
  for (const end = a + part; a < end; a += sizeof<V>()) {
    const r = load<V>(a + part);
    const d = load<V>(dq);
    store<V>(a + part, Vec.mul<V>(Vec.mul<V>(d, load<V>(h)), slope<V>(r, hard)));
    store<V>(dh, Vec.add<V>(load<V>(dh), Vec.mul<V>(d, r)));
    dq += sizeof<V>();
    dh += sizeof<V>();
    h += sizeof<V>();
  }
}

/** Clears `bytes`. */
function zero<V>(at: usize, bytes: usize): void {
  for (const end = at + bytes; at < end; at += sizeof<V>()) store<V>(at, Vec.splat<V>(0));
}
