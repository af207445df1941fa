"""Writes the PyTorch reference vectors of the f32 cell: test/vectors/torch/<case>.safetensors, <case>.f32 and index.json.

    pip install -r tools/training/requirements.txt
    python tools/training/vectors.py

A case is a model file with PyTorch's default initialisation, 1,000 generated samples and the outputs of PyTorch in single
precision, streamed one sample at a time from a zero state. The samples are not stored: `samples` below and `torchSamples`
in test/runtime/torch.test.ts generate the same bits. Outputs are stored for every `stride`-th step as little-endian f32
[steps / stride][O], to keep the repository small; the state runs through all steps. The reset-before cases come from the
hand-written cell `ResetBefore`, because PyTorch has no such form. `torch_error` in the index is the greatest difference
between PyTorch's own single and double precision.
"""

import argparse
import copy
import json
from pathlib import Path

import numpy as np
import torch
from torch import nn

from rivulet_model import gru_tensors, linear_tensors, to_float32, write_model

ROOT = Path(__file__).resolve().parents[2]
STEPS = 1000
SELFTEST_STEPS = 16
TOLERANCE = {"max": 1e-6, "rms": 1e-7}
GOLDEN, MASK = 0x6D2B79F5, 0xFFFFFFFF  # of mulberry32


def mulberry32(seed: int, count: int) -> np.ndarray:
    """Returns the first `count` outputs of the generator mulberry32 as uint64 below 2^32."""
    state = (np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)) & np.uint64(MASK)
    mask = np.uint64(MASK)

    def multiply(a, b):
        return (a * b) & mask

    mixed = multiply(state ^ (state >> np.uint64(15)), state | np.uint64(1))
    mixed ^= (mixed + multiply(mixed ^ (mixed >> np.uint64(7)), mixed | np.uint64(61))) & mask
    return mixed ^ (mixed >> np.uint64(14))


def samples(seed: int, steps: int, size: int) -> np.ndarray:
    """Returns nearly normal samples f32[steps][size]: the sum of four uniform numbers, exact in single precision.

    Each uniform number is the upper 20 bits of mulberry32; mean 0, standard deviation 1.15, within -4..4.
    """
    uniform = (mulberry32(seed, steps * size * 4) >> np.uint64(12)).reshape(steps, size, 4).astype(np.int64)
    return ((uniform.sum(axis=2) - 2 * 2**20) / 2**19).astype(np.float32)


def tokens(seed: int, steps: int, vocabulary: int) -> np.ndarray:
    """Returns tokens int32[steps][1]: mulberry32 modulo the vocabulary."""
    return (mulberry32(seed, steps) % np.uint64(vocabulary)).astype(np.int32)[:, None]


class ResetBefore(nn.Module):
    """A GRU layer that applies the reset gate before the product with U, with the parameters of an nn.GRU."""

    def __init__(self, gru: nn.GRU):
        super().__init__()
        self.gru = gru

    def forward(self, x, h=None):
        w, u, b, c = (getattr(self.gru, name) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))
        h = x.new_zeros(self.gru.hidden_size) if h is None else h
        wr, wz, wn = (w @ x[0, 0] + b).chunk(3)
        ur, uz, un = u.chunk(3)
        cr, cz, cn = c.chunk(3)
        r = torch.sigmoid(wr + ur @ h + cr)
        z = torch.sigmoid(wz + uz @ h + cz)
        n = torch.tanh(wn + un @ (r * h) + cn)
        h = (1 - z) * n + z * h
        return h[None, None], h


class Network(nn.Module):
    """Embedding?, GRU layers, Linear + softmax?."""

    def __init__(self, gru: nn.Module, embedding: nn.Embedding | None = None, linear: nn.Linear | None = None):
        super().__init__()
        self.gru, self.embedding, self.linear = gru, embedding, linear

    def forward(self, x, h=None):
        x = x if self.embedding is None else self.embedding(x[..., 0])
        y, h = self.gru(x, h)
        return (y if self.linear is None else torch.softmax(self.linear(y), dim=-1)), h


@torch.no_grad()
def stream(network: nn.Module, inputs: torch.Tensor) -> np.ndarray:
    """Feeds [T][I] one sample at a time from a zero state: [T][O]."""
    outputs, h = [], None
    for sample in inputs:
        y, h = network(sample[None, None], h)
        outputs.append(y[0, 0])
    return torch.stack(outputs).numpy()


CASES = [
    {"name": "gru-1x16", "inputs": 1, "hidden": 16, "stride": 1},
    {"name": "gru-8x32", "inputs": 8, "hidden": 32, "stride": 1},
    {"name": "gru-16x64", "inputs": 16, "hidden": 64, "stride": 4},
    {"name": "gru-64x128", "inputs": 64, "hidden": 128, "stride": 8},
    {"name": "gru-3x5", "inputs": 3, "hidden": 5, "stride": 1},
    {"name": "gru-4x20-2-layers", "inputs": 4, "hidden": 20, "layers": 2, "stride": 1},
    {"name": "reset-before-8x32", "inputs": 8, "hidden": 32, "reset": "before", "stride": 1},
    {"name": "reset-before-3x5", "inputs": 3, "hidden": 5, "reset": "before", "stride": 1},
    {"name": "softmax-8x32", "inputs": 8, "hidden": 32, "classes": 6, "stride": 1},
    {"name": "token-10x16", "vocabulary": 10, "inputs": 6, "hidden": 16, "classes": 10, "stride": 1},
]


def build(case: dict) -> tuple[Network, dict, dict[str, np.ndarray]]:
    """Builds the network of a case, its part of the model document and its tensors."""
    layers, reset = case.get("layers", 1), case.get("reset", "after")
    gru = nn.GRU(case["inputs"], case["hidden"], num_layers=layers, batch_first=True)
    spec = {"layers": [{"kind": "gru", "size": case["hidden"], "reset": reset} for _ in range(layers)]}
    tensors = gru_tensors(gru)
    embedding = linear = None
    if "classes" in case:
        linear = nn.Linear(case["hidden"], case["classes"])
        tensors |= linear_tensors(linear, layers)
        spec["layers"].append({"kind": "dense", "size": case["classes"], "activation": "softmax"})
    if "vocabulary" in case:
        embedding = nn.Embedding(case["vocabulary"], case["inputs"])
        tensors["embedding.weight"] = to_float32(embedding.weight)
        spec["embedding"] = {"vocabulary": case["vocabulary"], "size": case["inputs"]}
    return Network(ResetBefore(gru) if reset == "before" else gru, embedding, linear), spec, tensors


def write_case(case: dict, seed: int, folder: Path) -> dict:
    """Writes the files of a case and returns its entry of the index."""
    torch.manual_seed(seed)
    network, spec, tensors = build(case)
    token = "vocabulary" in case
    inputs = tokens(seed, STEPS, case["vocabulary"]) if token else samples(seed, STEPS, case["inputs"])
    outputs = stream(network, torch.from_numpy(inputs))
    exact_inputs = torch.from_numpy(inputs if token else inputs.astype(np.float64))
    exact = stream(copy.deepcopy(network).double(), exact_inputs)

    size = outputs.shape[1]
    names = ["token"] if token else [f"x{index}" for index in range(case["inputs"])]
    document = {
        "name": case["name"],
        "inputs": [{"name": name} for name in names],
        "outputs": [{"name": f"y{index}"} for index in range(size)],
        **spec,
        "provenance": {"script": f"tools/training/vectors.py, seed {seed}", "versions": f"torch {version()}"},
    }
    selftest = (inputs[:SELFTEST_STEPS], outputs[:SELFTEST_STEPS])
    write_model(folder / f"{case['name']}.safetensors", document, tensors, selftest)
    kept = outputs[:: case["stride"]].astype("<f4")
    (folder / f"{case['name']}.f32").write_bytes(kept.tobytes())
    error = float(np.abs(outputs - exact).max())
    print(f"{case['name']:>20}: {size} outputs, {len(kept)} of {STEPS} steps kept, torch f32 against f64 {error:.2e}")
    entry = {"name": case["name"], "seed": seed, "steps": STEPS, "stride": case["stride"], "inputs": len(names), "outputs": size}
    return entry | ({"vocabulary": case["vocabulary"]} if token else {}) | {"torch_error": float(f"{error:.2e}")}


def version() -> str:
    return torch.__version__.split("+")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes the PyTorch reference vectors.")
    parser.add_argument("--out", default=ROOT / "test/vectors/torch", type=Path)
    folder = parser.parse_args().out
    torch.set_num_threads(1)
    entries = [write_case(case, seed, folder) for seed, case in enumerate(CASES, start=101)]
    index = {"torch": version(), "tolerance": TOLERANCE, "cases": entries}
    (folder / "index.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
