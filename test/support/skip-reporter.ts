import type { Reporter, TestCase, TestModule } from "vitest/node";

/** What brings what tests may need. */
const INSTALL: Readonly<Record<string, string>> = {
  "arm-none-eabi-gcc": "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi",
  cc: "apt install gcc",
  Chromium: "apt install chromium",
  gcc: "apt install gcc",
  go: "apt install golang",
  influxd: "apt install influxdb",
  make: "apt install make",
  Mosquitto: "apt install mosquitto",
  promtool: "apt install prometheus",
  "onnxruntime-node": "npm install --no-save --save-dev onnxruntime-node",
  OpenSSL: "apt install openssl",
  "qemu-system-arm": "apt install qemu-system-arm",
  "qemu-system-riscv32": "apt install qemu-system-misc",
  python3: "apt install python3",
  systemd: "apt install systemd",
  "systemd-notify": "apt install systemd",
  "qemu-user-static": "apt install qemu-user-static",
  "riscv64-unknown-elf-gcc": "apt install gcc-riscv64-unknown-elf",
  "avr-gcc": "apt install gcc-avr avr-libc",
  simavr: "apt install simavr",
  cmake: "apt install cmake",
};

/** Why a test was skipped: what it needs, or what it says itself. */
function reasonOf(test: TestCase): string {
  const { lacks } = test.meta();
  if (lacks !== undefined) {
    const things = lacks.map((name) => name + (INSTALL[name] === undefined ? "" : ` (${INSTALL[name]})`));
    return `need ${things.join(" and ")}`;
  }
  const result = test.result();
  return (result.state === "skipped" && result.note) || "without a reason";
}

/** Counts skipped tests by reason, most first: `3 tests skipped: 2 need Mosquitto (apt install mosquitto); 1 …`. */
export function skippedLine(tests: readonly TestCase[]): string | undefined {
  const skipped = tests.filter((test) => test.result().state === "skipped");
  if (skipped.length === 0) return undefined;
  const counts = new Map<string, number>();
  for (const reason of skipped.map(reasonOf)) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const reasons = [...counts].sort(([, a], [, b]) => b - a).map(([reason, count]) => `${count} ${reason}`);
  return `${skipped.length} ${skipped.length === 1 ? "test" : "tests"} skipped: ${reasons.join("; ")}`;
}

/** Says at the end of a run, in one line, how many tests were skipped and what would run them. */
export class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const line = skippedLine(modules.flatMap((module) => [...module.children.allTests()]));
    if (line !== undefined) console.log(`${line}\n`);
  }
}
