import { describe, expect, it } from "vitest";
import { Exposition, Histogram } from "../../host/metrics/exposition.ts";

describe("Exposition", () => {
  it("writes a family with help, type and samples", () => {
    const to = new Exposition();
    to.counter("a_total", "What a is.", [
      [{ stream: "x", reason: "late" }, 3],
      [{ stream: "y" }, 0.5],
    ]);
    expect(String(to)).toBe(
      '# HELP a_total What a is.\n# TYPE a_total counter\na_total{stream="x",reason="late"} 3\na_total{stream="y"} 0.5\n',
    );
  });

  it("writes a value without labels, and none of a family without samples", () => {
    const to = new Exposition();
    to.gauge("b", "B.", Number.NaN);
    to.gauge("c", "C.", []);
    expect(String(to)).toBe("# HELP b B.\n# TYPE b gauge\nb NaN\n");
  });

  it("escapes what would end a label's value", () => {
    const to = new Exposition();
    to.gauge("d", "D.", [[{ device: 'a"} 1\nevil{x="\\' }, -1 / 0]]);
    expect(String(to).split("\n")[2]).toBe('d{device="a\\"} 1\\nevil{x=\\"\\\\"} -Inf');
  });

  it("writes a histogram with counts that add up", () => {
    const histogram = new Histogram([0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
    const to = new Exposition();
    to.histogram("e_seconds", "E.", histogram);
    expect(String(to).split("\n").slice(1, -1)).toEqual([
      "# TYPE e_seconds histogram",
      'e_seconds_bucket{le="0.1"} 2',
      'e_seconds_bucket{le="1"} 3',
      'e_seconds_bucket{le="+Inf"} 4',
      "e_seconds_sum 7.65",
      "e_seconds_count 4",
    ]);
  });
});
