import { sat16 } from "../../assembly/activations_q15";

describe("sat16", () => {
  it("clamps to i16", () => {
    expect(sat16(40000)).toBe(32767);
  });
});
