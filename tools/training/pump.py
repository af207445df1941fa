"""Trains the demo model, models/pump.safetensors: a GRU forecaster of the four sensors of a healthy pump.

    pip install -r tools/training/requirements.txt
    python tools/training/pump.py

The data come from the simulator of the demo, tools/demo/pump.ts, which the script bundles and runs with the project's
esbuild and Node (`npm ci` first). Everything is seeded: the same machine and library versions write the same bytes.
"""

import argparse
import hashlib
import subprocess
from pathlib import Path

import numpy as np
import torch

from forecaster import Forecaster, Recipe, fit
from rivulet_model import versions, write_model

ROOT = Path(__file__).resolve().parents[2]
SIMULATOR = ROOT / "tools/demo/record.ts"

INPUTS = [
    {"name": "speed", "unit": "rpm", "range": [0, 3600]},
    {"name": "pressure", "unit": "bar", "range": [0, 12]},
    {"name": "current", "unit": "A", "range": [0, 50]},
    {"name": "bearing_temperature", "unit": "°C", "range": [-10, 160]},
]
# Wide enough that a failing pump (130 °C, 30 A) is still a small number for the GRU.
CENTRE = [1800.0, 2.5, 10.0, 40.0]
WIDTH = [1000.0, 2.5, 7.0, 15.0]

SEED = 20
HIDDEN = 24
SKIP = 2
WARMUP = 20
RECIPE = Recipe(epochs=300, patience=40, rate=3e-3, decay=1e-3, chunk=50, warmup=WARMUP, huber=4.0)
TRAIN = {"pumps": 400, "steps": 400, "seed": 1000, "flags": ("--hot",)}
HELD_OUT = {"pumps": 16, "steps": 4000, "seed": 2000}
HELD_OUT_HOT = {"pumps": 32, "steps": 300, "seed": 2500, "flags": ("--hot",)}
FAIL_AT = 1500
FAILING = {"pumps": 16, "steps": 3000, "seed": 3000, "flags": ("--fail-at", str(FAIL_AT))}
SELFTEST_STEPS = 64


def recipe(pumps: int, steps: int, seed: int, flags: tuple[str, ...] = ()) -> list[str]:
    """Returns the arguments of the simulator."""
    return ["--pumps", str(pumps), "--steps", str(steps), "--seed", str(seed), *flags]


def simulate(pumps: int, steps: int, seed: int, flags: tuple[str, ...] = ()) -> np.ndarray:
    """Records pumps with the simulator: f32[pumps][steps][4]."""
    bundle = ["npx", "esbuild", str(SIMULATOR), "--bundle", "--platform=node", "--format=esm"]
    program = subprocess.run(bundle, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    command = ["node", "--input-type=module", "-", *recipe(pumps, steps, seed, flags)]
    csv = subprocess.run(command, input=program, check=True, stdout=subprocess.PIPE).stdout.decode()
    rows = np.loadtxt(csv.splitlines(), delimiter=",", skiprows=1)
    return rows[:, 2:].reshape(pumps, steps, len(INPUTS)).astype(np.float32)


@torch.no_grad()
def residuals(model: Forecaster, samples: np.ndarray) -> np.ndarray:
    """Returns measured minus predicted, in real units, for the steps after the warm-up: [pumps][steps][4]."""
    x = torch.from_numpy(samples)
    y, _ = model(model.normalise(x))
    return (x[:, 1:] - model.denormalise(y)[:, :-1]).numpy()[:, WARMUP:]


def mean_absolute(values: np.ndarray) -> np.ndarray:
    return np.abs(values).mean(axis=(0, 1))


def report(model: Forecaster, held_out: np.ndarray, sigma: np.ndarray) -> str:
    """Prints the held-out errors and what a failing bearing looks like; returns the line for the provenance."""
    errors = mean_absolute(residuals(model, held_out))
    persistence = mean_absolute(np.diff(held_out, axis=1)[:, WARMUP:])
    print("held-out pumps, one step ahead   MAE    last value   ratio   residual sigma")
    for index, field in enumerate(INPUTS):
        ratio = errors[index] / persistence[index]
        print(f"{field['name']:>28} {errors[index]:9.4f} {persistence[index]:9.4f} {ratio:9.3f} {sigma[index]:9.4f}")

    healthy = np.abs(residuals(model, held_out)) / sigma
    print("healthy |residual| / sigma, 99.9 %:", np.round(np.quantile(healthy, 0.999, axis=(0, 1)), 1))
    failing = residuals(model, simulate(**FAILING)) / sigma
    start = FAIL_AT - WARMUP - 1
    for name, index in (("current", 2), ("bearing_temperature", 3)):
        for first in (0, 10, 20, 30, 60, 120, 300):
            block = failing[:, start + first : start + first + 10, index]
            print(f"failing for {first:3d} steps: {name:>20} residual / sigma, mean of the next 10 "
                  f"{block.mean():6.1f}  smallest pump {block.mean(axis=1).min():6.1f}")
    return "; ".join(
        f"{field['name']} {error:.4g} {field['unit']} (last value {last:.4g})"
        for field, error, last in zip(INPUTS, errors, persistence)
    )


def document(model: Forecaster, train: np.ndarray, sigma: np.ndarray, metric: str) -> dict:
    """Returns the document of the model file."""
    return {
        "name": "pump",
        "inputs": INPUTS,
        "outputs": [
            {"name": f"next_{field['name']}", "unit": field["unit"], "forecasts": field["name"]} for field in INPUTS
        ],
        "horizon": 1,
        "layers": model.layers(),
        "skip": {"length": SKIP},
        "interval": 10,
        "warmup": WARMUP,
        "detector": {"residual_sigma": [float(f"{value:.4g}") for value in sigma]},
        "provenance": {
            "script": f"tools/training/pump.py, seed {SEED}",
            "data": f"{SIMULATOR.relative_to(ROOT)} {' '.join(recipe(**TRAIN))}: "
            f"healthy pumps whose bearings start at 20 to 140 °C; held out {' '.join(recipe(**HELD_OUT))} and {' '.join(recipe(**HELD_OUT_HOT))}",
            "data_sha256": hashlib.sha256(train.astype("<f4").tobytes()).hexdigest(),
            "versions": versions(),
            "metric": f"mean absolute error one step ahead on the held-out pumps: {metric}",
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=ROOT / "models/pump.safetensors", type=Path)
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    train = simulate(**TRAIN)
    held_out, held_out_hot = simulate(**HELD_OUT), simulate(**HELD_OUT_HOT)
    model = Forecaster(CENTRE, [1 / width for width in WIDTH], HIDDEN, SKIP)
    noise = np.median(np.abs(np.diff(train, axis=1)), axis=(0, 1))  # a typical step of each sensor, real units
    weight = torch.tensor(np.array(WIDTH) / noise, dtype=torch.float32)

    def score(candidate: Forecaster) -> float:
        parts = (mean_absolute(residuals(candidate, part)) / noise for part in (held_out, held_out_hot))
        return float(np.mean([part.mean() for part in parts]))

    fit(model, torch.from_numpy(train), weight, score, RECIPE)
    sigma = residuals(model, held_out).std(axis=(0, 1))
    metric = report(model, held_out, sigma)

    spec = document(model, train, sigma, metric)
    # Held-out pump 0 from rest, so that the vectors cover a start. One unit in the last place of a normalised speed is
    # 1e-4 rpm: the difference between PyTorch and the kernels at rest is 2e-5, above the default tolerance.
    samples = held_out[0, :SELFTEST_STEPS]
    digest = write_model(arguments.out, spec, model.tensors(), (samples, model.predict(samples)), tolerance=1e-4)
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, SHA-256 {digest}")


if __name__ == "__main__":
    main()
