import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectDoor, openDoor } from "../../../host/store/door.ts";
import { openLevelStore } from "../../../host/store/level.ts";
import type { Change, StateStore } from "../../../host/store/store.ts";
import { createDevice } from "../../../host/stream/device.ts";
import { createSampler } from "../../../host/stream/sampler.ts";
import { createSeenValues } from "../../../host/stream/sequence.ts";
import { cli } from "../../support/cli.ts";
import { createFakeRuntime } from "../../support/fake-runtime.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-state-"));
  await change(directory(), async () => [
    ["device/pump/7", deviceOf(3)],
    ["health/pump/7", Buffer.from('{"last":5,"told":null}')],
    ["part/pump/7/rows", Buffer.from("rows")],
    ["device/pump/hall/8", deviceOf(5, true)],
    ["device/fan/7", Buffer.from("damaged")],
    ["totals/pump", Buffer.from("{}")],
  ]);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const directory = (name = "state") => join(folder, name);

/** Opens a state directory for something, and closes it. */
async function use<T>(path: string, action: (store: StateStore) => Promise<T>): Promise<T> {
  const store = await openLevelStore(path);
  try {
    return await action(store);
  } finally {
    await store.close();
  }
}

const change = (path: string, changes: () => Promise<Change[]>) =>
  use(path, async (store) => store.commit(await changes()));

/** The keys of a state directory, without what it keeps for itself. */
const keysOf = (path: string) =>
  use(path, async (store) => {
    const keys: string[] = [];
    for await (const [key] of store.entries("")) if (!key.startsWith("meta/")) keys.push(key);
    return keys;
  });

/** The state of a device after so many steps; with all that may stand around it. */
function deviceOf(steps: number, isWrapped = false): Uint8Array {
  const device = createDevice(createFakeRuntime(), [60_000, undefined]);
  const sampling = { trigger: { kind: "each" as const }, distinctMs: 1000 };
  const sampler = isWrapped ? createSampler(device, ["speed", "pressure"], sampling) : undefined;
  for (let i = 0; i < steps; i++) device.step([i, 2], 1000 * i);
  const seen = createSeenValues(8);
  seen.add(4);
  const state = (sampler ?? device).snapshot();
  return isWrapped ? seen.join(state) : state;
}

describe("rivulet state list", () => {
  it("prints the devices, and which cannot be read", async () => {
    const { code, stdout } = await cli(["state", "list", directory()]);
    expect(stdout.split("\n").map((line) => line.replace(/ {2,}\d+$/, ""))).toEqual([
      "device       steps                                      bytes",
      expect.stringMatching(/^fan\/7 {8}\? State has 7 bytes, expected at least 32/),
      "pump/7       3",
      "pump/hall/8  5",
      "",
    ]);
    expect(code).toBe(0);
  });

  it("prints them as JSON", async () => {
    const { stdout } = await cli(["state", "list", directory(), "--json"]);
    expect(JSON.parse(stdout)).toEqual([
      expect.objectContaining({ name: "fan/7", problem: expect.any(String) }),
      expect.objectContaining({ name: "pump/7", n: 3, numeric: "f32", isWatched: false }),
      expect.objectContaining({ name: "pump/hall/8", n: 5 }),
    ]);
  });

  it("makes no state directory where there is none", async () => {
    const { code, stderr } = await cli(["state", "list", directory("none")]);
    expect(stderr).toContain("none is no state directory of rivulet run");
    expect(code).toBe(1);
  });

  it("leaves a directory alone that a host uses", async () => {
    const { code, stderr } = await use(directory(), () => cli(["state", "list", directory()]));
    expect(stderr).toContain("is in use by another process");
    expect(code).toBe(1);
  });
});

describe("the state of a running host", () => {
  const whileRunning = <T>(action: () => Promise<T>) =>
    use(directory(), async (store) => {
      const door = await openDoor(directory(), store);
      try {
        return await action();
      } finally {
        await door.close();
      }
    });

  it("can be read: the same as of a stopped one", async () => {
    const all = async () => {
      const calls = [
        ["list", directory()],
        ["show", directory(), "pump/7"],
        ["export", directory()],
      ];
      const results = [];
      for (const call of calls) results.push((await cli(["state", ...call])).stdout);
      return results;
    };
    const stopped = await all();
    expect(await whileRunning(all)).toEqual(stopped);
    expect(stopped[2]).toContain('"device/pump/7"');
  });

  it("cannot be changed", async () => {
    const { code, stderr } = await whileRunning(() => cli(["state", "reset", directory(), "pump/7"]));
    expect(stderr).toContain("is in use by another process; stop it");
    expect(code).toBe(1);
  });

  it("is read by way of a socket that is its user's alone, and gone with the host", async () => {
    const mode = await whileRunning(async () => (await stat(join(directory(), "socket"))).mode & 0o777);
    expect(mode).toBe(0o600);
    expect(await connectDoor(directory())).toBeUndefined();
  });

  it("is read after a host that was killed, whose socket is still there", async () => {
    await writeFile(join(directory(), "socket"), "");
    expect((await cli(["state", "list", directory()])).code).toBe(0);
    expect((await whileRunning(() => cli(["state", "list", directory()]))).code).toBe(0);
  });

  it("is not given to who asks for something else", async () => {
    const closed = await whileRunning(async () => {
      const socket = connect(join(directory(), "socket"));
      socket.on("error", () => {});
      socket.write('{"commit":[]}\n');
      let text = "";
      socket.on("data", (data) => {
        text += data;
      });
      await once(socket, "close");
      return text;
    });
    expect(closed).toBe("");
  });
});

describe("rivulet state show", () => {
  it("prints steps, values that stand in, and health", async () => {
    const { stdout } = await cli(["state", "show", directory(), "pump/7"]);
    expect(JSON.parse(stdout)).toMatchObject({
      name: "pump/7",
      n: 3,
      held: [{ input: 0, value: 2, time: 2000 }],
      health: { last: 5 },
    });
  });

  it("tells how devices are named when there is none", async () => {
    const { code, stderr } = await cli(["state", "show", directory(), "7"]);
    expect(stderr).toContain("has no device 7; rivulet state list");
    expect(code).toBe(1);
  });
});

describe("rivulet state reset", () => {
  it("forgets a device with all that belongs to it, and no other", async () => {
    const { stdout } = await cli(["state", "reset", directory(), "pump/7"]);
    expect(stdout).toBe("1 forgotten\n");
    expect(await keysOf(directory())).toEqual(["device/fan/7", "device/pump/hall/8", "totals/pump"]);
  });

  it("forgets the devices of a stream", async () => {
    await cli(["state", "reset", directory(), "--stream", "pump"]);
    expect(await keysOf(directory())).toEqual(["device/fan/7", "totals/pump"]);
  });

  it("forgets none when one is not there, or none is named", async () => {
    expect((await cli(["state", "reset", directory(), "pump/7", "pump/9"])).code).toBe(1);
    expect((await cli(["state", "reset", directory()])).code).toBe(2);
    expect(await keysOf(directory())).toHaveLength(6);
  });
});

describe("rivulet state export and import", () => {
  it("carry devices to another directory, bit for bit", async () => {
    const file = join(folder, "states.ndjson");
    await cli(["state", "export", directory(), "-o", file]);
    await change(directory("other"), async () => [
      ["device/pump/7", Buffer.from("older")],
      ["part/pump/7/model", Buffer.from("older")],
    ]);
    const { stdout } = await cli(["state", "import", directory("other"), file]);
    expect(stdout).toBe("3 devices taken in\n");
    const all = (path: string) =>
      use(path, async (store) => {
        const values: [string, string][] = [];
        for (const prefix of ["device/", "part/", "health/"]) {
          for await (const [key, value] of store.entries(prefix))
            values.push([key, Buffer.from(value).toString("hex")]);
        }
        return values;
      });
    expect(await all(directory("other"))).toEqual(await all(directory()));
  });

  it("carry the devices that are named, by way of a pipe", async () => {
    const { stdout } = await cli(["state", "export", directory(), "pump/7"]);
    expect(
      stdout
        .split("\n")
        .slice(1, -1)
        .map((line) => JSON.parse(line).key),
    ).toEqual(["device/pump/7", "part/pump/7/rows", "health/pump/7"]);
    await change(directory("other"), async () => []);
    await cli(["state", "import", directory("other"), "-"], { stdin: stdout });
    expect(await keysOf(directory("other"))).toEqual(["device/pump/7", "health/pump/7", "part/pump/7/rows"]);
  });

  it.each([
    ["", ":1: "],
    ["{}\n", ":1: not an export of rivulet state"],
    ['{"format":"rivulet state","version":2}\n', ":1: version 2 of an export, expected 1"],
    [
      '{"format":"rivulet state","version":1}\n{"key":"meta/client_id","value":""}',
      ':2: "meta/client_id" is not a key of a device',
    ],
    [
      '{"format":"rivulet state","version":1}\n{"key":"device/a/b","value":"%%"}',
      ':2: the value of "device/a/b" is not base64',
    ],
    ['{"format":"rivulet state","version":1}\n7', ":2: not an object"],
  ])("take in nothing of %j", async (text, message) => {
    const file = join(folder, "states.ndjson");
    await writeFile(file, text);
    const { code, stderr } = await cli(["state", "import", directory(), file]);
    expect(stderr).toContain(`states.ndjson${message}`);
    expect(code).toBe(1);
    expect(await keysOf(directory())).toHaveLength(6);
  });

  it("write lines that name what they are", async () => {
    const file = join(folder, "states.ndjson");
    await cli(["state", "export", directory(), "fan/7", "-o", file]);
    expect(await readFile(file, "utf8")).toBe(
      `{"format":"rivulet state","version":1}\n{"key":"device/fan/7","value":"${Buffer.from("damaged").toString("base64")}"}\n`,
    );
  });
});
