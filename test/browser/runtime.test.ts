// The runtime that browsers load, dist/runtime.js, in headless Chromium and beside it in Node.

import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Numeric } from "../../host/model/types.ts";
import * as runtimeInNode from "../../host/runtime/index.ts";
import { randomF32Model, randomQ15Model, randomSamples } from "../support/models.ts";
import { needs } from "../support/needs.ts";
import type { ShapeOptions } from "../support/shapes.ts";
import { chromiumPath, openPage, type PageGlobals } from "./page.ts";

const STEPS = 4000;

const SHAPES: Readonly<Record<string, ShapeOptions>> = {
  "4 -> GRU 32 -> 1": { inputs: 4, layers: [32] },
  "3 -> GRU 17 -> GRU 5, reset-before -> 2, skip of 6": {
    inputs: 3,
    layers: [17, 5],
    outputs: 2,
    reset: "before",
    skip: 6,
  },
  "tokens -> GRU 24 -> softmax of 10": {
    layers: [24],
    outputs: 10,
    activation: "softmax",
    embedding: { vocabulary: 10, size: 12 },
  },
};

/** One run, in numbers that survive the way to the page. */
interface Job {
  readonly model: number[];
  readonly samples: number[];
  readonly simd: boolean;
}

/** Runs a model over the samples. Answers the bits of the predictions and the snapshot. Sent to the page as text. */
async function runJob({ rivulet }: PageGlobals, { model, samples, simd }: Job) {
  const { createRuntime, parseModel } = await rivulet;
  const runtime = createRuntime(parseModel(Uint8Array.from(model)), { simd });
  const session = runtime.createSession();
  const predictions = session.run(samples);
  return {
    simd: runtime.simd,
    predictions: Array.from(new Uint32Array(predictions.buffer)),
    snapshot: Array.from(session.snapshot()),
  };
}

const runInPage = (page: Page, job: Job): ReturnType<typeof runJob> =>
  page.evaluate(`(${runJob})(globalThis, ${JSON.stringify(job)})`);

const CASES = Object.keys(SHAPES).flatMap((shape) =>
  (["f32", "q15"] as const).flatMap((numeric) =>
    [true, false].map((simd): [string, Numeric, string, boolean] => [shape, numeric, simd ? "SIMD" : "scalar", simd]),
  ),
);

describe("runtime in Chromium", needs({ Chromium: chromiumPath !== undefined }), () => {
  let opened: Awaited<ReturnType<typeof openPage>> | undefined;
  beforeAll(async () => {
    opened = await openPage();
  });
  afterAll(() => opened?.close());

  it.each(CASES)("gives the same bits as in Node: %s, %s, %s", async (shape, numeric, _build, simd) => {
    const options = SHAPES[shape]!;
    const { bytes, spec } = numeric === "f32" ? randomF32Model(options) : randomQ15Model(options);
    const job: Job = { model: [...bytes], samples: randomSamples(spec, STEPS).flat(), simd };
    const expected = await runJob({ rivulet: Promise.resolve(runtimeInNode) }, job);
    expect(expected.simd).toBe(simd);
    expect(await runInPage(opened!.page, job)).toEqual(expected);
  });

  it("loads a model from all that loadModel takes", async () => {
    expect(await opened!.page.evaluate(`(${loadAll})(globalThis)`)).toEqual(Array(8).fill("random"));
  });

  it("says what else than a model the server has", async () => {
    const load = (address: string) =>
      opened!.page.evaluate(`rivulet.then(({ loadModel }) => loadModel("${address}")).catch(({ message }) => message)`);
    expect(await load("/none")).toMatch(/\/none: The server answers 404 Not Found, expected a model file$/);
    expect(await load("/")).toMatch(/\/: is no safetensors file, but text\/html; check the address$/);
    expect(await load("http://127.0.0.1:1/model")).toMatch(/: Cannot be fetched \(.+\); check the address/);
  });
});

/** Names of the model, loaded from each kind of source. Sent to the page as text. */
async function loadAll({ rivulet }: PageGlobals) {
  const { loadModel } = await rivulet;
  const address = "/model.safetensors";
  const buffer = await (await fetch(address)).arrayBuffer();
  const padded = new Uint8Array(buffer.byteLength + 16);
  padded.set(new Uint8Array(buffer), 8);
  const sources = [
    buffer,
    new Uint8Array(buffer),
    new DataView(padded.buffer, 8, buffer.byteLength),
    await fetch(address),
    new Blob([buffer]),
    new File([buffer], "model"),
    address,
    new URL(address, document.baseURI),
  ];
  return Promise.all(sources.map(async (source) => (await loadModel(source)).spec.name));
}

describe("runtime under a Content-Security-Policy", needs({ Chromium: chromiumPath !== undefined }), () => {
  const LOAD = `rivulet.then(({ loadModel }) => loadModel("/model.safetensors")).then(({ spec }) => spec.name, ({ message }) => message)`;

  /** What loading a model comes to under a policy. */
  async function loadUnder(policy: string): Promise<unknown> {
    const { page, close } = await openPage(policy);
    try {
      return await page.evaluate(LOAD);
    } finally {
      await close();
    }
  }

  it("loads with 'wasm-unsafe-eval'", async () => {
    expect(await loadUnder("script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'")).toBe("random");
  });

  it("says without it what the policy needs", async () => {
    expect(await loadUnder("script-src 'self' 'unsafe-inline'")).toBe(
      "The page's Content-Security-Policy forbids WebAssembly; add 'wasm-unsafe-eval' to its script-src, which allows no eval of JavaScript",
    );
  });
});
