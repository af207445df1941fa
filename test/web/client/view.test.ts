import { describe, expect, it } from "vitest";
import { boundsOf, pan, show, zoom } from "../../../host/web/client/view.ts";

const LATEST = 1_000_000_000;
const live = { span: 600_000, to: undefined };

describe("boundsOf", () => {
  it("ends with the latest sample, or where it was put", () => {
    expect(boundsOf(live, LATEST)).toEqual([LATEST - 600_000, LATEST]);
    expect(boundsOf({ span: 1000, to: 5000 }, LATEST)).toEqual([4000, 5000]);
  });

  it("shows no empty time of before, but a minute at least", () => {
    expect(boundsOf(live, LATEST, LATEST - 200_000)).toEqual([LATEST - 200_000, LATEST]);
    expect(boundsOf(live, LATEST, LATEST - 2000)).toEqual([LATEST - 60_000, LATEST]);
  });
});

describe("zoom", () => {
  it("keeps the end of what moves along, and the middle of what does not", () => {
    expect(zoom(live, 0.5, LATEST, 1e9)).toEqual({ span: 300_000, to: undefined });
    expect(zoom({ span: 1_000_000, to: LATEST - 1e7 }, 0.5, LATEST, 1e9)).toEqual({
      span: 500_000,
      to: LATEST - 10_250_000,
    });
  });

  it("stays between five seconds and what is kept", () => {
    expect(zoom(live, 1e-9, LATEST, 1e9).span).toBe(5000);
    expect(zoom(live, 1e9, LATEST, 700_000).span).toBe(700_000);
  });
});

describe("pan", () => {
  it("goes back, and forth until it moves along again", () => {
    const back = pan(live, -0.5, LATEST);
    expect(back).toEqual({ span: 600_000, to: LATEST - 300_000 });
    expect(pan(back, 0.25, LATEST)).toEqual({ span: 600_000, to: LATEST - 150_000 });
    expect(pan(back, 0.5, LATEST)).toEqual(live);
  });
});

describe("show", () => {
  it("shows a span, and five seconds of a shorter one", () => {
    expect(show(100_000, 200_000, LATEST)).toEqual({ span: 100_000, to: 200_000 });
    expect(show(100_000, 101_000, LATEST)).toEqual({ span: 5000, to: 103_000 });
    expect(show(LATEST - 9000, LATEST + 9000, LATEST).to).toBeUndefined();
  });
});
