import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { STATUS_BAD_CHECKSUM, STATUS_BAD_MAGIC, STATUS_BAD_SIZE, STATUS_OK } from "../../assembly/layout.ts";
import { serializeDetector } from "../../host/detect/file.ts";
import { instantiateKernels } from "../../host/runtime/kernels.ts";
import { cli } from "../support/cli.ts";
import { calibrated } from "../support/detectors.ts";
import { randomF32Model, randomQ15Model, withSelftest } from "../support/models.ts";

const folder = mkdtempSync(path.join(tmpdir(), "rivulet-build-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string) => path.join(folder, name);

const models = {
  q15: at("q15.safetensors"),
  f32: at("f32.safetensors"),
  large: at("large.safetensors"),
};
writeFileSync(models.q15, withSelftest(randomQ15Model({ inputs: 8, layers: [16], outputs: 1 }), 20).bytes);
writeFileSync(models.f32, withSelftest(randomF32Model({ inputs: 2, layers: [8], outputs: 1 }), 20).bytes);
writeFileSync(models.large, randomQ15Model({ inputs: 8, layers: [64], outputs: 1 }).bytes);

const globalOf = (exports: WebAssembly.Exports, name: string) => (exports[name] as WebAssembly.Global).value as number;

function instantiate(file: string): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(readFileSync(file)))).exports;
}

describe("rivulet build of a detector", () => {
  const inputs = [{ name: "flow", fraction: 4 }];
  const spec = { name: "flow", inputs, alarmsPerWeek: 1, rows: 800 };
  const detector = at("detector.safetensors");
  writeFileSync(detector, serializeDetector(spec, calibrated({ channels: 1 })));

  it("writes a module that proves itself, its header and its C", async () => {
    const files = ["--c-header", at("d-model.h"), "--wasm2c", at("d-c")];
    const { code, stdout, stderr } = await cli([
      ...["build", detector, "-o", at("d.wasm"), "--for", "wasm2c"],
      ...files,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/flow@[0-9a-f]{8} for wasm2c, a detector of 1 channel, [\d,]+ bytes\n/);
    expect(stdout).toContain("128 rows of the self-test, 512 rows as on the host");
    expect((instantiate(at("d.wasm")).selftest as () => number)()).toBe(0);
    expect(readFileSync(at("d-model.h"), "utf8")).toContain("#define RIVULET_DETECTOR 1 ");
    expect(readFileSync(at("d-c/rivulet.h"), "utf8")).toContain("void rivulet_forget(void);");
  });

  it("tells the same as JSON", async () => {
    const { stdout } = await cli(["build", detector, "-o", at("dj.wasm"), "--json"]);
    const told = JSON.parse(stdout);
    const exports = instantiate(at("dj.wasm"));
    expect(told.moduleBytes).toBe(readFileSync(at("dj.wasm")).length);
    expect(told.constants.score).toBe(globalOf(exports, "score"));
    expect(told.state).toEqual({ address: globalOf(exports, "state"), bytes: globalOf(exports, "state_size") });
  });

  it.each([
    [["--pack", "wide"], 2, "--pack: Is for models, this file holds a detector"],
    [["--image", at("d.image")], 2, "--image: Is for models, this file holds a detector"],
    [["--wasm2c", at("d-c")], 2, "--wasm2c: Expected --for wasm2c, found --for generic"],
    [["--memory", "100"], 1, "bytes, --memory gives 100"],
  ])("refuses %j", async (flags, expected, message) => {
    const { code, stderr } = await cli(["build", detector, "-o", at("refused.wasm"), ...flags]);
    expect(code).toBe(expected);
    expect(stderr).toContain(message);
    expect(existsSync(at("refused.wasm"))).toBe(false);
  });

  it("refuses a damaged one", async () => {
    const bytes = readFileSync(detector);
    writeFileSync(
      at("damaged.safetensors"),
      Buffer.from(bytes.toString("latin1").replace('\\"format\\":', '\\"formad\\":'), "latin1"),
    );
    const { code, stderr } = await cli(["build", at("damaged.safetensors"), "-o", at("refused.wasm")]);
    expect(code).toBe(1);
    expect(stderr).toContain("damaged.safetensors: detector.formad: unknown field");
  });
});

describe("rivulet build", () => {
  it("writes a module that proves itself, and tells its memory", async () => {
    const { code, stdout, stderr } = await cli(["build", models.q15, "-o", at("a.wasm"), "--for", "wasm3"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/for wasm3, q15, weights bytes, [\d,]+ bytes\n/);
    expect(stdout).toContain("layer 0, GRU");
    const exports = instantiate(at("a.wasm"));
    expect((exports.selftest as () => number)()).toBe(0);
    const used = globalOf(exports, "__heap_base").toLocaleString("en-US");
    expect(stdout).toMatch(new RegExp(`in use +${used} bytes`));
  });

  it("tells the same as JSON", async () => {
    const { stdout } = await cli(["build", models.q15, "-o", at("j.wasm"), "--vectors", "3", "--json"]);
    const told = JSON.parse(stdout);
    const exports = instantiate(at("j.wasm"));
    expect(told).toMatchObject({ target: "generic", pack: "bytes", selftestSteps: 3, warnings: [] });
    expect(told.moduleBytes).toBe(readFileSync(at("j.wasm")).length);
    expect(told.input.address).toBe(globalOf(exports, "input"));
    expect(told.state).toEqual({ address: globalOf(exports, "state"), bytes: globalOf(exports, "state_size") });
  });

  it("stores weights for speed where the memory allows it, else for little memory", async () => {
    const packOf = async (memory: string) => {
      const { stdout } = await cli(["build", models.q15, "-o", at("m.wasm"), "--memory", memory, "--json"]);
      return JSON.parse(stdout).pack;
    };
    expect(await packOf("64K")).toBe("wide");
    expect(await packOf("4K")).toBe("bytes");
  });

  it("refuses what does not fit, with the plan and with what would fit", async () => {
    const args = ["build", models.large, "-o", at("no.wasm"), "--for", "wasm3", "--memory", "16K"];
    const { code, stdout, stderr } = await cli(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      /^error: Model random@\w{8} needs \d+ bytes, weights bytes \(\d+ of linear memory, \d+ of wasm3, \d+ of stack\), --memory gives 16384; (\d+) units would fit\n$/,
    );
    const units = Number(/(\d+) units/.exec(stderr)?.[1]);
    expect(units).toBeGreaterThan(32);
    expect(existsSync(at("no.wasm"))).toBe(false);
    const smaller = at("smaller.safetensors");
    const buildOf = async (size: number) => {
      writeFileSync(smaller, randomQ15Model({ inputs: 8, layers: [size], outputs: 1 }).bytes);
      return (await cli(["build", smaller, "-o", at("fits.wasm"), "--for", "wasm3", "--memory", "16K"])).code;
    };
    expect([await buildOf(units), await buildOf(units + 1)]).toEqual([0, 1]);
  });

  it("names the pack that would fit", async () => {
    const args = ["build", models.large, "-o", at("no.wasm"), "--pack", "wide", "--memory", "32K"];
    expect((await cli(args)).stderr).toMatch(/weights wide .*with --pack bytes it needs \d+\n$/);
  });

  it("warns of floats on wasm3, and of a pack that is not made for the target", async () => {
    const warnings = async (...args: string[]) =>
      JSON.parse((await cli(["build", ...args, "-o", at("w.wasm"), "--json"])).stdout).warnings;
    expect(await warnings(models.f32, "--for", "wasm3")).toEqual([expect.stringContaining("double precision")]);
    expect(await warnings(models.q15, "--for", "wasm2c", "--pack", "wide")).toEqual([
      expect.stringContaining("rows takes less than half"),
    ]);
    expect(await warnings(models.q15, "--for", "wasm3", "--pack", "rows")).toEqual([
      expect.stringContaining("for compilers"),
    ]);
  });

  it("writes a header with the module and its addresses", async () => {
    await cli(["build", models.q15, "-o", at("h.wasm"), "--c-header", at("model.h")]);
    const header = readFileSync(at("model.h"), "utf8");
    const exports = instantiate(at("h.wasm"));
    const macro = (name: string) => Number(new RegExp(`#define RIVULET_${name} (\\d+)`).exec(header)?.[1]);
    for (const name of ["INPUT", "INPUT_COUNT", "OUTPUT", "OUTPUT_COUNT", "STATE", "STATE_SIZE", "MODEL_HASH"]) {
      expect([name, macro(name)]).toEqual([name, globalOf(exports, name.toLowerCase())]);
    }
    expect(macro("MEMORY_SIZE")).toBe(globalOf(exports, "__heap_base"));
    const array = /rivulet_wasm\[RIVULET_WASM_SIZE\] = \{(.*?)\};/s.exec(header)?.[1] ?? "";
    expect(
      Uint8Array.from([...array.matchAll(/0x(..),/g)].map(([, byte]) => Number.parseInt(byte as string, 16))),
    ).toEqual(new Uint8Array(readFileSync(at("h.wasm"))));
  });

  it("refuses a pack for an f32 model, C sources for an interpreter, and a call without a model", async () => {
    const error = async (...args: string[]) => {
      const { code, stderr } = await cli(["build", ...args]);
      return `${code} ${stderr.split("\n")[0]}`;
    };
    expect(await error(models.f32, "-o", at("x.wasm"), "--pack", "wide")).toMatch(
      /^1 error: .*--pack is of q15 models/,
    );
    expect(await error(models.q15, "-o", at("x.wasm"), "--wasm2c", at("c"))).toMatch(
      /^2 error: --wasm2c: Expected --for/,
    );
    expect(await error()).toBe("2 error: Expected a model file, or --check FILE");
    expect(await error(models.q15)).toBe("2 error: Expected the module to write with -o FILE");
    expect(await error(models.q15, "-o", at("x.wasm"), "--memory", "much")).toMatch(
      /^2 error: .*such as 20000, 20K or 1M/,
    );
    expect(await error(models.q15, "-o", path.join(folder, "none", "x.wasm"))).toMatch(
      /^1 error: .*There is no folder/,
    );
    expect(existsSync(at("x.wasm"))).toBe(false);
  });
});

describe("rivulet build --check", () => {
  it("passes a module that build made", async () => {
    await cli(["build", models.q15, "-o", at("good.wasm")]);
    const { code, stdout } = await cli(["build", "--check", at("good.wasm")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^integer module .* sound\n/);
  });

  it("passes a float module, and says that it is one", async () => {
    await cli(["build", models.f32, "-o", at("float.wasm")]);
    const { code, stdout } = await cli(["build", "--check", at("float.wasm")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^float module .* sound\n/);
  });

  it("fails for a module of the host, with what it breaks", async () => {
    const { code, stdout, stderr } = await cli(["build", "--check", "build/q15-simd.wasm"]);
    expect(code).toBe(1);
    expect(stdout).toContain("(SIMD)");
    expect(stderr).toBe("error: build/q15-simd.wasm: Breaks what a microcontroller needs\n");
  });

  it("fails for a damaged module and for a missing file", async () => {
    const bytes = readFileSync(at("good.wasm"));
    writeFileSync(at("cut.wasm"), bytes.subarray(0, bytes.length - 100));
    expect((await cli(["build", "--check", at("cut.wasm")])).code).toBe(1);
    expect((await cli(["build", "--check", at("none.wasm")])).stderr).toContain("none.wasm: No such file");
  });
});

describe("rivulet build --image", () => {
  it("writes weights that the prebuilt module takes, and refuses with a status when damaged", async () => {
    await cli(["build", models.q15, "-o", at("i.wasm"), "--image", at("weights.bin")]);
    const image = readFileSync(at("weights.bin"));
    const kernels = instantiateKernels("q15", false);
    const base = (kernels.__heap_base.value as number) + 16;
    const check = (bytes: Uint8Array, size = bytes.length) => {
      new Uint8Array(kernels.memory.buffer).set(bytes, base);
      return kernels.check(base, size);
    };
    expect(check(image)).toBe(STATUS_OK);
    expect(check(image, image.length - 16)).toBe(STATUS_BAD_SIZE);
    for (let at = 0; at < image.length; at += 7) {
      const damaged = Uint8Array.from(image);
      damaged[at] = (damaged[at] as number) ^ (1 << (at & 7));
      expect([STATUS_BAD_MAGIC, STATUS_BAD_SIZE, STATUS_BAD_CHECKSUM]).toContain(check(damaged));
    }
  });

  it("writes those of the prebuilt module with SIMD, and refuses the option without an image", async () => {
    await cli(["build", models.q15, "-o", at("i.wasm"), "--image", at("simd.bin"), "--simd"]);
    const image = readFileSync(at("simd.bin"));
    const statusOf = (simd: boolean) => {
      const kernels = instantiateKernels("q15", simd);
      const base = (kernels.__heap_base.value as number) + 16;
      new Uint8Array(kernels.memory.buffer).set(image, base);
      return kernels.check(base, image.length);
    };
    expect([statusOf(true), statusOf(false)]).toEqual([STATUS_OK, STATUS_BAD_MAGIC]);
    const { code, stderr } = await cli(["build", models.q15, "-o", at("i.wasm"), "--simd"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("--simd: Is for the image, expected --image FILE")]);
  });
});
