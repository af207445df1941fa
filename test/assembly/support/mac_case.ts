import { zeros } from "./memory";
import { Matrix, padded, Tape } from "./pack_mcu";
import { integer, integers } from "./random";

/** The sums of a group of units over one vector: what the inner loops of the modules for microcontrollers compute. */
export class MacCase {
  /** i32[gates][units]. */
  readonly biases: StaticArray<i32>;
  readonly weights: Matrix;
  /** i16[padded columns]; what only pads is anything. */
  readonly x: usize;
  readonly end: usize;
  /** Sums, i32[gates][units], with a word on both sides that nothing may touch. */
  readonly t: usize;

  /** Random weights, biases and inputs; an x of -32768 first. */
  constructor(
    readonly gates: i32,
    readonly units: i32,
    columns: i32,
    step: i32,
  ) {
    const rows = gates * units;
    this.biases = integers(rows, -(1 << 20), 1 << 20);
    this.weights = new Matrix(integers(rows * columns, -127, 127), units, columns);
    const all = padded(columns, step);
    this.x = zeros(2 * all);
    this.end = this.x + usize(2 * all);
    for (let k = 0; k < all; k++) this.put(k, k === 0 ? -32768 : integer(-32768, 32767));
    this.t = zeros(4 * rows + 8) + 4;
  }

  /** A group without weights. */
  static of(gates: i32, units: i32, step: i32, bias: i32): MacCase {
    const made = new MacCase(gates, units, 1, step);
    for (let row = 0; row < gates * units; row++) {
      made.biases[row] = bias;
      made.weights.values[row] = 0;
    }
    return made;
  }

  /** A group whose sums are the greatest or the least of 32 bits that FORMAT.md 5 allows, by `signs`, one bit for each row. */
  static full(gates: i32, units: i32, columns: i32, step: i32, signs: i32): MacCase {
    const made = new MacCase(gates, units, columns, step);
    for (let row = 0; row < gates * units; row++) {
      const sign = (signs >> row) & 1 ? 1 : -1;
      made.biases[row] = sign * (i32.MAX_VALUE - 32768 * 127 * columns);
      for (let k = 0; k < columns; k++) made.weights.values[row * columns + k] = -127 * sign;
    }
    for (let k = 0; k < columns; k++) made.put(k, -32768);
    return made;
  }

  /** The first sums beyond i16 at a shift, or the ends of i32: `end` 0 and 1 the greatest, 2 and 3 the least. */
  static beyond(shift: i32, end: i32): i32 {
    if (shift > 15 || (end & 1) === 0) return end < 2 ? i32.MAX_VALUE : i32.MIN_VALUE;
    const limit = 1 << (15 + shift);
    return end < 2 ? limit : -limit - 1;
  }

  put(column: i32, value: i32): void {
    store<i16>(this.x + usize(2 * column), i16(value));
  }

  /** Biases, then weights, as `pack` has them. */
  packed(pack: i32): usize {
    const tape = new Tape(1 << 12);
    for (let row = 0; row < this.biases.length; row++) tape.bias(this.biases[row], row % this.units, pack);
    tape.weights(this.weights, pack, 0, this.gates - 1, 0, this.units, i32(this.end - this.x) >> 1);
    return tape.address;
  }

  /** The sum of a row in 64 bits. */
  exact(row: i32): i64 {
    let sum = i64(this.biases[row]);
    const columns = this.weights.columns;
    for (let k = 0; k < columns; k++) {
      sum += i64(this.weights.values[row * columns + k]) * i64(load<i16>(this.x + usize(2 * k)));
    }
    return sum;
  }

  /** Number of sums that are not the exact ones. */
  differences(): i32 {
    return this.clampedDifferences(31);
  }

  /** Number of sums that are not the exact ones, clamped so that shifted they fit i16. */
  clampedDifferences(shift: i32): i32 {
    const limit = i64(1) << (15 + shift);
    let count = 0;
    for (let row = 0; row < this.biases.length; row++) {
      const expected = max<i64>(min<i64>(this.exact(row), limit - 1), -limit);
      if (i64(load<i32>(this.t + usize(4 * row))) !== expected) count++;
    }
    if (load<i32>(this.t - 4) !== 0 || load<i32>(this.t + usize(4 * this.biases.length)) !== 0) count += 1000;
    return count;
  }
}
