// The boards of qemu that firmware is built for and run on.

/** A board, its cross compiler and how qemu starts it. */
export interface Board {
  /** Also the name of its linker script in common/boards/. */
  readonly name: string;
  readonly core: string;
  readonly compiler: string;
  readonly flags: readonly string[];
  readonly qemu: string;
  readonly machine: readonly string[];
}

const ARM = { compiler: "arm-none-eabi-gcc", qemu: "qemu-system-arm" };
const SOFT = ["-mthumb", "-mfloat-abi=soft"];

/** The boards by the name of their core. */
export const BOARDS = {
  m0: {
    ...ARM,
    name: "microbit",
    core: "Cortex-M0",
    flags: ["-mcpu=cortex-m0", ...SOFT],
    // 16 KB as on the board; models of 64 units need more.
    machine: ["-M", "microbit", "-global", "nrf51-soc.sram-size=65536"],
  },
  m3: {
    ...ARM,
    name: "mps2-an385",
    core: "Cortex-M3",
    flags: ["-mcpu=cortex-m3", ...SOFT],
    machine: ["-M", "mps2-an385"],
  },
  m4: {
    ...ARM,
    name: "mps2-an386",
    core: "Cortex-M4",
    flags: ["-mcpu=cortex-m4", ...SOFT],
    machine: ["-M", "mps2-an386"],
  },
  m4f: {
    ...ARM,
    name: "mps2-an386",
    core: "Cortex-M4F",
    flags: ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"],
    machine: ["-M", "mps2-an386"],
  },
  m33: {
    ...ARM,
    name: "mps2-an505",
    core: "Cortex-M33",
    flags: ["-mcpu=cortex-m33", ...SOFT],
    machine: ["-M", "mps2-an505"],
  },
  rv32: {
    name: "virt",
    core: "rv32imac",
    compiler: "riscv64-unknown-elf-gcc",
    flags: ["-march=rv32imac", "-mabi=ilp32", "-misa-spec=2.2", "-mcmodel=medany", "-msmall-data-limit=0"],
    qemu: "qemu-system-riscv32",
    machine: ["-M", "virt", "-cpu", "rv32", "-bios", "none"],
  },
} as const satisfies Record<string, Board>;

/** The key of a board in {@link BOARDS}. */
export type BoardId = keyof typeof BOARDS;
