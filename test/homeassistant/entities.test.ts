import { describe, expect, it } from "vitest";
import { bridgeInfo, bridgeNode, configTopic, deviceNode } from "../../host/homeassistant/entities.ts";

const PLACE = { baseTopic: "plant", version: "1.2.3" };
const STREAM = {
  name: "pump",
  model: "pump@12345678",
  outputs: [{ name: "next_bearing_temperature", unit: "°C" }, { name: "{{ states }}" }],
  hasDetector: true,
  tellsSilence: true,
  tellsStuck: true,
  expireAfter: 30,
};
const UNTOLD = { tellsSilence: false, tellsStuck: false };
const entityOf = ({ messages }: ReturnType<typeof deviceNode>, part: string) =>
  JSON.parse(messages.find((message) => message.part === part)?.payload ?? "null");

describe("configTopic", () => {
  it("has the kind before the node", () => {
    expect(configTopic("homeassistant", "pump_7", "sensor/score")).toBe("homeassistant/sensor/pump_7/score/config");
  });
});

describe("deviceNode", () => {
  it("has an alarm, a score and the predictions", () => {
    const node = deviceNode(PLACE, STREAM, "hall/7");
    expect(node.messages.map(({ part }) => part)).toEqual([
      "binary_sensor/alarm",
      "sensor/score",
      "sensor/prediction_0",
      "sensor/prediction_1",
      "binary_sensor/reporting",
      "binary_sensor/stuck",
    ]);
    expect(entityOf(node, "sensor/prediction_0")).toMatchObject({
      name: "Predicted next bearing temperature",
      state_topic: "plant/pump/hall/7",
      value_template: "{{ value_json.prediction[0] }}",
      unit_of_measurement: "°C",
      device_class: "temperature",
      expire_after: 30,
      unique_id: `${node.id}_sensor_prediction_0`,
      device: { name: "pump hall/7", via_device: bridgeNode(PLACE).id, identifiers: [node.id] },
    });
    expect(entityOf(node, "binary_sensor/alarm")).toMatchObject({ state_topic: "plant/pump/hall/7/alarm" });
    expect(entityOf(node, "binary_sensor/alarm").expire_after).toBeUndefined();
  });

  it("puts no name of a model or a device into a template", () => {
    const node = deviceNode(PLACE, STREAM, "{{ states }}");
    const templates = node.messages.flatMap(({ payload }) =>
      Object.entries(JSON.parse(payload)).filter(([key]) => key.endsWith("template")),
    );
    expect(templates).toHaveLength(10);
    expect(JSON.stringify(templates)).not.toContain("states");
  });

  it("shows sixteen predictions at most, and those of a detector alone not at all", () => {
    const outputs = Array.from({ length: 20 }, (_, index) => ({ name: `o${index}` }));
    expect(deviceNode(PLACE, { ...STREAM, ...UNTOLD, outputs, hasDetector: false }, "7").messages).toHaveLength(16);
    const alone = deviceNode(
      PLACE,
      { ...STREAM, ...UNTOLD, model: undefined, outputs: [], expireAfter: undefined },
      "7",
    );
    expect(alone.messages.map(({ part }) => part)).toEqual(["binary_sensor/alarm", "sensor/score"]);
    expect(entityOf(alone, "sensor/score")).toMatchObject({ device: { model: "Detector" } });
    expect(entityOf(alone, "sensor/score").expire_after).toBeUndefined();
  });
});

describe("bridgeNode", () => {
  it("is named by the base topic where there may be several", () => {
    expect(entityOf(bridgeNode(PLACE), "sensor/version").device).toMatchObject({
      name: "Rivulet plant",
      sw_version: "1.2.3",
    });
    const unnamed = bridgeNode({ baseTopic: "rivulet", version: undefined });
    expect(entityOf(unnamed, "sensor/version").device).not.toHaveProperty("sw_version");
    expect(entityOf(unnamed, "sensor/version").device.name).toBe("Rivulet");
  });

  it("leaves the newest version to those who know it", () => {
    expect(entityOf(bridgeNode(PLACE), "update/update")).toMatchObject({
      state_topic: "plant/bridge/info",
      latest_version_topic: "plant/bridge/latest_version",
    });
  });

  it("reads its version where the bridge publishes it", () => {
    expect(entityOf(bridgeNode(PLACE), "sensor/version")).toMatchObject({ state_topic: "plant/bridge/info" });
    expect(bridgeInfo(PLACE, ["pump"])).toBe('{"version":"1.2.3","streams":["pump"]}');
    expect(bridgeInfo({ ...PLACE, version: undefined }, [])).toBe('{"version":"unknown","streams":[]}');
  });
});

/** What differs from entity to entity: the page of Home Assistant is made of it. */
const ownOf = ({ messages }: ReturnType<typeof deviceNode>) =>
  Object.fromEntries(
    messages.map(({ part, payload }) => {
      const { origin: _, device: __, availability: ___, unique_id: ____, ...own } = JSON.parse(payload);
      return [part, own];
    }),
  );

describe("the entities as Home Assistant reads them", () => {
  it("are of a device: a problem, a score, predictions, whether it reports and whether it is stuck", () => {
    const own = ownOf(deviceNode(PLACE, STREAM, "7"));
    const health = {
      state_topic: "plant/pump/7/health",
      json_attributes_topic: "plant/pump/7/health",
      json_attributes_template:
        "{{ {'why': value_json.why, 'since': (value_json.since / 1000) | timestamp_utc} | tojson }}",
      entity_category: "diagnostic",
      qos: 1,
    };
    expect(own["binary_sensor/reporting"]).toEqual({
      name: "Reporting",
      device_class: "connectivity",
      value_template: "{{ 'OFF' if value_json.health == 'stale' else 'ON' }}",
      ...health,
    });
    expect(own["binary_sensor/stuck"]).toEqual({
      name: "Stuck",
      device_class: "problem",
      value_template: "{{ 'ON' if value_json.health == 'stuck' else 'OFF' }}",
      ...health,
    });
    expect(own["binary_sensor/alarm"]).toMatchObject({
      name: "Alarm",
      device_class: "problem",
      value_template: "{{ 'ON' if value_json.alarm else 'OFF' }}",
      json_attributes_topic: "plant/pump/7/alarm",
      json_attributes_template: expect.stringContaining("'cause': value_json.text | default('')"),
      qos: 1,
    });
    expect(own["sensor/score"]).toMatchObject({
      name: "Anomaly score",
      icon: "mdi:chart-bell-curve",
      state_topic: "plant/pump/7",
      value_template: "{{ value_json.score }}",
      state_class: "measurement",
      suggested_display_precision: 2,
      json_attributes_topic: "plant/pump/7",
      json_attributes_template: expect.stringContaining("'muted': value_json.muted | default(false)"),
      expire_after: 30,
      qos: 1,
    });
    expect(own["sensor/prediction_1"]).toEqual({
      name: expect.stringMatching(/^Predicted /),
      state_topic: "plant/pump/7",
      value_template: "{{ value_json.prediction[1] }}",
      state_class: "measurement",
      suggested_display_precision: 2,
      expire_after: 30,
      qos: 1,
    });
  });

  it("are of the bridge: its connection, its state, its version and what is newer", () => {
    const shared = { entity_category: "diagnostic", qos: 1 };
    expect(ownOf(bridgeNode(PLACE))).toEqual({
      "binary_sensor/connection": {
        name: "Connection",
        device_class: "connectivity",
        state_topic: "plant/bridge/state",
        value_template: "{{ 'OFF' if value == 'offline' else 'ON' }}",
        ...shared,
      },
      "sensor/state": {
        name: "State",
        state_topic: "plant/bridge/state",
        value_template: "{{ value[:255] }}",
        ...shared,
      },
      "sensor/version": {
        name: "Version",
        state_topic: "plant/bridge/info",
        value_template: "{{ value_json.version }}",
        ...shared,
      },
      "update/update": {
        name: "Update",
        device_class: "firmware",
        title: "Rivulet",
        state_topic: "plant/bridge/info",
        value_template: "{{ {'installed_version': value_json.version} | tojson }}",
        latest_version_topic: "plant/bridge/latest_version",
        ...shared,
      },
    });
  });

  it("know who made them, and when nobody answers for them", () => {
    const text = (node: ReturnType<typeof deviceNode>) => node.messages[0]?.payload ?? "";
    expect(JSON.parse(text(deviceNode(PLACE, STREAM, "7")))).toMatchObject({
      origin: { name: "Rivulet", sw_version: "1.2.3" },
      availability: [
        { topic: "plant/bridge/state", value_template: "{{ 'offline' if value == 'offline' else 'online' }}" },
      ],
      device: { manufacturer: "Rivulet", model: "pump@12345678" },
    });
    expect(JSON.parse(text(bridgeNode({ ...PLACE, version: undefined })))).toMatchObject({
      origin: { name: "Rivulet" },
      device: { manufacturer: "Rivulet", model: "Bridge" },
    });
  });
});
