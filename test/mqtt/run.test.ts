// `rivulet run` from end to end: a configuration file, real models, a real broker; in this process and in one of its own.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Model } from "../../host/model/types.ts";
import { createRuntime } from "../../host/runtime/index.ts";
import { openLevelStore } from "../../host/store/level.ts";
import { formatNumber } from "../../host/stream/format.ts";
import { runReplay } from "../../tools/commands/replay.ts";
import { runRun } from "../../tools/commands/run.ts";
import { CliError } from "../../tools/errors.ts";
import { observe, until } from "../support/bridge.ts";
import { Sink } from "../support/cli.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { hasMosquitto, type Mosquitto, startMosquitto } from "../support/mosquitto.ts";
import { needs } from "../support/needs.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "rivulet-run-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const SHAPE = { inputs: 3, layers: [16], outputs: 2, skip: 4 };

async function writeConfig(url: string, lines = ""): Promise<string> {
  const file = join(folder, "config.yaml");
  const stream = `model: model.safetensors\n    topic: plant/{device}/data\n    time: { field: t, format: unix }\n    ${lines}`;
  await writeFile(file, `broker: { url: "${url}" }\nstreams:\n  pump:\n    ${stream}\n`);
  return file;
}

function createIo() {
  const controller = new AbortController();
  const stderr = new Sink();
  return { stdout: new Sink(), stderr, isTty: false, env: {}, signal: controller.signal, controller };
}

/** What each sample leads to, as it is published, computed without a broker. */
function expectedPredictions(model: Model, samples: readonly (readonly number[])[]): string[] {
  const runtime = createRuntime(model);
  const session = runtime.createSession();
  return samples.map((sample) =>
    Array.from(session.step(sample), (value) => formatNumber(value, runtime.numeric)).join(),
  );
}

describe("runRun", () => {
  it.each([
    ["a configuration that is not there", async () => {}, /cannot read .*config.yaml: there is no such file/],
    [
      "a model that is not there",
      () => writeConfig("mqtt://localhost"),
      /config.yaml:4:12 streams.pump.model: cannot read model.safetensors: there is no such file/,
    ],
    [
      "a file that is no model",
      async () => {
        await writeConfig("mqtt://localhost");
        await writeFile(join(folder, "model.safetensors"), "nonsense");
      },
      /streams.pump.model: model.safetensors is not a model that can be used: /,
    ],
    [
      "an input that the model does not have",
      async () => {
        await writeConfig("mqtt://localhost", "inputs: [speeed]");
        await writeFile(join(folder, "model.safetensors"), randomF32Model(SHAPE).bytes);
      },
      /config.yaml:7:14 streams.pump.inputs\[0\]: the model has no input "speeed"; it has "/,
    ],
    [
      "a state directory in use",
      async () => {
        await writeConfig("mqtt://localhost");
        await writeFile(join(folder, "model.safetensors"), randomF32Model(SHAPE).bytes);
        const store = await openLevelStore(join(folder, "state"));
        return () => store.close();
      },
      /state is in use by another process/,
    ],
  ])("fails with a clear message for %s", async (_, prepare, message) => {
    const close = await prepare();
    const failure = runRun({ config: join(folder, "config.yaml") }, createIo());
    await expect(failure).rejects.toThrow(CliError);
    await expect(failure).rejects.toThrow(message);
    if (typeof close === "function") await close();
  });
});

describe("runRun with Mosquitto", needs({ Mosquitto: hasMosquitto }), () => {
  let broker: Mosquitto;
  beforeEach(async () => {
    broker = await startMosquitto();
  });
  afterEach(() => broker.close());

  it.each([
    ["f32", randomF32Model(SHAPE)],
    ["q15", randomQ15Model(SHAPE)],
  ] as const)(
    "answers every row of a replayed file, and in %s equals the session bit for bit",
    async (_, { model, bytes }) => {
      await writeFile(join(folder, "model.safetensors"), bytes);
      const samples = randomSamples(model.spec, 2000);
      const header = ["t", ...model.spec.inputs.map(({ name }) => name)];
      const csv = join(folder, "readings.csv");
      await writeFile(csv, [header, ...samples.map((sample, t) => [t, ...sample])].join("\n"));
      const observer = await observe(broker.url, "rivulet/+/+");
      const io = createIo();
      const running = runRun({ config: await writeConfig(broker.url) }, io);
      await observer.waitFor(1, /bridge/);
      await runReplay({ file: csv, broker: broker.url, topic: "plant/7/data" }, createIo());
      const answers = (await observer.waitFor(2000, /pump/)).map(({ text }) => JSON.parse(text));
      io.controller.abort();
      expect(await running).toBe(0);
      expect(answers.map(({ n, ts }) => [n, ts])).toEqual(samples.map((_sample, t) => [t + 1, t * 1000]));
      const texts = answers.map(({ prediction }) => prediction.join());
      expect(texts).toEqual(expectedPredictions(model, samples));
      expect(io.stderr.text).toContain("pump: 2000 received, 2000 steps, 1 devices");
      await observer.close();
    },
  );
});

describe("rivulet run as a process", needs({ Mosquitto: hasMosquitto }), () => {
  const program = resolve("build/test/cli.js");
  let broker: Mosquitto;
  let child: ChildProcess | undefined;

  beforeAll(async () => {
    await mkdir("build/test", { recursive: true });
    // Inside the repository, so that the one package that is not bundled is found.
    await build({
      entryPoints: ["tools/cli.ts"],
      outfile: program,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["classic-level"],
      banner: {
        js: 'import { createRequire as forBundle } from "node:module";\nconst require = forBundle(import.meta.url);',
      },
      logLevel: "error",
    });
  });
  beforeEach(async () => {
    broker = await startMosquitto();
    await writeFile(join(folder, "model.safetensors"), randomF32Model(SHAPE).bytes);
  });
  afterEach(async () => {
    child?.kill("SIGKILL");
    await broker.close();
  });

  const start = async () => {
    const started = spawn(process.execPath, [program, "run", await writeConfig(broker.url)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child = started;
    let text = "";
    started.stderr.on("data", (data) => {
      text += data;
    });
    const observer = await observe(broker.url, "rivulet/bridge/state");
    await until(() => observer.seen.at(-1)?.text === "online" || started.exitCode !== null);
    if (started.exitCode !== null) throw new Error(text);
    return { started, observer };
  };

  it("keeps its state from other users", async () => {
    await start();
    const state = join(folder, "state");
    expect((await stat(state)).mode & 0o777).toBe(0o700);
    const modes = await Promise.all(
      (await readdir(state)).map(async (name) => (await stat(join(state, name))).mode & 0o077),
    );
    expect(modes.length).toBeGreaterThan(3);
    expect(new Set(modes)).toEqual(new Set([0]));
  });

  it("ends with exit code 0 on SIGTERM, and says goodbye", async () => {
    const { started, observer } = await start();
    const exit = once(started, "exit");
    started.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    await until(() => observer.seen.at(-1)?.text === "offline");
    await observer.close();
  });

  it("reads its configuration again on SIGHUP, and lives on", async () => {
    const { started, observer } = await start();
    let text = "";
    started.stderr?.on("data", (data) => {
      text += data;
    });
    started.kill("SIGHUP");
    await until(() => text.includes("config: read again"));
    observer.client.publish("plant/7/data", "{oops", { qos: 1 });
    await until(() => text.includes("not_json"));
    expect(started.exitCode).toBeNull();
    await observer.close();
  });

  it("is announced as offline by its last will when it is killed, and comes back", async () => {
    const { started, observer } = await start();
    const exit = once(started, "exit");
    started.kill("SIGKILL");
    expect(await exit).toEqual([null, "SIGKILL"]);
    await until(() => observer.seen.at(-1)?.text === "offline");
    await observer.close();
    const again = await start();
    expect(again.observer.seen.at(-1)?.text).toBe("online");
    await again.observer.close();
  });
});
