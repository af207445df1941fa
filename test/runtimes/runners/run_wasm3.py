"""Runs modules for microcontrollers in wasm3: `run_wasm3.py JOBS` (PROTOCOL.md)."""

import sys

import wasm3

from protocol import Mcu, run_jobs

STACK_BYTES = 4096


def load(path: str) -> Mcu:
    environment = wasm3.Environment()
    runtime = environment.new_runtime(STACK_BYTES)
    with open(path, "rb") as file:
        module = environment.parse_module(file.read())
    runtime.load(module)
    memory = runtime.get_memory(0)

    def write(start: int, data: bytes) -> None:
        memory[start : start + len(data)] = data

    return Mcu(
        call=lambda name, *arguments: runtime.find_function(name)(*arguments),
        value=module.get_global,
        read=lambda start, end: bytes(memory[start:end]),
        write=write,
    )


run_jobs(sys.argv[1], load)
