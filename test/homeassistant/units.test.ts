import { describe, expect, it } from "vitest";
import { quantityOf } from "../../host/homeassistant/units.ts";

describe("quantityOf", () => {
  it("finds the class by the unit, however it is written", () => {
    expect(quantityOf("bearing", "°C")).toEqual({ unit: "°C", deviceClass: "temperature" });
    expect(quantityOf("bearing", " degC ")).toEqual({ unit: "°C", deviceClass: "temperature" });
    expect(quantityOf("p", "bar")).toEqual({ unit: "bar", deviceClass: "pressure" });
    expect(quantityOf("air", "ug/m3")).toEqual({ unit: "µg/m³" });
  });

  it("finds the class by the name where the unit leaves it open", () => {
    expect(quantityOf("relative_humidity", "%")).toEqual({ unit: "%", deviceClass: "humidity" });
    expect(quantityOf("battery", "%")).toEqual({ unit: "%", deviceClass: "battery" });
    expect(quantityOf("valve", "%")).toEqual({ unit: "%" });
    expect(quantityOf("CO2", "ppm")).toEqual({ unit: "ppm", deviceClass: "carbon_dioxide" });
  });

  it("keeps a unit that Home Assistant has no class for, and says nothing without one", () => {
    expect(quantityOf("speed", "rpm")).toEqual({ unit: "rpm" });
    expect(quantityOf("temperature", undefined)).toEqual({});
    expect(quantityOf("temperature", " ")).toEqual({});
  });
});
