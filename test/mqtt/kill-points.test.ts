import { describe, expect, it } from "vitest";
import { armKillPoint } from "../../host/mqtt/kill-points.ts";

describe("armKillPoint", () => {
  it.each([undefined, ""])("arms nothing by %j", (armed) => {
    expect(armKillPoint(armed)).toBeUndefined();
  });

  it("kills when a point is passed for the given time, and at no other point", () => {
    let kills = 0;
    const pass = armKillPoint("after_commit:2", () => kills++);
    pass?.("after_commit");
    pass?.("after_ack");
    pass?.("before_ack");
    expect(kills).toBe(0);
    pass?.("after_commit");
    pass?.("after_commit");
    expect(kills).toBe(1);
  });

  it.each(["after_commit", "after_commit:0", "nowhere:1", "after_ack:x"])("refuses %j", (armed) => {
    expect(() => armKillPoint(armed)).toThrow(`RIVULET_KILL_AT is "${armed}", expected one of after_compute, `);
  });
});
