"""Writes test/vectors/exact/index.json: how far PyTorch's own single precision is from double precision.

    pip install -r tools/training/requirements.txt
    python tools/training/conformance/exactness.py

Each case is a network over 10,000 generated samples from a zero state. Weights and samples are generated, bit for bit as in
test/runtime/exact.test.ts, or come from a trained model of `models/`; `scale` multiplies the weights and biases of the GRU layers.
`rms` and `worst` are of PyTorch's float32 outputs against PyTorch's float64 outputs. `probes` are float64 outputs, by which the test
shows that its own double precision computes the same. The tests need this file alone.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from vectors import mulberry32, samples  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
STEPS = 10000
PROBES = (0, 1, 99, 4999, 9999)
SHAPES = [(1, 16), (8, 32), (16, 64), (64, 128)]
MODELS = ("pump", "machine-temperature")


def weights(seed: int, count: int, limit: float) -> np.ndarray:
    """Returns uniform float32 numbers from -limit to limit, from the upper 20 bits of mulberry32."""
    upper = (mulberry32(seed, count) >> np.uint64(12)).astype(np.float64)
    return ((upper / 2**19 - 1) * limit).astype(np.float32)


def generated(inputs: int, hidden: int, seed: int, scale: float) -> list[dict]:
    """Returns one GRU layer and a linear output, with PyTorch's initial distribution times `scale`."""
    limit = 1 / np.sqrt(hidden)
    sizes = [3 * hidden * inputs, 3 * hidden * hidden, 3 * hidden, 3 * hidden, hidden, 1]
    parts = np.split(weights(seed, sum(sizes), limit), np.cumsum(sizes)[:-1])
    w, u, b, c = (part * np.float32(scale) for part in parts[:4])
    gru = {"w": w.reshape(-1, inputs), "u": u.reshape(-1, hidden), "b": b, "c": c}
    return [gru, {"w": parts[4].reshape(1, hidden), "b": parts[5]}]


def trained(name: str, scale: float) -> tuple[dict, list[dict], dict]:
    """Returns the document, the layers and all tensors of a model in `models/`; one GRU layer and a linear one."""
    with safe_open(ROOT / f"models/{name}.safetensors", "np") as file:
        document = json.loads(file.metadata()["rivulet"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    gru = {key: tensors[f"layers.0.{tensor}"] * np.float32(scale) for key, tensor in zip("wubc", "WUbc")}
    return document, [gru, {"w": tensors["layers.1.W"], "b": tensors["layers.1.b"]}], tensors


@torch.no_grad()
def run(layers: list[dict], inputs: np.ndarray, tensors: dict, window: int, dtype) -> np.ndarray:
    """Returns the outputs [T][O] of normalisation?, GRU, linear, skip?, output scale?, all computed in `dtype`."""
    cast = lambda array: torch.from_numpy(np.asarray(array)).to(dtype)  # noqa: E731
    x = cast(inputs)
    if "input.offset" in tensors:
        x = (x - cast(tensors["input.offset"])) * cast(tensors["input.scale"])
    gru, linear = layers
    size, hidden = gru["w"].shape[1], gru["u"].shape[1]
    module = torch.nn.GRU(size, hidden, batch_first=True).to(dtype)
    for name, key in (("weight_ih_l0", "w"), ("weight_hh_l0", "u"), ("bias_ih_l0", "b"), ("bias_hh_l0", "c")):
        getattr(module, name).copy_(cast(gru[key]))
    y = torch.nn.functional.linear(module(x[None])[0][0], cast(linear["w"]), cast(linear["b"]))
    if window > 0:
        padded = torch.cat([torch.zeros(window - 1, size, dtype=dtype), x])
        past = torch.stack([padded[t : t + window].reshape(-1) for t in range(len(x))])
        y = y + past @ cast(tensors["skip.W"]).T
    if "output.scale" in tensors:
        y = y * cast(tensors["output.scale"]) + cast(tensors["output.offset"])
    return y.numpy()


def entry(name: str, seed: int, scale: float, layers: list[dict], x: np.ndarray, tensors: dict, window: int) -> dict:
    """Returns a case of the index."""
    exact = run(layers, x, tensors, window, torch.float64)
    error = run(layers, x, tensors, window, torch.float32).astype(np.float64) - exact
    case = {"name": name, "seed": seed, "scale": scale, "inputs": x.shape[1], "hidden": layers[0]["u"].shape[1]}
    rms, worst = float(np.sqrt((error**2).mean())), float(np.abs(error).max())
    print(f"{name} x {scale}: rms {rms:.2e}, worst {worst:.2e}")
    return case | {"rms": rms, "worst": worst, "probes": [[step, exact[step].tolist()] for step in PROBES]}


def main() -> None:
    torch.set_num_threads(1)
    cases = []
    for scale in (1, 3):
        for seed, (inputs, hidden) in enumerate(SHAPES, start=401):
            x = samples(seed + 1000, STEPS, inputs)
            cases.append(entry(f"gru-{inputs}x{hidden}", seed, scale, generated(inputs, hidden, seed, scale), x, {}, 0))
        for seed, name in enumerate(MODELS, start=501):
            document, layers, tensors = trained(name, scale)
            size = len(document["inputs"])
            x = tensors["input.offset"] + samples(seed + 1000, STEPS, size) / tensors["input.scale"]
            window = document.get("skip", {}).get("length", 0)
            cases.append(entry(name, seed, scale, layers, x.astype(np.float32), tensors, window))
    index = {"torch": torch.__version__.split("+")[0], "steps": STEPS, "cases": cases}
    folder = ROOT / "test/vectors/exact"
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
