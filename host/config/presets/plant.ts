// Presets of what measures in plants and in the field.

import type { Preset } from "./types.ts";

/** https://www.rfc-editor.org/rfc/rfc8428: packs name their device and their time; the topic is nobody's rule. */
const SENML: Preset = {
  title: "SenML (RFC 8428)",
  base: "",
  lines: {
    payload: "senml",
    each: "",
    device: { field: "bn" },
    time: { field: "time", format: "unix", max_future: "1d" },
  },
};

/** https://www.chirpstack.io/docs/chirpstack/integrations/events.html */
const CHIRPSTACK: Preset = {
  title: "ChirpStack 4",
  base: "application",
  lines: {
    topic: "BASE/{application}/device/{device}/event/up",
    device: "{device}",
    time: { field: "time", format: "iso8601" },
  },
  input: { field: "/object/{}" },
};

/** https://www.thethingsindustries.com/docs/integrations/other-integrations/mqtt/ */
const TTN: Preset = {
  title: "The Things Network, v3",
  base: "v3",
  lines: {
    topic: "BASE/{application}/devices/{device}/up",
    device: "{device}",
    time: { field: "received_at", format: "iso8601" },
  },
  input: { field: "/uplink_message/decoded_payload/{}" },
};

/** https://github.com/victronenergy/dbus-flashmq: N/<portal>/<service>/<instance>/<path>, `{"value": …}`. */
const VICTRON: Preset = {
  title: "Victron Venus OS",
  base: "N",
  lines: {},
  input: { topic: "BASE/{portal}/{service}/{instance}/{}", field: "value" },
  quantities: {
    voltage: { at: "Dc/0/Voltage" },
    current: { at: "Dc/0/Current" },
    power: { at: "Dc/0/Power" },
    temperature: { at: "Dc/0/Temperature" },
    soc: { at: "Soc" },
  },
};

/** https://www.opendtu.solar/firmware/mqtt_topics/: <inverter>/<channel>/<quantity>, channel 0 is the grid. */
const OPENDTU: Preset = {
  title: "OpenDTU",
  base: "solar",
  lines: {},
  input: { topic: "BASE/{device}/{}" },
  place: (name) => (name.includes("/") ? name : `0/${name}`),
};

const TELEGRAF_TOPIC = "BASE/{host}/{measurement}";

/** https://docs.influxdata.com/telegraf/v1/output-plugins/mqtt/, data_format "json" or, by its default, "influx". */
const TELEGRAF: Preset = {
  title: "Telegraf",
  base: "telegraf",
  lines: { topic: TELEGRAF_TOPIC, time: { field: "timestamp", format: "unix" } },
  linesOf: {
    influx: { topic: TELEGRAF_TOPIC, each: "", time: { field: "time", format: "unix_ns" } },
  },
  input: { field: "/fields/{}" },
};

/** https://thingsboard.io/docs/reference/mqtt-api/: a device tells its telemetry, one element or several. */
const THINGSBOARD: Preset = {
  title: "ThingsBoard, a device",
  base: "",
  lines: { topic: "BASE/v1/devices/me/telemetry", each: "", time: { field: "ts", format: "unix_ms" } },
  input: { field: "/values/{}" },
};

/** https://thingsboard.io/docs/reference/gateway-mqtt-api/: elements by device. */
const THINGSBOARD_GATEWAY: Preset = {
  title: "ThingsBoard, a gateway",
  base: "",
  lines: { topic: "BASE/v1/gateway/telemetry", each: "/{device}", time: { field: "ts", format: "unix_ms" } },
  input: { field: "/values/{}" },
};

/** https://sparkplug.eclipse.org/specification/: only what has changed is told, what is known of the rest stands in. */
const SPARKPLUG: Preset = {
  title: "Sparkplug B",
  base: "spBv1.0",
  lines: {
    topic: "BASE/{group}/{kind}/{device+}",
    device: "{group}/{device}",
    payload: "sparkplug",
    time: { field: "$time", format: "unix_ms", max_future: "1d" },
    max_age: "1d",
  },
  input: { field: "{}", map: { true: 1, false: 0 } },
};

/** Presets by name. */
export const PLANT_PRESETS = {
  senml: SENML,
  chirpstack: CHIRPSTACK,
  ttn: TTN,
  victron: VICTRON,
  opendtu: OPENDTU,
  telegraf: TELEGRAF,
  thingsboard: THINGSBOARD,
  "thingsboard-gateway": THINGSBOARD_GATEWAY,
  sparkplug: SPARKPLUG,
} satisfies Readonly<Record<string, Preset>>;
