// Minimax approximation, and the search over the roundings of coefficients to single precision.

/** Solves `A x = b` by Gauss elimination with pivots; A and b are overwritten. */
function solve(A, b) {
  const n = b.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let row = i + 1; row < n; row++) if (Math.abs(A[row][i]) > Math.abs(A[pivot][i])) pivot = row;
    [A[i], A[pivot], b[i], b[pivot]] = [A[pivot], A[i], b[pivot], b[i]];
    for (let row = i + 1; row < n; row++) {
      const factor = A[row][i] / A[i][i];
      for (let column = i; column < n; column++) A[row][column] -= factor * A[i][column];
      b[row] -= factor * b[i];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let column = i + 1; column < n; column++) b[i] -= A[i][column] * b[column];
    b[i] /= A[i][i];
  }
  return b;
}

/** The greatest |error| of each stretch of one sign, from `low` to `high`: [{ x, error }]. */
function extremes(error, low, high) {
  const found = [];
  const points = 4000;
  for (let i = 0; i <= points; i++) {
    const x = low + ((high - low) * (1 - Math.cos((Math.PI * i) / points))) / 2;
    const now = { x, error: error(x) };
    const last = found.at(-1);
    if (last === undefined || Math.sign(last.error) !== Math.sign(now.error)) found.push(now);
    else if (Math.abs(now.error) > Math.abs(last.error)) found[found.length - 1] = now;
  }
  return found;
}

/** The basis 1, x, … x^degree. */
export const powers = (degree) => Array.from({ length: degree + 1 }, (_, power) => (x) => x ** power);

/**
 * The coefficients of p, a sum over the basis, with the least greatest |weight(x) · (f(x) − p(x))| over low..high, by the Remez exchange.
 */
export function minimax(f, weight, low, high, basis) {
  const count = basis.length + 1;
  let nodes = Array.from(
    { length: count },
    (_, i) => low + ((high - low) * (1 - Math.cos((Math.PI * (i + 0.5)) / count))) / 2,
  );
  for (let turn = 0; turn < 50; turn++) {
    const rows = nodes.map((x, i) => [...basis.map((term) => term(x)), (i % 2 === 0 ? 1 : -1) / weight(x)]);
    const coefficients = solve(rows, nodes.map(f)).slice(0, -1);
    const p = (x) => basis.reduce((sum, term, i) => sum + coefficients[i] * term(x), 0);
    const found = extremes((x) => weight(x) * (f(x) - p(x)), low, high);
    while (found.length > count) {
      if (Math.abs(found[0].error) < Math.abs(found.at(-1).error)) found.shift();
      else found.pop();
    }
    if (found.length < count) break;
    const sizes = found.map(({ error }) => Math.abs(error));
    if (Math.max(...sizes) < 1.001 * Math.min(...sizes)) return coefficients;
    nodes = found.map(({ x }) => x);
  }
  throw new Error(`No minimax approximation by ${basis.length} terms found`);
}

const view = new DataView(new ArrayBuffer(4));

/** The f32 that lies `count` units in the last place from a positive or negative one, away from zero. */
export function ulps(value, count) {
  view.setFloat32(0, value);
  view.setInt32(0, view.getInt32(0) + count);
  return view.getFloat32(0);
}

/**
 * Coefficients in single precision with a small `cost(coefficients)`, found from the roundings of `start` by trying neighbours of
 * one coefficient and of two at once until none is better.
 */
export function searchRoundings(start, cost, reach = 3) {
  let best = start.map(Math.fround);
  let least = cost(best);
  const moves = [];
  for (let i = 0; i < start.length; i++) {
    for (let a = -reach; a <= reach; a++) {
      if (a !== 0) moves.push([[i, a]]);
      for (let j = 0; j < i; j++) {
        for (let b = -reach; b <= reach; b++) {
          if (a !== 0 && b !== 0)
            moves.push([
              [i, a],
              [j, b],
            ]);
        }
      }
    }
  }
  for (let hasImproved = true; hasImproved; ) {
    hasImproved = false;
    for (const move of moves) {
      const next = [...best];
      for (const [at, count] of move) next[at] = ulps(next[at], count);
      const now = cost(next);
      if (now < least) {
        [best, least, hasImproved] = [next, now, true];
      }
    }
  }
  return best;
}
