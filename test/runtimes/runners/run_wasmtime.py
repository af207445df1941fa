"""Runs modules for microcontrollers in wasmtime: `run_wasmtime.py cranelift|pulley64 JOBS` (PROTOCOL.md)."""

import sys

from wasmtime import Config, Engine, Instance, Module, Store

from protocol import Mcu, run_jobs


def main() -> None:
    target, jobs = sys.argv[1:]
    config = Config()
    if target != "cranelift":
        config.target = target
    engine = Engine(config)

    def load(path: str) -> Mcu:
        store = Store(engine)
        exports = Instance(store, Module.from_file(engine, path), []).exports(store)
        memory = exports["memory"]
        return Mcu(
            call=lambda name, *arguments: exports[name](store, *arguments),
            value=lambda name: exports[name].value(store),
            read=lambda start, end: memory.read(store, start, end),
            write=lambda start, data: memory.write(store, data, start),
        )

    run_jobs(jobs, load)


main()
