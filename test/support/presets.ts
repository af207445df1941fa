/** A preset, a system's messages (test/vectors/devices), and what is read of them. */
export interface PresetCase {
  readonly preset: string;
  readonly fixture: string;
  /** Lines of the stream beside `preset` and `detector`. */
  readonly stream: string;
  /** As `wayOf` writes it. */
  readonly way: readonly string[];
}

const TH = "inputs: [temperature, humidity]";

/** A case for every preset. */
export const PRESET_CASES: readonly PresetCase[] = [
  {
    preset: "zigbee2mqtt",
    fixture: "zigbee2mqtt",
    stream: TH,
    way: ["cellar: 14.1,61.2 at now", "cellar: 14.2,61.2 at now", "cellar: 14.3,61.2 at now", "plug: missing_field"],
  },
  {
    preset: "zigbee2mqtt",
    fixture: "zigbee2mqtt-slash-name",
    stream: TH,
    way: ["house/cellar: 14,60 at now", "attic: 4,70 at now"],
  },
  {
    preset: "zigbee2mqtt",
    fixture: "zigbee2mqtt-partial-only",
    stream: TH,
    way: ["porch held", "porch: 4.1,81.2 at now", "porch: 4.2,81.2 at now", "porch: 4.2,81.3 at now"],
  },
  {
    preset: "tasmota",
    fixture: "tasmota-energy",
    stream: "inputs: [power, voltage]",
    way: ["plug7: 41,231 at now", "plug7: 42,230 at now"],
  },
  {
    preset: "tasmota",
    fixture: "tasmota-th-null",
    stream: TH,
    way: ["th: 21.5,40.2 at now", "th: missing_field"],
  },
  { preset: "esphome", fixture: "esphome", stream: TH, way: ["porch: not_finite"] },
  {
    preset: "shelly",
    fixture: "shelly-gen2-events-rpc",
    stream: "inputs: [power, voltage]",
    way: [
      "shellyplus1pm-aabbcc held",
      "shellyplus1pm-aabbcc: 12.3,231.2 at 09:00:10",
      "shellyplus1pm-aabbcc: 12.4,231.3 at 09:00:20",
      "shellyplus1pm-aabbcc: 12.5,231.3 at 09:00:30",
    ],
  },
  {
    preset: "shelly-gen1",
    fixture: "shelly-gen1",
    stream: TH,
    way: ["shellyht-1 held", "shellyht-1: 21.5,40 at now"],
  },
  { preset: "homie4", fixture: "homie4", stream: TH, way: ["dev1/climate held", "dev1/climate: 21.5,40 at now"] },
  { preset: "homie5", fixture: "homie5-live", stream: TH, way: ["dev1/climate held", "dev1/climate: 21.5,40 at now"] },
  {
    preset: "senml",
    fixture: "senml-json-order-and-batch",
    stream: "topic: senml/a, inputs: [temp, hum]",
    way: ["urn:dev:mac:0024befffe804ff1:: 21.5,40 at now", "d:: 21.5,40 at 09:00:00", "d:: 21.6,41 at 09:01:00"],
  },
  { preset: "chirpstack", fixture: "chirpstack4", stream: TH, way: ["70b3d50000000001: 21.5,40 at 10:00:00"] },
  { preset: "ttn", fixture: "ttn-v3", stream: TH, way: ["th1: 21.5,40 at 10:00:00"] },
  {
    preset: "victron",
    fixture: "victron-venus",
    stream: "inputs: [voltage, power]",
    way: [
      "c0619ab00000/battery/512 held",
      "c0619ab00000/battery/512: 52.1,-310 at now",
      "c0619ab00000/battery/512: missing_field",
    ],
  },
  {
    preset: "zwave-js-ui",
    fixture: "zwave-js-ui",
    stream: TH,
    way: ["kitchen/multisensor held", "kitchen/multisensor: 21.5,40 at now"],
  },
  {
    preset: "opendtu",
    fixture: "opendtu",
    stream: "inputs: [power, voltage]",
    way: ["116100000001 held", "116100000001: 412.3,231.1 at now"],
  },
  { preset: "telegraf", fixture: "telegraf-json", stream: TH, way: ["pi/environment: 21.5,40 at 09:00:00"] },
  {
    preset: "telegraf",
    fixture: "telegraf-json-batch",
    stream: `each: /metrics, ${TH}`,
    way: ["pi/environment: 21.5,40 at 09:00:00", "pi/environment: 21.6,41 at 09:00:10"],
  },
  {
    preset: "telegraf",
    fixture: "influx-line",
    stream: `payload: influx, ${TH}`,
    way: ["pi/environment: 21.5,40 at 09:00:00"],
  },
  {
    preset: "thingsboard",
    fixture: "thingsboard-device",
    stream: TH,
    way: ["room: 21.5,40 at 09:00:00", "room: 21.6,41 at 09:00:00"],
  },
  {
    preset: "thingsboard-gateway",
    fixture: "thingsboard-gateway",
    stream: TH,
    way: ["boiler: 61,30 at 09:00:00", "boiler: 62,31 at 09:00:01", "hall: 21,40 at 09:00:00"],
  },
  {
    preset: "theengs",
    fixture: "theengs-openmqttgateway",
    stream: TH,
    way: ["A4C138000001: 21.5,40.1 at now", "A4C138000001: missing_field", "A4C138000001: repeated"],
  },
  {
    preset: "theengs",
    fixture: "theengs-split-adverts",
    stream: TH,
    way: ["582D34000001 held", "582D34000001: 21.5,40.1 at now", "582D34000001: 21.6,40.1 at now"],
  },
  {
    preset: "ruuvi",
    fixture: "ruuvi-gateway-raw",
    stream: "inputs: [temperature, humidity, pressure]",
    way: ["DD:EE:FF:00:00:01: 17.605,40,101440 at 08:59:59"],
  },
  {
    preset: "ruuvi-decoded",
    fixture: "ruuvi-gateway-decoded",
    stream: TH,
    way: ["DD:EE:FF:00:00:01: 21.5,40.2 at 08:59:59"],
  },
  {
    preset: "rtl_433",
    fixture: "rtl433-events",
    stream: TH,
    way: ["Bresser-3CH/164: 21.5,40 at now", "Bresser-3CH/33: -4.5,80 at now"],
  },
  {
    preset: "sparkplug",
    fixture: "sparkplug-births",
    stream: 'inputs: [temperature, "Inputs/Pressure"]',
    way: [
      "plant/gw1: filtered",
      "plant/gw1/oven held",
      "plant/gw1/oven: 21.5,3.25 at 09:00:01",
      "plant/gw1/oven: 22,3.25 at 09:00:02",
      "plant/gw1/oven: 22.5,3.25 at 09:00:03",
      "plant/gw1/oven: 22.5,3.5 at 09:00:04",
      // A message is missing, so nobody knows what its alias stands for; behind the births it stands for something else.
      "plant/gw1/oven: unborn",
      "plant/gw1: filtered",
      "plant/gw1: filtered",
      "plant/gw1/oven held",
      "plant/gw1/oven: 24,3.5 at 09:00:07",
      "plant/gw1: filtered",
    ],
  },
  {
    // Written by the package sparkplug-payload 1.0.3.
    preset: "sparkplug",
    fixture: "sparkplug-types",
    stream: 'inputs: [speed, offset, count, big, "on", { name: heat, field: /motor/heat }]',
    way: ["plant/gw2: filtered", "plant/gw2/pump held", "plant/gw2/pump: 1490,-13,-6,4000000000,1,62.5 at 09:00:01"],
  },
  {
    preset: "sparkplug",
    fixture: "sparkplug-b",
    stream: "inputs: [temperature]",
    // Its times are of 1997, so those of arrival stand for them.
    way: ["g/n held", "g/n/d: 21.5 at now"],
  },
  {
    preset: "homeassistant-statestream",
    fixture: "ha-statestream-live",
    stream: TH,
    way: ["porch held", "porch: 21.5,40 at now", "porch: missing_field"],
  },
];
