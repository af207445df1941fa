import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { detectorOf, parseDetector } from "../../../host/detect/file.ts";
import { parseModel } from "../../../host/model/model.ts";
import { createRuntime } from "../../../host/runtime/index.ts";
import { createPump } from "../../../tools/demo/pump.ts";
import { describeWeaknesses } from "../../../tools/detect/weaknesses.ts";
import { cli } from "../../support/cli.ts";
import { mulberry32 } from "../../support/random.ts";

let folder = "";
const at = (name: string) => path.join(folder, name);
const START = Date.UTC(2024, 0, 1);
const timeOf = (row: number) => new Date(START + 900_000 * row).toISOString().slice(0, 19);

/** Rows every 15 minutes with a daily course: temperature and pressure. */
function csv(from: number, to: number, fault: (row: number) => number = () => 0): string {
  const random = mulberry32(1 + from);
  const rows = Array.from({ length: to - from }, (_, i) => {
    const row = from + i;
    const day = Math.sin((2 * Math.PI * row) / 96);
    const temperature = 20 + 3 * day + 0.2 * (random() - 0.5) + fault(row);
    return `${timeOf(row)},${temperature.toFixed(3)},${(5 + 0.5 * day + 0.05 * random()).toFixed(3)},ok`;
  });
  return `time,temperature,pressure,status\n${rows.join("\n")}\n`;
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "rivulet-detect-"));
  writeFileSync(at("normal.csv"), csv(0, 2000));
  writeFileSync(
    at("faulty.csv"),
    csv(2000, 2600, (row) => (row >= 2400 ? 8 : 0)),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

const calibrate = (...args: string[]) =>
  cli(["calibrate", "--data", at("normal.csv"), "-o", at("d.safetensors"), ...args]);

describe("rivulet calibrate", () => {
  it("finds channels, interval and period by itself", async () => {
    const { code, stdout } = await calibrate("--time", "time");
    expect(code).toBe(0);
    expect(stdout).toMatch(/d\.safetensors: d@[0-9a-f]{8}, \d+ bytes\nchannels: temperature, pressure\n/);
    expect(stdout).toContain("rows: 2000, one every 900 s; 1 false alarm a week accepted\nperiod: 96 rows\n");
    const { spec, parameters } = parseDetector(readFileSync(at("d.safetensors")));
    expect(spec).toMatchObject({ interval: 900, alarmsPerWeek: 1, rows: 2000 });
    expect(parameters.channels).toHaveLength(2);
    expect(parameters.relation).toBeDefined();
  });

  it("takes what it is told", async () => {
    const options = ["--inputs", "pressure", "--interval", "900", "--period", "none", "--alarms-per-week", ".5"];
    expect((await calibrate(...options, "--name", "p")).stdout).toContain("period: none");
    const { spec, parameters } = parseDetector(readFileSync(at("d.safetensors")));
    expect(spec).toMatchObject({ name: "p", alarmsPerWeek: 0.5, inputs: [{ name: "pressure" }] });
    expect(parameters.seasonality).toBeUndefined();
  });

  it("reads NDJSON, and gives the same detector of the same numbers", async () => {
    const lines = csv(0, 2000).trim().split("\n").slice(1);
    const objects = lines.map((line) => {
      const [time, temperature, pressure] = line.split(",");
      return JSON.stringify({ time, temperature: Number(temperature), pressure: Number(pressure) });
    });
    writeFileSync(at("normal.ndjson"), objects.join("\n"));
    await cli(["calibrate", "--data", at("normal.ndjson"), "-o", at("n.safetensors"), "--time", "time"]);
    await calibrate("--time", "time");
    const [a, b] = ["n", "d"].map((name) => parseDetector(readFileSync(at(`${name}.safetensors`))).parameters);
    expect(a).toEqual(b);
  });

  it.each<[string, string[], string, number]>([
    ["no interval", [], "How far rows are apart is not known: name the column of the time with --time, or", 2],
    [
      "an interval that the times contradict",
      ["--time", "time", "--interval", "60"],
      "--interval is 60 s, the times say 900 s",
      1,
    ],
    [
      "a period that is none",
      ["--time", "time", "--period", "soon"],
      "--period: Found soon, expected auto, none, day, week",
      2,
    ],
    ["a period longer than the data", ["--time", "time", "--period", "1500"], "2000 rows, at least 3000 are needed", 1],
    ["a column that is not there", ["--time", "clock"], 'Column "clock" is missing', 1],
    [
      "text in a column",
      ["--inputs", "status", "--time", "time"],
      'normal.csv:2: Column "status" is "ok", expected a decimal number',
      1,
    ],
    ["a name twice", ["--inputs", "a,a"], "--inputs: A name stands twice", 2],
  ])("refuses %s, and writes nothing", async (_, args, message, code) => {
    rmSync(at("d.safetensors"), { force: true });
    const result = await calibrate(...args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
    expect(() => readFileSync(at("d.safetensors"))).toThrow("ENOENT");
  });

  it("looks for columns in regular files only: a pipe would wait, and be read once", async () => {
    execFileSync("/usr/bin/env", ["mkfifo", at("pipe.csv")]);
    const refusal = async (data: string) => {
      const { code, stderr } = await cli(["calibrate", "--data", data, "-o", at("x"), "--time", "time"]);
      return [code, stderr];
    };
    expect(await refusal(at("pipe.csv"))).toEqual([1, `error: ${at("pipe.csv")}: Is not a regular file\n`]);
    expect(await refusal("-")).toEqual([
      1,
      "error: Standard input is read once only; name the columns with --inputs\n",
    ]);
  });

  it("refuses too few rows, and says how many are needed", async () => {
    writeFileSync(at("few.csv"), csv(0, 99));
    const args = ["calibrate", "--data", at("few.csv"), "-o", at("x"), "--time", "time"];
    const least = "at least 100 are needed: 1.04 days at one every 900 s";
    expect((await cli(args)).stderr).toContain(`few.csv: 99 rows, ${least}`);
    const week = "99 rows, at least 1344 are needed for two periods of 672 rows: 14 days at one every 900 s";
    expect((await cli([...args, "--period", "week"])).stderr).toContain(week);
  });

  it("refuses readings of which none varies", async () => {
    const rows = Array.from({ length: 200 }, (_, row) => `${timeOf(row)},4,-1`);
    writeFileSync(at("constant.csv"), ["time,a,b", ...rows].join("\n"));
    const { code, stderr } = await cli(["calibrate", "--data", at("constant.csv"), "-o", at("x"), "--time", "time"]);
    expect(code).toBe(1);
    expect(stderr).toContain("constant.csv: Nothing varies: a is always 4, b is always -1; calibrate with readings");
  });

  it("warns of data that are mostly anomalous", async () => {
    writeFileSync(
      at("odd.csv"),
      csv(0, 2000, (row) => (row > 400 && row % 90 < 12 ? 4 * (row % 7) : 0)),
    );
    const { stdout } = await cli(["calibrate", "--data", at("odd.csv"), "-o", at("o.safetensors"), "--time", "time"]);
    expect(stdout).toMatch(
      /warning: temperature is outside of 4\.\d+ to 36\.\d in \d % of the rows: if these are faults/,
    );
  });

  it("knows the times of day from the first row on, when rows are numbered by the clock", async () => {
    await calibrate("--time", "time");
    const { seasonality } = parseDetector(readFileSync(at("d.safetensors"))).parameters;
    expect(seasonality?.seen?.visits.every((visits) => visits >= 19)).toBe(true);
    await calibrate("--interval", "900", "--inputs", "pressure", "--period", "day");
    expect(parseDetector(readFileSync(at("d.safetensors"))).parameters.seasonality?.seen).toBeUndefined();
  });
});

describe("describeWeaknesses", () => {
  const of = (values: readonly number[]) => describeWeaknesses("x", Float64Array.from(values));
  const ramp = Array.from({ length: 100 }, (_, i) => i);

  it("tells of channels that are constant, coarse or clipped, and of no other", () => {
    expect(of(ramp)).toEqual([]);
    expect(of([3, 3, 3])).toEqual(["x is constant: any other value will be an alarm"]);
    expect(of(ramp.map((i) => i % 4))).toEqual(["x has 4 different values only: it is coarse"]);
    expect(of(ramp.map((i) => Math.min(i, 80)))).toEqual([
      "x is 80, its greatest value, in 20 % of the rows: it looks clipped",
    ]);
    expect(of(ramp.map((i) => Math.max(i, 10)))).toEqual([
      "x is 10, its least value, in 11 % of the rows: it looks clipped",
    ]);
  });
});

describe("rivulet calibrate MODEL", () => {
  const watched = () => at("pump.safetensors");
  const pump = (rows: number, seed: number, failsAt?: number) => {
    const source = createPump(seed);
    if (failsAt !== undefined) source.failBearing(failsAt);
    const lines = Array.from({ length: rows }, () => source.next().join(","));
    return ["speed,pressure,current,bearing_temperature", ...lines].join("\n");
  };
  let printed = "";
  beforeAll(async () => {
    writeFileSync(at("pump.csv"), pump(4000, 21));
    writeFileSync(at("failing.csv"), pump(1200, 22, 700));
    const args = ["calibrate", "models/pump.safetensors", "--data", at("pump.csv"), "-o", watched()];
    const { code, stdout, stderr } = await cli(args);
    expect([code, stderr]).toEqual([0, ""]);
    printed = stdout;
  });

  it("puts the detector into the model, with residuals of the model where it has skill", () => {
    expect(printed).toMatch(/residuals: speed of the model, its error is \d\d % of that of AR\(8\); pressure/);
    const model = parseModel(readFileSync(watched()));
    expect(model.spec.format).toBe(2);
    const { spec } = detectorOf(model)!;
    expect(spec).toMatchObject({ name: "pump", interval: 10, alarmsPerWeek: 1 });
    expect(spec.inputs[3]).toMatchObject({ name: "bearing_temperature", unit: "°C", residual: "model" });
    expect(spec.inputs.every(({ skill = 0 }) => skill > 0.05)).toBe(true);
  });

  it("is used by detect, which tells values with units and the share of the score", async () => {
    const { stdout } = await cli(["detect", watched(), at("failing.csv")]);
    expect(stdout).toMatch(
      /^row 7\d\d .*bearing_temperature [\d.]+ °C, expected [\d.]+ ± 0\.\d+; \d\d % of the score$/m,
    );
    expect(stdout).not.toMatch(/^row [1-6]?\d{1,2} /m);
  });

  it("says the same in detect as the model does in a session", async () => {
    const { stdout } = await cli(["detect", watched(), at("failing.csv"), "--json"]);
    const session = createRuntime(parseModel(readFileSync(watched()))).createSession();
    const rows = readFileSync(at("failing.csv"), "utf8").split("\n").slice(1);
    const verdicts = rows.map((row, t) => {
      session.step(row.split(",").map(Number));
      const { score, isAlarm } = session.anomaly!;
      return { row: t, score: Number(score.toFixed(3)), alarm: isAlarm };
    });
    const found = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(found.map(({ row, score, alarm }) => ({ row, score, alarm }))).toEqual(verdicts);
  });

  it("raises fewer alarms when fewer are accepted", async () => {
    const count = async (perWeek: string) => {
      const { stdout } = await cli(["detect", watched(), at("failing.csv"), "--alarms-per-week", perWeek]);
      expect(stdout).toContain(`${Number(perWeek)} a week accepted`);
      return Number(/(\d+) alarms? in 1200 rows/.exec(stdout)?.[1]);
    };
    expect(await count("0.01")).toBeLessThan(await count("200"));
  });

  it("is told by inspect, test vectors included, alone and in a model", async () => {
    const { stdout } = await cli(["inspect", watched()]);
    expect(stdout).toMatch(
      /detector\n {2}speed +rpm +usually [\d.]+ ± [\d.]+, range .* residual of the model, ± .*skill 0\.\d+/,
    );
    expect(stdout).toMatch(/self-test +passed, 192 rows, must be exact/);
    const { anomalies } = JSON.parse((await cli(["inspect", watched(), "--json"])).stdout);
    expect(anomalies).toMatchObject({ alarmsPerWeek: 1, selftest: { rows: 192, passed: true } });
    await calibrate("--time", "time");
    const alone = (await cli(["inspect", at("d.safetensors")])).stdout;
    expect(alone).toMatch(/^d@[0-9a-f]{8} {2}detector\n\ndetector\n {2}temperature/);
    expect(alone).toMatch(/self-test\n {2}passed {2}144 rows/);
  });

  it("leaves the detector out of the quantized model and of exported weights, and says so", async () => {
    const quantized = await cli(["quantize", watched(), "--ranges", "model", "-o", at("q.safetensors")]);
    expect(quantized.stdout).toContain("the detector is left out: give the q15 model one of its own");
    expect(parseModel(readFileSync(at("q.safetensors"))).detector).toBeUndefined();
    const exported = await cli(["export", watched(), "--to", "pytorch", "-o", at("e.safetensors")]);
    expect(exported.stdout).toContain("the detector is no weight");
  });

  it.each<[string, string[], string]>([
    ["--inputs", ["--inputs", "speed"], "--inputs: A detector in a model watches all inputs of the model"],
    ["--name", ["--name", "other"], "--name: A detector in a model has the model's name"],
    [
      "an interval that is not the model's",
      ["--interval", "60"],
      "Rows are 60 s apart, the model was trained with 10 s",
    ],
  ])("refuses %s", async (_, args, message) => {
    const base = ["calibrate", "models/pump.safetensors", "--data", at("pump.csv"), "-o", at("x.safetensors")];
    const { code, stderr } = await cli([...base, ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
    expect(() => readFileSync(at("x.safetensors"))).toThrow("ENOENT");
  });
});

describe("rivulet detect", () => {
  beforeAll(() => calibrate("--time", "time"));

  it("lists the alarm of a fault with its time and its cause", async () => {
    const { stdout } = await cli(["detect", at("d.safetensors"), at("faulty.csv"), "--time", "time"]);
    const first = stdout.split("\n").find((line) => line.startsWith(timeOf(2400).slice(0, 13)));
    expect(first).toMatch(
      /^2024-01-26T00:00Z {2}to 2024-01-2\dT\d\d:\d\dZ {2}\d+ rows +score \d+\.\d {2}temperature [23]\d/,
    );
    expect(stdout).toMatch(/\d+ alarms? in 600 rows \(.* a week, 1 a week accepted\)\n$/);
  });

  it("writes a verdict for every row as JSON", async () => {
    const { stdout } = await cli(["detect", at("d.safetensors"), at("faulty.csv"), "--time", "time", "--json"]);
    const verdicts = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(verdicts).toHaveLength(600);
    expect(verdicts[0]).toMatchObject({ time: "2024-01-21T20:00:00.000Z", alarm: false });
    const begin = verdicts.findIndex(({ row }) => row === Math.round(Date.parse(`${timeOf(2400)}Z`) / 900_000));
    expect(verdicts.slice(begin, begin + 5).some(({ alarm, cause }) => alarm && /^temperature/.test(cause))).toBe(true);
  });

  it("raises no alarm before --from, and counts rows where there is no time", async () => {
    const from = ["--time", "time", "--from", "2025-01-01"];
    expect((await cli(["detect", at("d.safetensors"), at("faulty.csv"), ...from])).stdout).toContain("0 alarms in 600");
    const { stdout } = await cli(["detect", at("d.safetensors"), at("faulty.csv")]);
    expect(stdout).toMatch(/^row \d+ {2}to row \d+/m);
  });

  it("skips rows whose time goes back, and says so", async () => {
    const lines = csv(2000, 2010).trim().split("\n");
    writeFileSync(at("back.csv"), [...lines, lines[5], lines[6]].join("\n"));
    const { stdout, stderr } = await cli(["detect", at("d.safetensors"), at("back.csv"), "--time", "time"]);
    expect(stdout).toContain("in 10 rows");
    expect(stderr).toBe("2 rows skipped: their time is not later than that of the row before\n");
  });

  it.each([
    [
      "a file that is no detector",
      ["models/pump.safetensors"],
      "The model holds no detector; make one with rivulet calibrate",
    ],
    ["--from without times", ["DETECTOR", "--from", "2024-01-01"], "--from needs --time COLUMN"],
    ["--from that is no time", ["DETECTOR", "--time", "time", "--from", "soon"], "--from: Found soon"],
    ["a time that is none", ["DETECTOR", "--time", "status"], 'Time "status" is "ok", expected ISO 8601 or Unix time'],
  ])("refuses %s", async (_, [detector = "", ...args], message) => {
    const file = detector === "DETECTOR" ? at("d.safetensors") : detector;
    const { code, stderr } = await cli(["detect", file, at("faulty.csv"), ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toContain(message);
  });
});
