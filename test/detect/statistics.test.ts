import { describe, expect, it } from "vitest";
import { covariance, mean, moments, quantile, robust, solve, whitening } from "../../host/detect/statistics.ts";

const no = () => Number.NaN;

describe("quantile", () => {
  it.each([
    [0, 1],
    [0.25, 1.75],
    [0.5, 2.5],
    [0.9, 3.7],
    [1, 4],
  ])("of 4, 1, 3, 2 at %d is %d: between sorted values", (q, expected) => {
    expect(quantile([4, 1, 3, 2], q)).toBeCloseTo(expected, 12);
  });

  it("leaves the values in their order", () => {
    const values = Float64Array.of(3, 1, 2);
    expect(quantile(values, 0.5)).toBe(2);
    expect([...values]).toEqual([3, 1, 2]);
  });
});

describe("robust", () => {
  it("is the median and 1.4826 times the median distance from it, which an outlier does not move", () => {
    const { middle, spread } = robust(Float64Array.of(1, 2, 3, 4, 5, 6, 20), no);
    expect(middle).toBe(4);
    expect(spread).toBeCloseTo(1.4826 * 2, 12);
  });

  it("takes the standard deviation, divided by the count, where more than half of the values are equal", () => {
    const { middle, spread } = robust(Float64Array.of(7, 7, 7, 11), no);
    expect(middle).toBe(7);
    expect(spread).toBeCloseTo(Math.sqrt(3), 12);
  });

  it("takes what it is told where all are equal, by the value that they have", () => {
    expect(robust(Float64Array.of(8, 8, 8), (median) => median / 4)).toEqual({ middle: 8, spread: 2 });
  });
});

describe("covariance and moments", () => {
  const rows = [
    [1, 2],
    [3, 8],
    [5, 5],
  ];

  it("are about the means, by one less than the rows", () => {
    expect(mean([1, 3, 5])).toBe(3);
    expect(covariance(rows)).toEqual({
      means: [3, 5],
      matrix: [
        [4, 3],
        [3, 9],
      ],
    });
  });

  it("are about 0, by the rows", () => {
    expect(moments(rows)).toEqual([
      [35 / 3, 17],
      [17, 31],
    ]);
  });
});

describe("whitening", () => {
  const matrix = [
    [4, 2, 0.6],
    [2, 5, 1],
    [0.6, 1, 3],
  ];

  it("is lower triangular, and W matrix Wᵀ = 1", () => {
    const w = whitening(matrix);
    const product = w.map((row) =>
      w.map((other) =>
        row.reduce((sum, a, i) => sum + other.reduce((part, b, j) => part + a * b * matrix[i]![j]!, 0), 0),
      ),
    );
    for (const [i, row] of product.entries()) {
      for (const [j, value] of row.entries()) expect(value).toBeCloseTo(i === j ? 1 : 0, 12);
    }
    expect([w[0]![1], w[0]![2], w[1]![2]]).toEqual([0, 0, 0]);
    expect(w[0]![0]).toBeCloseTo(0.5, 12);
  });

  it("solves equations", () => {
    const x = [1, -2, 3];
    const right = matrix.map((row) => row.reduce((sum, value, j) => sum + value * x[j]!, 0));
    for (const [i, value] of solve(matrix, right).entries()) expect(value).toBeCloseTo(x[i]!, 10);
  });
});
