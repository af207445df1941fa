/**
 * The host for Node, apart from the library because it brings an MQTT client and a YAML reader: streams between a broker
 * and models.
 *
 * @module rivulet/host
 */

export type { CommandOutcome, CommandRequest } from "./alarm/commands.ts";
export type { LearningPlan } from "./alarm/learning-alarm.ts";
export { type AlarmPlan, type AlarmPlanOptions, planAlarms } from "./alarm/plan.ts";
export type { AlarmChange, AlarmSettings, Anomaly, Cause } from "./alarm/types.ts";
export { ConfigError } from "./config/document.ts";
export type { DetectorInput, DetectorSpec } from "./detect/document.ts";
export type { DetectorFile } from "./detect/file.ts";
export type {
  Block,
  BlockName,
  ChannelParameters,
  DetectorParameters,
  Seasonality,
  SlotsSeen,
  TrackerParameters,
} from "./detect/parameters.ts";
export type { DetectorTest } from "./detect/tensors.ts";
export { loadDetector } from "./detector-file.ts";
export type { Health, HealthPlan, HealthState } from "./health/device-health.ts";
export {
  type Bridge,
  type BridgeOptions,
  type BridgeStatus,
  type Collecting,
  type StopOptions,
  startBridge,
} from "./mqtt/bridge.ts";
export type { BrokerOptions, Connection, ConnectionHandlers, Message } from "./mqtt/connection.ts";
export type { BridgeCounters, StreamCounters } from "./mqtt/counters.ts";
export type { HomeAssistantOptions } from "./mqtt/discovery.ts";
export type { Oversized } from "./mqtt/guard.ts";
export type { HealthListener } from "./mqtt/health-watch.ts";
export type { RetryOptions } from "./mqtt/link.ts";
export {
  type ConfigurableLogger,
  createLogger,
  type Logger,
  type LoggerOptions,
  type LogSettings,
} from "./mqtt/log.ts";
export type { LimitedEvent } from "./mqtt/log-events.ts";
export type { Commanded, Held, MessageOutcome, OutcomeListener, Rejected, Stepped } from "./mqtt/outcomes.ts";
export type { StreamOptions } from "./mqtt/stream.ts";
export type { StreamTotals } from "./mqtt/totals.ts";
export { type RunOptions, startRun } from "./run.ts";
export { type LevelStoreOptions, type OnDamage, openLevelStore, type StoreEvent } from "./store/level.ts";
export { createMemoryStore } from "./store/memory.ts";
export { type Change, type StateStore, StateStoreError } from "./store/store.ts";
export type { Subscription } from "./stream/filters.ts";
export type { GapOptions } from "./stream/gap.ts";
export {
  type Around,
  createDecoder,
  type Decoder,
  type DecoderOptions,
  type Entry,
  type InputBinding,
  PayloadError,
  type PayloadFormat,
  type PlainDecoder,
  type Reading,
  type Reason,
} from "./stream/payload.ts";
export type { Sampling } from "./stream/sampler.ts";
export type { Sequencing } from "./stream/sequence.ts";
export type { Source } from "./stream/source.ts";
export type { TimeFormat, TimeOptions } from "./stream/time.ts";
export {
  type Captures,
  type DeviceTemplate,
  parseDeviceTemplate,
  parseTopicTemplate,
  type TopicTemplate,
} from "./stream/topic.ts";
export type { Trigger } from "./stream/trigger.ts";
