import protobuf from "protobufjs/light.js";

/** A part of sparkplug_b.proto, as the specification 3.0.0 has it. */
const root = protobuf.Root.fromJSON({
  nested: {
    Payload: {
      fields: {
        timestamp: { type: "uint64", id: 1 },
        metrics: { rule: "repeated", type: "Metric", id: 2 },
        seq: { type: "uint64", id: 3 },
        uuid: { type: "string", id: 4 },
        body: { type: "bytes", id: 5 },
      },
    },
    Template: {
      fields: {
        version: { type: "string", id: 1 },
        metrics: { rule: "repeated", type: "Metric", id: 2 },
        templateRef: { type: "string", id: 4 },
        isDefinition: { type: "bool", id: 5 },
      },
    },
    MetaData: { fields: { isMultiPart: { type: "bool", id: 1 }, contentType: { type: "string", id: 2 } } },
    Metric: {
      oneofs: {
        value: {
          oneof: [
            "intValue",
            "longValue",
            "floatValue",
            "doubleValue",
            "booleanValue",
            "stringValue",
            "bytesValue",
            "templateValue",
          ],
        },
      },
      fields: {
        name: { type: "string", id: 1 },
        alias: { type: "uint64", id: 2 },
        timestamp: { type: "uint64", id: 3 },
        datatype: { type: "uint32", id: 4 },
        isHistorical: { type: "bool", id: 5 },
        isTransient: { type: "bool", id: 6 },
        isNull: { type: "bool", id: 7 },
        metadata: { type: "MetaData", id: 8 },
        intValue: { type: "uint32", id: 10 },
        longValue: { type: "uint64", id: 11 },
        floatValue: { type: "float", id: 12 },
        doubleValue: { type: "double", id: 13 },
        booleanValue: { type: "bool", id: 14 },
        stringValue: { type: "string", id: 15 },
        bytesValue: { type: "bytes", id: 16 },
        templateValue: { type: "Template", id: 18 },
      },
    },
  },
});
const Payload = root.lookupType("Payload");

/** A metric, with the members of sparkplug_b.proto in lower camel case. */
export type TestMetric = Readonly<Record<string, unknown>>;

/** Writes a payload of Sparkplug B, as protobufjs writes it by the specification's description. */
export function sparkplugPayload(
  metrics: readonly TestMetric[],
  rest: { seq?: number; timestamp?: number } = {},
): Uint8Array {
  return Payload.encode(Payload.fromObject({ timestamp: 1_772_355_600_000, metrics, ...rest })).finish();
}

/** Reads a payload back, as plain objects with numbers. */
export function readSparkplug(bytes: Uint8Array): Record<string, unknown> {
  return Payload.toObject(Payload.decode(bytes), { longs: Number });
}
