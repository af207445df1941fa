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
