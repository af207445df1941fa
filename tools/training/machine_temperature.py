"""Trains models/machine-temperature.safetensors: a GRU forecaster of one real sensor of a real machine.

    pip install -r tools/training/requirements.txt
    python tools/training/machine_temperature.py machine_temperature_system_failure.csv

The CSV (`timestamp,value`, a reading every five minutes) is part of the Numenta Anomaly Benchmark, "NAB", and is not in
this repository. The model sees the first 15 % of the readings alone: it learns on the first four fifths of them and stops
early, as do all choices, by the last fifth. `--search` prints the held-out errors of the choices. Everything is seeded:
the same machine and library versions write the same bytes.
"""

import argparse
import csv
import platform
from pathlib import Path

import numpy as np
import torch

from forecaster import Forecaster, Recipe, fit, fit_skip
from rivulet_model import file_sha256, write_model

ROOT = Path(__file__).resolve().parents[2]

TRAIN_SHARE = 0.15
FIT_SHARE = 0.8
RANGE = [0, 120]  # real limits with a margin: the readings of the whole file lie in 2 to 109
CENTRE, WIDTH = 85.0, 10.0
WARMUP = 64
SEGMENT, STRIDE = 512, 128
RECIPE = Recipe(epochs=200, patience=30, rate=1e-3, decay=0.1, chunk=64, warmup=WARMUP, huber=0.5)
CHOICE = {"hidden": 16, "skip": 12, "seed": 1}
SELFTEST_STEPS = 64


def read_values(path: Path) -> np.ndarray:
    """Reads the `value` column: f32[T][1]."""
    with path.open(newline="") as file:
        return np.array([[float(row["value"])] for row in csv.DictReader(file)], dtype=np.float32)


def errors(model: Forecaster, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns |error| of the model and of the last value for readings 1 .. T-1, streaming from reading 0."""
    prediction = model.predict(values)
    return np.abs(values[1:] - prediction[:-1])[:, 0], np.abs(np.diff(values, axis=0))[:, 0]


def train(values: np.ndarray, fitted: int, hidden: int, skip: int, seed: int) -> tuple[Forecaster, float]:
    """Trains on `values[:fitted]`, stops by `values[fitted:]`; returns the model and its held-out error."""
    torch.manual_seed(seed)
    model = Forecaster([CENTRE], [1 / WIDTH], hidden, skip)
    # Overlapping pieces make a batch out of one stream.
    starts = range(0, fitted - SEGMENT + 1, STRIDE)
    pieces = torch.from_numpy(np.stack([values[start : start + SEGMENT] for start in starts]))
    fit_skip(model, torch.from_numpy(values[None, :fitted]))

    def score(candidate: Forecaster) -> float:
        return float(errors(candidate, values)[0][fitted - 1 :].mean())

    return model, fit(model, pieces, torch.tensor([WIDTH]), score, RECIPE)


def search(values: np.ndarray, fitted: int) -> None:
    """Prints the held-out error of each choice."""
    for hidden in (8, 16, 32):
        for skip in (4, 8, 12, 24):
            scores = [train(values, fitted, hidden, skip, seed)[1] for seed in (1, 2, 3)]
            print(f"hidden {hidden}, skip {skip}: held-out MAE {np.round(scores, 4)}", flush=True)
