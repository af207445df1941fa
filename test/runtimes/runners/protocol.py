"""What the runners in Python share: jobs in, lines out (PROTOCOL.md)."""

import struct
from collections.abc import Callable, Iterable
from typing import NamedTuple

U32 = 0xFFFFFFFF


class Mcu(NamedTuple):
    """An instance of a module for microcontrollers."""

    call: Callable[..., int]
    value: Callable[[str], int]
    read: Callable[[int, int], bytes]
    write: Callable[[int, bytes], None]


def words(data: bytes) -> Iterable[int]:
    return struct.unpack(f"<{len(data) // 4}I", data)


def fold(hash: int, data: bytes) -> int:
    for word in words(data):
        hash = ((hash ^ word) * 0x01000193) & U32
        hash = (hash << 5 | hash >> 27) & U32
    return hash


def step_all(mcu: Mcu, samples: bytes, steps: int) -> int:
    """Feeds samples through memory and `step`, as an embedder does."""
    if mcu.value("abi_version") != 1:
        raise RuntimeError(f"ABI version {mcu.value('abi_version')}, expected 1")
    source, size = mcu.value("input"), 4 * mcu.value("input_count")
    target = mcu.value("output")
    end = target + 4 * mcu.value("output_count")
    state = mcu.value("state")
    hash = 0x811C9DC5
    mcu.call("reset")
    for t in range(steps):
        mcu.write(source, samples[t * size : (t + 1) * size])
        hash = fold(hash, struct.pack("<i", mcu.call("step")))
        hash = fold(hash, mcu.read(target, end))
    return fold(hash, mcu.read(state, state + mcu.value("state_size")))


def run_job(load: Callable[[str], Mcu], kind: str, path: str, source: str, steps: int) -> str:
    mcu = load(path)
    selftest = mcu.call("selftest")
    if kind == "drive":
        return f"{mcu.call('drive', int(source), steps) & U32} {selftest}"
    with open(source, "rb") as file:
        return f"{step_all(mcu, file.read(), steps)} {selftest}"


def run_jobs(path: str, load: Callable[[str], Mcu]) -> None:
    with open(path, encoding="utf-8") as file:
        for line in file:
            kind, name, module, source, steps = line.rstrip("\n").split("\t")
            try:
                answer = run_job(load, kind, module, source, int(steps))
            except Exception as error:  # A trap or a refusal is the answer.
                answer = f"error: {' '.join(str(error).split())}"
            print(name, answer, flush=True)
