// `rivulet run`: a configuration file becomes models, a state store and a bridge to the broker.

import { inputsWithoutModel, openDetector, planStreamAlarms, watchModel } from "./alarms.ts";
import { openCollector } from "./collect/collector.ts";
import { collectedOf } from "./config/collect-schema.ts";
import type { Problem } from "./config/document.ts";
import { healthOf } from "./config/health-schema.ts";
import { type LoadedConfig, loadConfig } from "./config/load.ts";
import { loginOf } from "./config/login.ts";
import type { StreamConfig } from "./config/schema.ts";
import { describeFileError } from "./config/secrets.ts";
import { loadModel } from "./load-file.ts";
import { ModelFormatError } from "./model/errors.ts";
import type { Numeric } from "./model/types.ts";
import { type Bridge, type BridgeOptions, type Collecting, startBridge } from "./mqtt/bridge.ts";
import type { Logger, LogSettings } from "./mqtt/log.ts";
import type { StreamOptions } from "./mqtt/stream.ts";
import { inNumeric } from "./quantize/in-memory.ts";
import { RunWatch } from "./run-watch.ts";
import { RunWeb } from "./run-web.ts";
import { createRuntime, type Runtime } from "./runtime/index.ts";
import { describeExposure } from "./store/directory.ts";
import { type Door, openDoor } from "./store/door.ts";
import { openLevelStore } from "./store/level.ts";
import { createMemoryStore } from "./store/memory.ts";
import type { StateStore, StateStoreError } from "./store/store.ts";
import { bindingProblem } from "./stream/payload.ts";
import { createSource } from "./stream/plan.ts";
import { withSequence } from "./stream/sequence.ts";
import type { Source } from "./stream/source.ts";
import { createRuntimeWithoutModel } from "./stream/without-model.ts";

/** What a run needs beside its configuration file. */
export interface RunOptions {
  /** The configuration file. */
  readonly file: string;
  /** Where `${env:NAME}` is looked up. */
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  /** Called with what a configuration says of the log, before anything of it is told. */
  readonly onLogSettings?: (settings: LogSettings) => void;
  /** Of the program, for those who are told it. */
  readonly version?: string;
  /** Makes the runtime of a model file; default: reads it, runs its self-test, and picks the fastest kernels. */
  readonly openRuntime?: (path: string, numeric: Numeric | undefined) => Promise<Runtime>;
  readonly retry?: BridgeOptions["retry"];
  readonly connect?: BridgeOptions["connect"];
  /** Called once with the reason when the state store cannot be used any more. */
  readonly onFatal?: (error: StateStoreError) => void;
}

/** A configuration that was read, with the models of its streams. */
export interface RunPlan {
  readonly loaded: LoadedConfig;
  readonly streams: readonly StreamOptions[];
  /** Where a service keeps its state, unless the configuration says otherwise. */
  readonly serviceDirectory: string | undefined;
}

/**
 * Starts what a configuration file describes.
 *
 * @throws {ConfigError} when the configuration or one of its models cannot be used
 * @throws {StateStoreError} when the state directory cannot be used
 */
export async function startRun(given: RunOptions): Promise<Bridge> {
  const watch = new RunWatch();
  const web = new RunWeb({ log: given.log, watch, version: given.version });
  const options = { ...given, log: web.log };
  const plan = await planRun(options);
  const bridge = await startPlan(plan, await openStore(plan, options), options, watch);
  await web.attach(bridge, plan, storePlace(plan));
  const stop = bridge.stop.bind(bridge);
  bridge.stop = async (how) => {
    await web.stop();
    watch.stop();
    await stop(how);
  };
  return bridge;
}

/** Reads a configuration and the models that it names. @throws {ConfigError} when they cannot be used */
export async function planRun(options: RunOptions): Promise<RunPlan> {
  const { file, env, log, openRuntime = openModelRuntime, onLogSettings } = options;
  const loaded = await loadConfig(file, env);
  onLogSettings?.(loaded.config.log);
  for (const warning of loaded.warnings) log.warn("config", warning, "config_warning");
  const streams = await openStreams(loaded, openRuntime);
  for (const stream of streams) log.info(stream.name, describeStream(stream), "stream");
  // Systemd names the directories of a service, separated by colons (systemd.exec(5)).
  return { loaded, streams, serviceDirectory: env.STATE_DIRECTORY?.split(":")[0] };
}

/** Starts what was planned, on a store that the bridge closes. @throws {StateStoreError} when the store cannot be used */
export async function startPlan(
  plan: RunPlan,
  store: StateStore,
  options: RunOptions,
  watch: RunWatch,
): Promise<Bridge> {
  const { loaded, streams } = plan;
  const { env, log, retry, connect, version } = options;
  const commitIntervalMs = 1000 * loaded.config.state.interval;
  const bridge = await startBridge({
    broker: brokerOptions(loaded),
    baseTopic: loaded.config.base_topic,
    streams,
    store: watch.measures.measured(store),
    log,
    homeAssistant: loaded.config.homeassistant,
    version,
    collector: await openPlanned(plan, store, log),
    killAt: env.RIVULET_KILL_AT,
    commitIntervalMs,
    onAcknowledged: watch.measures.acknowledged,
    ...(retry === undefined ? {} : { retry }),
    ...(connect === undefined ? {} : { connect }),
  });
  watch.attach(bridge, commitIntervalMs);
  return bridge;
}

/** Opens the files of the streams that collect; undefined when none does. @throws {StateStoreError} when they cannot be used */
async function openPlanned(plan: RunPlan, store: StateStore, log: Logger): Promise<Collecting | undefined> {
  const directory = storePlace(plan);
  const { config } = plan.loaded;
  const streams = plan.streams.flatMap(({ name, runtime }) => {
    const bounds = collectedOf(config.streams[name] as StreamConfig);
    return bounds === undefined
      ? []
      : [{ name, inputs: runtime.model.spec.inputs.map((input) => input.name), ...bounds }];
  });
  if (directory === undefined || streams.length === 0) return undefined;
  const isSynced = config.state.durability === "power";
  const warn = (stream: string, text: string) => log.warn(stream, text, "collected_file");
  return openCollector({ directory, store, streams, isSynced, warn });
}

async function openStreams(
  loaded: LoadedConfig,
  openRuntime: NonNullable<RunOptions["openRuntime"]>,
): Promise<StreamOptions[]> {
  const problems: Problem[] = [];
  const streams: StreamOptions[] = [];
  for (const { name, config, inputs: bound, sources: plans, sampling } of loaded.streams) {
    const path = ["streams", name];
    const named = openDetector(loaded, name, config, problems);
    const names = inputsWithoutModel(named, bound, config.collect !== undefined);
    let found: Runtime;
    try {
      if (config.model !== undefined) found = await openRuntime(loaded.resolvePath(config.model), config.numeric);
      else if (names !== undefined) found = createRuntimeWithoutModel(names);
      else continue;
    } catch (error) {
      problems.push({ path: [...path, "model"], message: describeModelError(config.model ?? "", error) });
      continue;
    }
    const watch = watchModel(found, named);
    const { runtime } = watch;
    const modelInputs = runtime.model.spec.inputs.map((input) => input.name);
    const inputs = bound ?? modelInputs.map((input) => ({ name: input }));
    const problem = bindingProblem(inputs, modelInputs);
    if (problem !== undefined) {
      const at = problem.index === undefined ? [...path, "inputs"] : [...path, "inputs", problem.index];
      problems.push({ path: at, message: problem.message });
      continue;
    }
    if (config.payload === "number" && config.topic !== undefined && modelInputs.length !== 1) {
      const message = `a plain number is one input, the model has ${modelInputs.length}`;
      problems.push({ path: [...path, "payload"], message });
      continue;
    }
    const { max_devices: maxDevices, qos, reset, overlap, sequence, publish } = config;
    const watched = {
      alarms: planStreamAlarms(config, watch, modelInputs, path, problems),
      takesCommands: config.commands,
    };
    const sources = plans.map((plan) => numbered(createSource(plan, modelInputs), sequence?.field));
    const windows = reset === undefined && overlap === undefined ? undefined : { reset, overlap };
    streams.push({
      name,
      runtime,
      sources,
      ...watched,
      windows,
      sampling,
      sequencing: sequence,
      health: healthOf(config, modelInputs, path, problems),
      publish,
      maxDevices,
      qos,
    });
  }
  if (problems.length > 0) throw loaded.error(problems);
  return streams;
}

function numbered(source: Source, field: string | undefined): Source {
  return field === undefined ? source : { ...source, decode: withSequence(source.decode, field) };
}

/** What a stream runs, for the log. */
function describeStream({ runtime, sources, alarms }: StreamOptions): string {
  const topics = sources.map(describeSource).join(", ");
  const model = `model ${runtime.model.id}, ${runtime.numeric}${runtime.simd ? " with SIMD" : ""}, `;
  const detector = alarms === undefined ? "" : `detector ${"learn" in alarms ? "auto" : alarms.file.id}, `;
  const nothing = runtime.outputSize === 0 && alarms === undefined ? "readings are collected, " : "";
  return `${runtime.outputSize > 0 ? model : ""}${detector}${nothing}topic ${topics}`;
}

/** Tells the topic of a source and, where that has no captures, the one device that it belongs to. */
export function describeSource({ topic, device }: Source): string {
  return topic.names.length > 0 || device.isOfPayload ? topic.text : `${topic.text} (device ${device.text})`;
}

async function openModelRuntime(path: string, numeric: Numeric | undefined): Promise<Runtime> {
  return createRuntime(inNumeric(await loadModel(path), numeric));
}

function describeModelError(path: string, error: unknown): string {
  if (error instanceof ModelFormatError) return `${path} is not a model that can be used: ${error.message}`;
  if (error instanceof Error && "syscall" in error) return `cannot read ${path}: ${describeFileError(error)}`;
  return `${path}: ${error instanceof Error ? error.message : error}`;
}

/** Tells where the state of a run is kept: the directory, or undefined for memory. */
export function storePlace({ loaded: { config, resolvePath }, serviceDirectory }: RunPlan): string | undefined {
  return config.state.memory ? undefined : resolvePath(config.state.directory ?? serviceDirectory ?? "state");
}

/** Opens the state store of a run. @throws {StateStoreError} when it cannot be used */
export async function openStore(plan: RunPlan, { log, onFatal }: RunOptions): Promise<StateStore> {
  const directory = storePlace(plan);
  if (directory === undefined) {
    log.warn("state", "kept in memory: it is lost when the process ends", "state_in_memory");
    return createMemoryStore();
  }
  const store = await openLevelStore(directory, {
    onDamage: plan.loaded.config.state.on_damage,
    isSynced: plan.loaded.config.state.durability === "power",
    report: (level, text, event) => log[level]("state", text, event),
    ...(onFatal === undefined ? {} : { onFatal }),
  });
  const exposure = await describeExposure(directory);
  if (exposure !== undefined) log.warn("state", exposure, "state_exposed");
  return withDoor(directory, store, log);
}

/** Lets `rivulet state` look into the store as long as it is open. */
async function withDoor(directory: string, store: StateStore, log: Logger): Promise<StateStore> {
  // What Windows has in place of sockets in a directory lies elsewhere.
  if (process.platform === "win32") return store;
  let door: Door | undefined;
  try {
    door = await openDoor(directory, store);
  } catch (error) {
    // A path that is too long for a socket, or a file system that has none.
    const reason = error instanceof Error ? error.message : String(error);
    log.info("state", `rivulet state cannot look into it while this host runs: ${reason}`, "state_unreachable");
  }
  return {
    get: (key) => store.get(key),
    commit: (changes) => store.commit(changes),
    entries: (prefix) => store.entries(prefix),
    async close() {
      await door?.close();
      await store.close();
    },
  };
}

const TOPIC_BYTES = 65_536; // the longest topic of a packet, and its header

function brokerOptions({ config, tls, streams }: LoadedConfig): BridgeOptions["broker"] {
  const { client_id, receive_maximum } = config.broker;
  return {
    ...loginOf(config.broker, tls),
    receiveMaximum: receive_maximum,
    // Without a state to go on with, messages from before the start are of no use.
    isClean: config.state.memory === true,
    maxPacketBytes: TOPIC_BYTES + Math.max(...streams.map((stream) => stream.config.max_payload)),
    ...(client_id === undefined ? {} : { clientId: client_id }),
  };
}
