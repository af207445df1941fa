import { describe, expect, it } from "vitest";
import { createRouter } from "../../host/stream/router.ts";
import { createTestSource } from "../support/bridge.ts";

/** A stream as the router sees it; its name tells it apart. */
const stream = (name: string, ...topics: readonly string[]) => ({
  name,
  sources: topics.map((topic) => createTestSource({ topic })),
});

/** The routes of a topic: stream, index of the source, device. */
const routesOf = (route: ReturnType<typeof createRouter<ReturnType<typeof stream>>>, topic: string) =>
  route(topic).map(({ stream: { name, sources }, source, device }) => [name, sources.indexOf(source), device]);

describe("createRouter", () => {
  it("sends a message to every stream whose template matches", () => {
    const route = createRouter([stream("a", "plant/{device}/data"), stream("b", "plant/{device}/#")]);
    expect(routesOf(route, "plant/7/data")).toEqual([
      ["a", 0, "7"],
      ["b", 0, "7"],
    ]);
    expect(routesOf(route, "plant/7/state")).toEqual([["b", 0, "7"]]);
    expect(route("other")).toEqual([]);
  });

  it("sends a message to the source of a stream whose template matches", () => {
    const route = createRouter([stream("a", "{device}/speed", "{device}/pressure")]);
    expect(routesOf(route, "7/speed")).toEqual([["a", 0, "7"]]);
    expect(routesOf(route, "7/pressure")).toEqual([["a", 1, "7"]]);
  });

  it("answers a route without a device for a topic that makes no device key", () => {
    expect(routesOf(createRouter([stream("a", "plant/{device}/data")]), "plant//data")).toEqual([["a", 0, undefined]]);
  });

  it("gives the same answers when its cache overflows", () => {
    const route = createRouter([stream("a", "plant/{device}/data")], { topics: 2 });
    for (const device of ["1", "2", "3", "1", "3", "2", "1"]) {
      expect(routesOf(route, `plant/${device}/data`)).toEqual([["a", 0, device]]);
    }
  });

  it("remembers 10,000 topics by default", () => {
    let matches = 0;
    const one = stream("a", "plant/{device}/data");
    const source = one.sources[0]!;
    const match = (topic: string) => {
      matches++;
      return source.topic.match(topic);
    };
    const route = createRouter([{ ...one, sources: [{ ...source, topic: { ...source.topic, match } }] }]);
    for (let device = 0; device < 10_000; device++) route(`plant/${device}/data`);
    route("plant/0/data");
    expect(matches).toBe(10_000);
    route("plant/10000/data");
    route("plant/1/data");
    expect(matches).toBe(10_001);
    route("plant/0/data");
    expect(matches).toBe(10_002);
  });

  it("remembers the newest topics, and no more of them than its cache holds", () => {
    const matched: string[] = [];
    const one = stream("a", "plant/{device}/data");
    const source = one.sources[0]!;
    const match = (topic: string) => {
      matched.push(topic);
      return source.topic.match(topic);
    };
    const route = createRouter([{ ...one, sources: [{ ...source, topic: { ...source.topic, match } }] }], {
      topics: 2,
    });
    for (const device of ["1", "2", "1", "3", "2", "3", "1"]) route(`plant/${device}/data`);
    // 1 and 2 are looked up once; 3 takes the place of 1, the oldest; so 1 is looked up again.
    expect(matched).toEqual(["plant/1/data", "plant/2/data", "plant/3/data", "plant/1/data"]);
  });

  /** A router that counts how often it has to match. */
  const counting = (limits?: Parameters<typeof createRouter>[1]) => {
    const counts = { matches: 0 };
    const one = stream("a", "plant/{device}/data");
    const source = one.sources[0]!;
    const match = (topic: string) => {
      counts.matches++;
      return source.topic.match(topic);
    };
    const route = createRouter([{ ...one, sources: [{ ...source, topic: { ...source.topic, match } }] }], limits);
    return { counts, route };
  };

  it("remembers no topic of more than 1 KB", () => {
    const { counts, route } = counting();
    const [short, long] = [`plant/${"x".repeat(501)}/data`, `plant/${"x".repeat(502)}/data`];
    expect([short.length, long.length]).toEqual([512, 513]);
    for (const topic of [short, short, long, long, long]) route(topic);
    expect(counts.matches).toBe(4);
  });

  it("remembers as many bytes as its budget holds, the newest topics first", () => {
    // A topic of 12 characters and a key of 1: 26 bytes.
    const { counts, route } = counting({ bytes: 4 * 26 });
    const look = (...devices: string[]) => {
      counts.matches = 0;
      for (const device of devices) route(`plant/${device}/data`);
      return counts.matches;
    };
    expect(look("1", "2", "3", "4")).toBe(4);
    expect(look("1", "2", "3", "4")).toBe(0);
    expect(look("5", "2", "3", "4", "5")).toBe(1);
    expect(look("1")).toBe(1);
    // 2 * (17 + 6) = 46 bytes: two of the others have to go.
    expect(look("666666")).toBe(1);
    expect(look("666666", "5", "1")).toBe(0);
    expect(look("4")).toBe(1);
  });

  it("holds at most 4 MB by default, whatever the topics are", () => {
    const { counts, route } = counting();
    const topic = (device: number) => `plant/${String(device).padStart(500, "0")}/data`;
    const each = 2 * (511 + 500);
    const fit = Math.floor((4 << 20) / each);
    for (let device = 0; device <= fit; device++) route(topic(device));
    counts.matches = 0;
    for (let device = 1; device <= fit; device++) route(topic(device));
    expect(counts.matches).toBe(0);
    route(topic(0));
    expect(counts.matches).toBe(1);
  });
});
