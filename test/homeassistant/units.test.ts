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

  // The device classes of sensors, with the units that Home Assistant takes for each: another unit would be refused.
  it.each([
    ["apparent_power", "VA"],
    ["current", "A mA"],
    ["data_rate", "bit/s kbit/s Mbit/s B/s kB/s MB/s"],
    ["duration", "s min h d ms"],
    ["frequency", "Hz kHz MHz GHz"],
    ["illuminance", "lx"],
    ["irradiance", "W/m²"],
    ["power", "W kW"],
    ["precipitation_intensity", "mm/h"],
    ["pressure", "Pa hPa kPa bar mbar mmHg inHg psi"],
    ["reactive_power", "var"],
    ["signal_strength", "dBm"],
    ["temperature", "°C °F K"],
    ["voltage", "V mV"],
    ["volume_flow_rate", "m³/h L/min ft³/min"],
    ["weight", "kg g mg lb"],
  ])("knows %s by %s", (deviceClass, units) => {
    for (const unit of units.split(" ")) expect(quantityOf("x", unit)).toEqual({ unit, deviceClass });
  });

  it.each([
    ["soil moisture", "%", "moisture"],
    ["Humidity", "%", "humidity"],
    ["carbon dioxide", "ppm", "carbon_dioxide"],
    ["carbon_dioxide", "ppm", "carbon_dioxide"],
    ["pm2.5", "µg/m³", "pm25"],
    ["PM25", "µg/m³", "pm25"],
    ["pm_2_5", "µg/m³", "pm25"],
    ["pm10", "µg/m³", "pm10"],
    ["wind", "m/s", "wind_speed"],
    ["gusts of wind", "km/h", "wind_speed"],
  ])("takes %s in %s for %s", (name, unit, deviceClass) => {
    expect(quantityOf(name, unit)).toEqual({ unit, deviceClass });
  });

  it.each([
    ["C", "°C"],
    ["deg C", "°C"],
    ["Celsius", "°C"],
    ["degF", "°F"],
    ["fahrenheit", "°F"],
    ["Kelvin", "K"],
    ["percent", "%"],
    ["Volt", "V"],
    ["ampere", "A"],
    ["watt", "W"],
    ["lux", "lx"],
    ["\u03bcg/m³", "µg/m³"],
    ["m3/h", "m³/h"],
    ["l/min", "L/min"],
    ["W/m2", "W/m²"],
  ])("takes %s for %s", (written, unit) => {
    expect(quantityOf("x", written).unit).toBe(unit);
  });
});
