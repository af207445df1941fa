import {
  LAYER_LINEAR,
  LAYER_RELU,
  LAYER_SIGMOID,
  LAYER_SOFTMAX,
  LAYER_TANH,
  STATUS_BAD_TOKEN,
  STATUS_OK,
} from "../../../assembly/layout";
import {
  activateQ15,
  addSkipQ15,
  affineMcu,
  embedQ15,
  inputQ15,
  outputQ15,
  pushQ15,
  reluQ15,
  widenQ15,
} from "../../../assembly/mcu/ends";
import { sat, sigma, T } from "../support/gru_integers";
import { placeTable } from "../support/mcu_table";
import { vector, zeros } from "../support/memory";
import { integer, integers } from "../support/random";

placeTable();

/** A sum, a multiplier and y of one row. */
const ROW = zeros(8);

describe("inputQ15 (FORMAT.md 5.1)", () => {
  it("subtracts the offset of each input", () => {
    const x = zeros(6);
    inputQ15(vector<i32>([1005, -3, 0]), vector<i32>([1000, 4, -7]), x, 3);
    expect(load<i16>(x)).toBe(5);
    expect(load<i16>(x, 2)).toBe(-7);
    expect(load<i16>(x, 4)).toBe(7);
  });

  it("keeps the ends of an i16 and saturates beyond them", () => {
    expect(input(32767, 0)).toBe(32767);
    expect(input(-32768, 0)).toBe(-32768);
    expect(input(32768, 0)).toBe(32767);
    expect(input(-32769, 0)).toBe(-32768);
  });

  it("does not overflow at the ends of raw values and offsets", () => {
    expect(input(1 << 30, -(1 << 30) + 1)).toBe(32767);
    expect(input(-(1 << 30), 1 << 30)).toBe(-32768);
  });

  it("writes no more than `count` elements", () => {
    const x = zeros(4);
    inputQ15(vector<i32>([1, 2]), vector<i32>([0, 0]), x, 1);
    expect(load<i16>(x, 2)).toBe(0);
  });
});

describe("embedQ15", () => {
  it("copies the row of a token", () => {
    expect(embedded(0)).toBe(10);
    expect(embedded(2)).toBe(30);
  });

  it("refuses tokens out of range, and leaves x", () => {
    expect(embedded(3)).toBe(-STATUS_BAD_TOKEN);
    expect(embedded(-1)).toBe(-STATUS_BAD_TOKEN);
    expect(embedded(i32.MIN_VALUE)).toBe(-STATUS_BAD_TOKEN);
    expect(embedded(i32.MAX_VALUE)).toBe(-STATUS_BAD_TOKEN);
  });

  it("copies all bytes of a row and no more", () => {
    const x = zeros(24);
    const rows = vector<i16>([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(embedQ15(vector<i32>([0]), rows, 1, 16, x)).toBe(STATUS_OK);
    expect(load<i16>(x, 14)).toBe(8);
    expect(load<i16>(x, 16)).toBe(0);
  });
});

describe("pushQ15", () => {
  it("drops the oldest input and appends the newest", () => {
    const window = vector<i16>([1, 2, 3, 4, 5, 6, 99]);
    pushQ15(window, vector<i16>([7, 8]), 8, 4);
    expect(load<i16>(window)).toBe(3);
    expect(load<i16>(window, 6)).toBe(6);
    expect(load<i16>(window, 8)).toBe(7);
    expect(load<i16>(window, 10)).toBe(8);
    expect(load<i16>(window, 12)).toBe(99);
  });

  it("replaces a window of one input", () => {
    const window = vector<i16>([1, 2]);
    pushQ15(window, vector<i16>([7, 8]), 0, 4);
    expect(load<i16>(window)).toBe(7);
    expect(load<i16>(window, 2)).toBe(8);
  });
});

describe("affineMcu", () => {
  it("adds the products of padded rows of i8 to biases", () => {
    expect(affineDifferences<i8>(1, 1, 127)).toBe(0);
    for (let columns = 1; columns < 14; columns++) expect(affineDifferences<i8>(5, columns, 127)).toBe(0);
  });

  it("adds those of i16, as the skip has them", () => {
    expect(affineDifferences<i16>(1, 1, 1000)).toBe(0);
    for (let columns = 1; columns < 14; columns++) expect(affineDifferences<i16>(5, columns, 1000)).toBe(0);
  });

  it("is exact at the bound of 32 bits", () => {
    const data = zeros(8);
    store<i32>(data, -i32.MAX_VALUE + 32768 * 508);
    memory.fill(data + 4, 127, 4);
    const t = zeros(4);
    const x = vector<i16>([-32768, -32768, -32768, -32768]);
    affineMcu<i8>(data, x, x + 8, t, 1);
    expect(load<i32>(t)).toBe(-i32.MAX_VALUE);
  });
});

describe("activateQ15 (FORMAT.md 5.4)", () => {
  it("requantizes a linear layer, halves towards +infinity", () => {
    expect(activated(LAYER_LINEAR, 1000, 2, 16384)).toBe(250);
    expect(activated(LAYER_LINEAR, 3, 0, 8192)).toBe(2); //  1.5 ->  2
    expect(activated(LAYER_LINEAR, -3, 0, 8192)).toBe(-1); // -1.5 -> -1
  });

  it("saturates before the multiplier and behind it", () => {
    expect(activated(LAYER_LINEAR, 1 << 20, 0, 8192)).toBe(16384); // 32767 / 2
    expect(activated(LAYER_LINEAR, i32.MAX_VALUE, 0, 32767)).toBe(32767);
    expect(activated(LAYER_LINEAR, i32.MIN_VALUE, 0, 32767)).toBe(-32768);
  });

  it("sets negative values to zero for relu", () => {
    expect(activated(LAYER_RELU, -5, 0, 16384)).toBe(0);
    expect(activated(LAYER_RELU, 5, 0, 16384)).toBe(5);
  });

  it("applies the table for tanh and sigmoid, at every i16", () => {
    let differences = 0;
    for (let v = -32768; v <= 32767; v++) {
      if (i64(activated(LAYER_TANH, v, 0, 16384)) !== T(v)) differences++;
      if (i64(activated(LAYER_SIGMOID, v, 0, 16384)) !== sigma(v)) differences++;
    }
    expect(differences).toBe(0);
  });

  it("equals the formula in 64 bits, extremes included", () => {
    let differences = 0;
    for (let turn = 0; turn < 3000; turn++) {
      const sum = turn % 3 ? integer(i32.MIN_VALUE, i32.MAX_VALUE) : turn & 1 ? i32.MAX_VALUE : i32.MIN_VALUE;
      const shift = integer(0, 30);
      const m = turn & 2 ? 32767 : integer(1, 32767);
      const v = sat((sat(i64(sum) >> shift) * i64(m) + 8192) >> 14);
      if (i64(activated(LAYER_LINEAR, sum, shift, m)) !== v) differences++;
    }
    expect(differences).toBe(0);
  });

  it("leaves u of a last layer in t: y in Q23, the logits of a softmax as they are", () => {
    const t = vector<i32>([4, -3]);
    activateQ15(t, vector<i16>([16384, 16384]), zeros(4), 2, 0, LAYER_LINEAR);
    expect(load<i32>(t, 4)).toBe(-768);
    store<i32>(t, -3, 4);
    activateQ15(t, vector<i16>([16384, 16384]), zeros(4), 2, 0, LAYER_SOFTMAX);
    expect(load<i32>(t, 4)).toBe(-3);
  });
});

describe("reluQ15", () => {
  it("sets negative sums to zero and keeps the others", () => {
    const t = vector<i32>([i32.MIN_VALUE, -1, 1, i32.MAX_VALUE, -9]);
    reluQ15(t, 4);
    expect(load<i32>(t)).toBe(0);
    expect(load<i32>(t, 4)).toBe(0);
    expect(load<i32>(t, 8)).toBe(1);
    expect(load<i32>(t, 12)).toBe(i32.MAX_VALUE);
    expect(load<i32>(t, 16)).toBe(-9);
  });
});

describe("widenQ15", () => {
  it("gives a state in Q23", () => {
    const t = zeros(12);
    widenQ15(vector<i16>([-32768, 32767, 5]), t, 2);
    expect(load<i32>(t)).toBe(-8388608);
    expect(load<i32>(t, 4)).toBe(8388352);
    expect(load<i32>(t, 8)).toBe(0);
  });
});

describe("outputQ15 (FORMAT.md 5.5)", () => {
  it("is the floor of u m / 65536, and the offset", () => {
    expect(output(65536, 3, 1000)).toBe(1003);
    expect(output(65535, 3, 1000)).toBe(1002);
    expect(output(-1, 1, 1000)).toBe(999);
  });

  it("equals the product in 64 bits at the ends of u", () => {
    expect(output(i32.MAX_VALUE, 32767, 0)).toBe(1073709055);
    expect(output(-i32.MAX_VALUE, 32767, 0)).toBe(-1073709056);
  });

  it("takes offset and multiplier of each output", () => {
    const to = zeros(12);
    outputQ15(vector<i32>([65536, 131072]), vector<i32>([10, 20, 1, 2]), to, 2);
    expect(load<i32>(to)).toBe(11);
    expect(load<i32>(to, 4)).toBe(24);
    expect(load<i32>(to, 8)).toBe(0);
  });
});

describe("addSkipQ15 (FORMAT.md 5.5)", () => {
  it("adds the floor of s m / 65536 to each output", () => {
    const to = vector<i32>([100, 200, 300]);
    addSkipQ15(vector<i32>([65536, -1]), vector<i32>([5, 7]), to, 2);
    expect(load<i32>(to)).toBe(105);
    expect(load<i32>(to, 4)).toBe(199);
    expect(load<i32>(to, 8)).toBe(300);
  });

  it("equals the product in 64 bits at the ends of s", () => {
    const to = zeros(8);
    addSkipQ15(vector<i32>([i32.MAX_VALUE, -i32.MAX_VALUE]), vector<i32>([32767, 32767]), to, 2);
    expect(load<i32>(to)).toBe(1073709055);
    expect(load<i32>(to, 4)).toBe(-1073709056);
  });
});

function input(raw: i32, offset: i32): i32 {
  const x = zeros(2);
  const at = zeros(8);
  store<i32>(at, raw);
  store<i32>(at, offset, 4);
  inputQ15(at, at + 4, x, 1);
  return i32(load<i16>(x));
}

/** Element 0 of the row of a token among three; minus the status when it is refused and x is left. */
function embedded(token: i32): i32 {
  const at = zeros(4);
  store<i32>(at, token);
  const x = vector<i16>([77, 0, 0, 0]);
  const status = embedQ15(at, vector<i16>([10, 0, 0, 0, 20, 0, 0, 0, 30, 0, 0, 0]), 3, 8, x);
  if (status !== STATUS_OK) return load<i16>(x) === 77 ? -status : i32.MAX_VALUE;
  return i32(load<i16>(x));
}

/** y of one row. */
function activated(kind: i32, sum: i32, shift: i32, multiplier: i32): i32 {
  store<i32>(ROW, sum);
  store<i16>(ROW, multiplier, 4);
  activateQ15(ROW, ROW + 4, ROW + 6, 1, shift, kind);
  return i32(load<i16>(ROW, 6));
}

function output(u: i32, m: i32, offset: i32): i32 {
  const at = zeros(16);
  store<i32>(at, u);
  store<i32>(at, offset, 4);
  store<i32>(at, m, 8);
  outputQ15(at, at + 4, at + 12, 1);
  return load<i32>(at, 12);
}

/** Rows whose sums differ from 64 bits; what only pads x is anything. */
function affineDifferences<W>(size: i32, columns: i32, limit: i32): i32 {
  const stride = (columns + 3) & ~3;
  const b = integers(size, -1000000, 1000000);
  const data = zeros(4 * size + 2 * size * stride);
  const w = data + usize(4 * size);
  const x = zeros(2 * stride);
  for (let k = 0; k < stride; k++) store<i16>(x + usize(2 * k), i16(integer(-32768, 32767)));
  const expected = new StaticArray<i64>(size);
  for (let row = 0; row < size; row++) {
    store<i32>(data + usize(4 * row), b[row]);
    expected[row] = i64(b[row]);
    for (let k = 0; k < columns; k++) {
      const weight = integer(-limit, limit);
      store<W>(w + sizeof<W>() * usize(row * stride + k), <W>weight);
      expected[row] += i64(weight) * i64(load<i16>(x + usize(2 * k)));
    }
  }
  const t = zeros(4 * size);
  affineMcu<W>(data, x, x + usize(2 * stride), t, size);
  let differences = 0;
  for (let row = 0; row < size; row++) if (i64(load<i32>(t + usize(4 * row))) !== expected[row]) differences++;
  return differences;
}
