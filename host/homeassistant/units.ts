// Units as models write them → device classes of Home Assistant, each with a unit that the class takes
// (https://www.home-assistant.io/integrations/sensor/#device-class). A class without a unit of its own would be refused.

/** What Home Assistant is told of a quantity. */
export interface Quantity {
  readonly unit?: string;
  readonly deviceClass?: string;
}

/** Units that say what is measured. */
const CLASSES: Readonly<Record<string, readonly string[]>> = {
  apparent_power: ["VA"],
  current: ["A", "mA"],
  data_rate: ["bit/s", "kbit/s", "Mbit/s", "B/s", "kB/s", "MB/s"],
  duration: ["s", "min", "h", "d", "ms"],
  frequency: ["Hz", "kHz", "MHz", "GHz"],
  illuminance: ["lx"],
  irradiance: ["W/m²"],
  power: ["W", "kW"],
  precipitation_intensity: ["mm/h"],
  pressure: ["Pa", "hPa", "kPa", "bar", "mbar", "mmHg", "inHg", "psi"],
  reactive_power: ["var"],
  signal_strength: ["dBm"],
  temperature: ["°C", "°F", "K"],
  voltage: ["V", "mV"],
  volume_flow_rate: ["m³/h", "L/min", "ft³/min"],
  weight: ["kg", "g", "mg", "lb"],
};
const CLASS_OF_UNIT = new Map(
  Object.entries(CLASSES).flatMap(([deviceClass, units]) => units.map((unit) => [unit, deviceClass] as const)),
);

/** Units that leave it to the name, with what the name says. */
const BY_NAME: readonly { readonly unit: string; readonly name: RegExp; readonly deviceClass: string }[] = [
  { unit: "%", name: /humid/i, deviceClass: "humidity" },
  { unit: "%", name: /moist/i, deviceClass: "moisture" },
  { unit: "%", name: /batter/i, deviceClass: "battery" },
  { unit: "ppm", name: /co2|carbon.?dioxide/i, deviceClass: "carbon_dioxide" },
  { unit: "µg/m³", name: /pm.?2[._]?5/i, deviceClass: "pm25" },
  { unit: "µg/m³", name: /pm.?10/i, deviceClass: "pm10" },
  { unit: "m/s", name: /wind/i, deviceClass: "wind_speed" },
  { unit: "km/h", name: /wind/i, deviceClass: "wind_speed" },
];

/** Other spellings, in small letters. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ["c", "°C"],
  ["degc", "°C"],
  ["deg c", "°C"],
  ["celsius", "°C"],
  ["degf", "°F"],
  ["fahrenheit", "°F"],
  ["kelvin", "K"],
  ["percent", "%"],
  ["volt", "V"],
  ["ampere", "A"],
  ["watt", "W"],
  ["lux", "lx"],
  ["ug/m3", "µg/m³"],
  ["μg/m³", "µg/m³"],
  ["m3/h", "m³/h"],
  ["l/min", "L/min"],
  ["w/m2", "W/m²"],
]);

/** Answers what a quantity is to Home Assistant, by its name and the unit that a model gives it. */
export function quantityOf(name: string, unit: string | undefined): Quantity {
  if (unit === undefined || unit.trim() === "") return {};
  const written = unit.trim();
  const known = SPELLINGS.get(written.toLowerCase()) ?? written;
  const named = BY_NAME.find((rule) => rule.unit === known && rule.name.test(name));
  const deviceClass = CLASS_OF_UNIT.get(known) ?? named?.deviceClass;
  return deviceClass === undefined ? { unit: known } : { unit: known, deviceClass };
}
