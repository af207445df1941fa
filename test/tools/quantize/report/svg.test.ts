import { describe, expect, it } from "vitest";
import { escapeHtml, type PlotOptions, plot } from "../../../../tools/quantize/report/svg.ts";

const options: PlotOptions = { title: "a < b", ends: ["0", "9 & more"], xLabel: "steps" };
const one = (...values: number[]) => [{ name: "f32", className: "f32", values }];
const draw = (values: readonly number[], more: Partial<PlotOptions> = {}) =>
  plot(one(...values), { ...options, ...more });
/** Texts of the ticks of the y axis, from the bottom up. */
const ticks = (svg: string) =>
  [...svg.matchAll(/<text class="tick" x="56" y="[\d.]+" text-anchor="end">([^<]*)</g)].map(([, text]) => text);

describe("plot", () => {
  it("draws a line over a grid of round numbers", () => {
    const grid = (y: string, below: string, text: string) =>
      `<line class="grid" x1="62" x2="448" y1="${y}" y2="${y}"/><text class="tick" x="56" y="${below}" text-anchor="end">${text}</text>`;
    expect(draw([0, 10, 5]).split("\n")).toEqual([
      '<svg viewBox="0 0 460 210" role="img" aria-label="a &lt; b">',
      '<text class="title" x="62" y="14">a &lt; b</text>',
      "",
      grid("176", "179.5", "0"),
      grid("103", "106.5", "5"),
      grid("30", "33.5", "10"),
      '<path class="f32" d="M62 176L255 30L448 103"/>',
      '<text class="tick" x="62" y="190">0</text>',
      '<text class="tick" x="448" y="190" text-anchor="end">9 &amp; more</text>',
      '<text class="tick" x="255" y="204" text-anchor="middle">steps</text>',
      "</svg>",
    ]);
  });

  it("names several series in a legend", () => {
    const svg = plot(
      [
        { name: "f32", className: "f32", values: [0, 1] },
        { name: "q<15", className: "q15", values: [1, 0] },
      ],
      options,
    );
    expect(svg.split("\n")[2]).toBe(
      '<line class="f32 key" x1="344" x2="360" y1="10" y2="10"/><text class="tick" x="364" y="14">f32</text>' +
        '<line class="q15 key" x1="396" x2="412" y1="10" y2="10"/><text class="tick" x="416" y="14">q&lt;15</text>',
    );
    expect(svg).toContain('<path class="f32" d="M62 176L448 30"/>\n<path class="q15" d="M62 30L448 176"/>');
  });

  it("draws bars from the axis", () => {
    expect(draw([1, 2, 0], { bars: true, fromZero: true })).toContain('d="M62 176V103H190.7V30H319.3V176H448V176"');
  });

  it("starts the axis at 0 where told to, also for negative values", () => {
    expect(ticks(draw([9, 10]))).toEqual(["9", "9.5", "10"]);
    expect(ticks(draw([9, 10], { fromZero: true }))).toEqual(["0", "5", "10"]);
    expect(ticks(draw([-2, -1], { fromZero: true }))).toEqual(["-2", "-1.5", "-1", "-0.5", "0"]);
  });

  it.each([
    [
      [0, 4],
      ["0", "1", "2", "3", "4"],
    ],
    [
      [0, 4.1],
      ["0", "2", "4", "6"],
    ],
    [
      [0, 8.1],
      ["0", "5", "10"],
    ],
    [
      [0, 20.1],
      ["0", "10", "20", "30"],
    ],
    [
      [-0.3, 0.3],
      ["-0.4", "-0.2", "0", "0.2", "0.4"],
    ],
    [
      [0.001, 0.0031],
      ["0.001", "0.002", "0.003", "0.004"],
    ],
    [
      [0, 40_000],
      ["0", "10000", "20000", "30000", "40000"],
    ],
    [
      [0, 0.3, 0.7],
      ["0", "0.2", "0.4", "0.6", "0.8"],
    ],
  ] as const)("encloses %j by round numbers", (values, expected) => {
    expect(ticks(draw(values))).toEqual(expected);
  });

  it("draws a constant in the middle, or up from 0", () => {
    expect(ticks(draw([3, 3]))).toEqual(["2", "2.5", "3", "3.5", "4"]);
    expect(draw([3, 3])).toContain('d="M62 103L448 103"');
    expect(ticks(draw([0, 0], { fromZero: true }))).toEqual(["0", "0.5", "1"]);
    expect(draw([0, 0], { fromZero: true })).toContain('d="M62 176L448 176"');
  });

  it("draws a single value, and none", () => {
    expect(draw([3])).toContain('d="M62 103"');
    expect(ticks(draw([]))).toEqual(["-1", "-0.5", "0", "0.5", "1"]);
    expect(draw([])).toContain('<path class="f32" d=""/>');
  });
});

describe("escapeHtml", () => {
  it("escapes what means something in HTML, each time", () => {
    expect(escapeHtml(`<a href="x">'&'</a> <`)).toBe("&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; &lt;");
    expect(escapeHtml("°C → 5")).toBe("°C → 5");
  });
});
