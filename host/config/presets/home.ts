// Presets of what measures in houses.

import type { Preset, Quantity } from "./types.ts";

const SWITCH: Quantity = { lines: { map: { ON: 1, OFF: 0 } } };
const TRUTH: Quantity = { lines: { map: { true: 1, false: 0 } } };
/** What DS18B20 sensors say at the start, and when their wire is cut. */
const DS18B20 = { sentinels: [85, -127] };

/** https://www.zigbee2mqtt.io/guide/usage/mqtt_topics_and_messages.html: friendly names may have slashes. */
const ZIGBEE2MQTT: Preset = {
  title: "Zigbee2MQTT",
  base: "zigbee2mqtt",
  lines: {
    topic: "BASE/{device+}",
    except: [
      "BASE/bridge/#",
      "BASE/{device+}/availability",
      "BASE/{device+}/set",
      "BASE/{device+}/get",
      "BASE/{device+}/action",
    ],
    max_age: "1h",
  },
  quantities: { state: SWITCH, contact: TRUTH, occupancy: TRUTH, water_leak: TRUTH, smoke: TRUTH, vibration: TRUTH },
};

/** https://tasmota.github.io/docs/MQTT/: the members of SENSOR are named after the chips, as far as they are not ENERGY. */
const TASMOTA: Preset = {
  title: "Tasmota",
  base: "tele",
  lines: { topic: "BASE/{device}/SENSOR" },
  input: { field: "/{}" },
  quantities: {
    temperature: { at: "*/Temperature", lines: DS18B20 },
    humidity: { at: "*/Humidity" },
    pressure: { at: "*/Pressure" },
    dew_point: { at: "*/DewPoint" },
    illuminance: { at: "*/Illuminance" },
    co2: { at: "*/CarbonDioxide" },
    power: { at: "ENERGY/Power" },
    apparent_power: { at: "ENERGY/ApparentPower" },
    reactive_power: { at: "ENERGY/ReactivePower" },
    power_factor: { at: "ENERGY/Factor" },
    voltage: { at: "ENERGY/Voltage" },
    current: { at: "ENERGY/Current" },
    energy: { at: "ENERGY/Total" },
  },
};

/** https://esphome.io/components/mqtt: `<prefix>/<component>/<object id>/state`. */
const ESPHOME: Preset = {
  title: "ESPHome",
  base: "",
  lines: {},
  input: { topic: "BASE/{device}/{}/state" },
  place: (name) => (name.includes("/") ? name : `sensor/${name}`),
  quantities: { temperature: { at: "sensor/temperature", lines: DS18B20 } },
};

/** https://shelly-api-docs.shelly.cloud/gen2/General/Notifications: what has changed, now and then everything. */
const SHELLY: Preset = {
  title: "Shelly, generation 2 and later",
  base: "",
  lines: {
    topic: "BASE/{device}/events/rpc",
    where: { method: ["NotifyStatus", "NotifyFullStatus"] },
    time: { field: "/params/ts", format: "unix", max_future: "1d" },
    max_age: "1h",
  },
  input: { field: "/params/{}" },
  quantities: {
    temperature: { at: "temperature:0/tC" },
    humidity: { at: "humidity:0/rh" },
    power: { at: "switch:0/apower" },
    voltage: { at: "switch:0/voltage" },
    current: { at: "switch:0/current" },
    state: { at: "switch:0/output", lines: { map: { true: 1, false: 0 } } },
  },
};

/** https://shelly-api-docs.shelly.cloud/gen1/: a topic for each quantity. */
const SHELLY_GEN1: Preset = {
  title: "Shelly, generation 1",
  base: "shellies",
  lines: {},
  input: { topic: "BASE/{device}/{}" },
  quantities: {
    temperature: { at: "sensor/temperature" },
    humidity: { at: "sensor/humidity" },
    power: { at: "relay/0/power" },
    energy: { at: "relay/0/energy" },
    state: { at: "relay/0", lines: { map: { on: 1, off: 0 } } },
  },
};

const homie = (version: string, base: string): Preset => ({
  title: `Homie ${version}`,
  base,
  lines: {},
  input: { topic: "BASE/{device}/{}", map: { true: 1, false: 0 } },
  place: (name) => (name.includes("/") ? name : `{node}/${name}`),
});

/** https://zwave-js.github.io/zwave-js-ui/#/usage/setup: named topics, payload JSON with time and value. */
const ZWAVE: Preset = {
  title: "Z-Wave JS UI",
  base: "zwave",
  lines: {},
  input: { topic: "BASE/{device+}/{}", field: "value" },
  quantities: {
    temperature: { at: "sensor_multilevel/endpoint_0/Air_temperature" },
    humidity: { at: "sensor_multilevel/endpoint_0/Humidity" },
    illuminance: { at: "sensor_multilevel/endpoint_0/Illuminance" },
    power: { at: "meter/endpoint_0/value/66049" },
    energy: { at: "meter/endpoint_0/value/65537" },
    battery: { at: "battery/endpoint_0/level" },
  },
};

/** https://www.home-assistant.io/integrations/mqtt_statestream/: entities are named after device and quantity. */
const STATESTREAM: Preset = {
  title: "Home Assistant, mqtt_statestream",
  base: "homeassistant",
  lines: {},
  input: { topic: "BASE/{}/state", map: { on: 1, off: 0 } },
  // sensor.porch_temperature is one entity.
  place: (name) => (name.includes(".") ? name.replace(".", "/") : `sensor/{device}_${name}`),
};

/** https://theengs.io: adverts bring some of the values, and several gateways hear each. */
const THEENGS: Preset = {
  title: "Theengs and OpenMQTTGateway, Bluetooth",
  base: "home",
  lines: { topic: "BASE/{gateway}/BTtoMQTT/{mac}", device: "{mac}", max_age: "1h" },
  quantities: {
    temperature: { at: "tempc" },
    humidity: { at: "hum" },
    battery: { at: "batt" },
    voltage: { at: "volt" },
    illuminance: { at: "lux" },
    pressure: { at: "pres" },
    moisture: { at: "moi" },
    fertility: { at: "fer" },
  },
  repeatsWithin: "5s",
};

const RUUVI_LINES = {
  topic: "BASE/{gateway}/{mac}",
  except: ["BASE/{gateway}/gw_status"],
  device: "{mac}",
  time: { field: "ts", format: "unix", max_future: "1d" },
};

/** https://docs.ruuvi.com/communication/bluetooth-advertisements/data-format-5-rawv2, behind 7 bytes of the advert. */
const RUUVI: Preset = {
  title: "Ruuvi Gateway, raw",
  base: "ruuvi",
  lines: {
    ...RUUVI_LINES,
    where: { data_format: 5 },
    unpack: { field: "data", encoding: "hex", as: "struct" },
    struct: [
      { name: "data_format", type: "u8", at: 7 },
      { name: "temperature", type: "i16be", scale: 0.005 },
      { name: "humidity", type: "u16be", scale: 0.0025 },
      { name: "pressure", type: "u16be", offset: 50_000 },
      { name: "acceleration_x", type: "i16be", scale: 0.001 },
      { name: "acceleration_y", type: "i16be", scale: 0.001 },
      { name: "acceleration_z", type: "i16be", scale: 0.001 },
      { name: "movements", type: "u8", at: 22 },
      { name: "sequence", type: "u16be" },
    ],
  },
  // What the tag writes for a value that it does not have.
  quantities: {
    temperature: { lines: { range: [-163.8, 163.8] } },
    humidity: { lines: { range: [0, 163.8] } },
    pressure: { lines: { range: [50_000, 115_534] } },
  },
};

const RUUVI_DECODED: Preset = { title: "Ruuvi Gateway, decoded", base: "ruuvi", lines: RUUVI_LINES };

/** https://triq.org/rtl_433/INTEGRATION.html: events of all devices on one topic; a device sends each three times or so. */
const RTL_433: Preset = {
  title: "rtl_433",
  base: "rtl_433",
  lines: { topic: "BASE/{host}/events", device: "{/model}/{/id}", max_age: "1h" },
  quantities: {
    temperature: { at: "temperature_C" },
    pressure: { at: "pressure_hPa" },
    wind: { at: "wind_avg_m_s" },
    rain: { at: "rain_mm" },
    battery: { at: "battery_ok" },
  },
  repeatsWithin: "2s",
};

/** Presets by name. */
export const HOME_PRESETS = {
  zigbee2mqtt: ZIGBEE2MQTT,
  tasmota: TASMOTA,
  esphome: ESPHOME,
  shelly: SHELLY,
  "shelly-gen1": SHELLY_GEN1,
  homie4: homie("4", "homie"),
  homie5: homie("5", "homie/5"),
  "zwave-js-ui": ZWAVE,
  "homeassistant-statestream": STATESTREAM,
  theengs: THEENGS,
  ruuvi: RUUVI,
  "ruuvi-decoded": RUUVI_DECODED,
  rtl_433: RTL_433,
} satisfies Readonly<Record<string, Preset>>;
