import { useEffect, useState } from "preact/hooks";
import type { ModelDescription } from "../models.ts";
import { get, type HostStatus } from "./data.ts";
import { Facts } from "./facts.tsx";
import { bytes, count, NONE, reading, span } from "./format.ts";
import { type LiveState, useLive } from "./live.ts";

interface ModelsPageProps {
  readonly onStatus: (state: LiveState, host: HostStatus | undefined) => void;
}

/** What the streams run: models and detectors. */
export function ModelsPage({ onStatus }: ModelsPageProps) {
  const [models, setModels] = useState<readonly ModelDescription[]>();
  const [host, setHost] = useState<HostStatus>();
  const state = useLive<HostStatus>("api/events/host", "host", setHost);
  useEffect(() => onStatus(state, host), [state, host]);
  useEffect(() => {
    document.title = "Models – Rivulet";
    // After a loss the host may run others.
    if (state !== "live") return;
    get<{ readonly models: readonly ModelDescription[] }>("api/models")
      .then((answer) => setModels(answer.models))
      .catch(() => {}); // the events tell
  }, [state]);
  if (models === undefined) return <main class="page" aria-busy="true" />;
  return (
    <main class="page">
      <h1>Models</h1>
      {models.map((each) => (
        <section key={each.stream} class="card">
          <h2>
            {each.stream} <small class="quiet">{each.topics.join(", ")}</small>
          </h2>
          <div class="columns is-flat">
            {each.model !== undefined && <Model model={each.model} file={each.file} />}
            {each.detector !== undefined && <Detector detector={each.detector} />}
          </div>
        </section>
      ))}
    </main>
  );
}

type Model = NonNullable<ModelDescription["model"]>;

function Model({ model, file }: { readonly model: Model; readonly file: string | undefined }) {
  const { name, hash, bytes: size, numeric, simd, stateBytes, multiplications, horizon, interval, warmup } = model;
  return (
    <section>
      <h3>Model {name}</h3>
      <Facts
        of={[
          ...(file === undefined ? [] : [["File", file] as const]),
          ["Hash", <code key="hash">{hash}</code>],
          ["Size of the file", bytes(size)],
          ["Numeric form", `${numeric}${simd ? " with SIMD" : ""}`],
          ["State of a device", bytes(stateBytes)],
          ["Multiplications in a step", count(multiplications)],
          ["Inputs", named(model.inputs)],
          [
            "Outputs",
            model.outputs
              .map(({ name: output, forecasts }) =>
                forecasts === undefined ? output : `${output} (forecasts ${forecasts})`,
              )
              .join(", "),
          ],
          ["Looks ahead", `${horizon} ${horizon === 1 ? "sample" : "samples"}`],
          ["Interval", interval === undefined ? NONE : span(1000 * interval)],
          ["Warm-up", `${count(warmup)} samples`],
          ["Layers", layersOf(model)],
          ["Self-test", selftestOf(model)],
          ...Object.entries(model.provenance ?? {}),
        ]}
      />
      {model.skill !== undefined && <Skill skill={model.skill} outputs={model.outputs} />}
    </section>
  );
}

function layersOf({ layers, skip }: Model): string {
  const texts = layers.map(
    (layer) => `${layer.from} → ${layer.size} ${layer.kind === "gru" ? "GRU" : layer.activation}`,
  );
  return [...texts, ...(skip === undefined ? [] : [`skip of ${skip.length} samples`])].join(", ");
}

function selftestOf({ selftest }: Model): string {
  if (selftest === undefined) return "none in the file";
  const { passed, steps, worst, tolerance } = selftest;
  const limit = tolerance === undefined ? "" : ` of ${tolerance} allowed`;
  return `${passed ? "passed" : "FAILED"}: ${count(steps)} steps, worst error ${worst.toPrecision(2)}${limit}`;
}

interface SkillProps {
  readonly skill: NonNullable<Model["skill"]>;
  readonly outputs: Model["outputs"];
}

/** The errors of a model beside those of simpler ones. */
function Skill({ skill: { rows, table }, outputs }: SkillProps) {
  return (
    <>
      <h3>Mean absolute error, on {count(rows)} samples that nothing was learned from</h3>
      <section class="table" tabIndex={0} aria-label="Errors beside those of simpler forecasts">
        <table>
          <thead>
            <tr>
              <th scope="col">Forecast</th>
              {outputs.map(({ name, unit }) => (
                <th key={name} scope="col">
                  {unit === undefined ? name : `${name} (${unit})`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.map(({ name, mae = [] }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {outputs.map((output, k) => (
                  <td key={output.name}>{reading(mae[k])}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

const named = (inputs: readonly { readonly name: string; readonly unit?: string }[]): string =>
  inputs.map(({ name, unit }) => (unit === undefined ? name : `${name} (${unit})`)).join(", ");

function Detector({ detector }: { readonly detector: NonNullable<ModelDescription["detector"]> }) {
  const { learns, id, inputs, interval, alarmsPerWeek, rows, settings } = detector;
  const of = learns === undefined ? undefined : "rows" in learns ? `${count(learns.rows)} samples` : span(learns.ms);
  return (
    <section>
      <h3>Detector {id ?? ""}</h3>
      <Facts
        of={[
          ...(of === undefined ? [] : [["Learns", `from the first ${of} of each device`] as const]),
          ["Watches", named(inputs)],
          ["False alarms accepted", alarmsPerWeek === undefined ? NONE : `${alarmsPerWeek} a week for each device`],
          ["Calibrated with", rows === undefined ? NONE : `${count(rows)} samples`],
          ["Interval", interval === undefined ? NONE : span(1000 * interval)],
          ["An alarm is told after", span(settings.minDurationMs ?? 0)],
          ["and ends when quiet for", span(settings.holdMs ?? 0)],
          ...Object.entries(detector.provenance ?? {}),
        ]}
      />
    </section>
  );
}
