"""Writes f32 model files (FORMAT.md 2, 3, 4 and 6) from PyTorch modules.

A training script of your own needs this file alone: collect the tensors with `gru_tensors` and
`linear_tensors`, describe the model in a dict with the fields of FORMAT.md 3, call `write_model`.
"""

import hashlib
import json
import platform
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from torch import nn

FORMAT = 1


def gru_tensors(gru: nn.GRU, first_layer: int = 0) -> dict[str, np.ndarray]:
    """Returns the tensors of every layer of an nn.GRU, named from `layers.<first_layer>` on.

    PyTorch stacks the gates as this format does (r, z, n) and applies the reset gate after the product with U.
    """
    if gru.bidirectional or not gru.bias:
        raise ValueError("Only a GRU with biases that reads in one direction can be written")
    tensors = {}
    for layer in range(gru.num_layers):
        for ours, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih"), ("c", "bias_hh")):
            tensors[f"layers.{first_layer + layer}.{ours}"] = to_float32(getattr(gru, f"{theirs}_l{layer}"))
    return tensors


def linear_tensors(linear: nn.Linear, layer: int) -> dict[str, np.ndarray]:
    """Returns the tensors of an nn.Linear as dense layer number `layer`."""
    return {f"layers.{layer}.W": to_float32(linear.weight), f"layers.{layer}.b": to_float32(linear.bias)}


def to_float32(tensor) -> np.ndarray:
    """Returns a torch tensor, an array or nested lists as a contiguous float32 array."""
    values = tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else np.asarray(tensor)
    return np.ascontiguousarray(values, dtype=np.float32)


def write_model(path, spec: dict, tensors: dict[str, np.ndarray], selftest=None, tolerance: float | None = None) -> str:
    """Writes an f32 model file and returns its SHA-256; the same arguments give the same bytes.

    spec        the fields of FORMAT.md 3 without `format`, `numeric` and `selftest`, which are added here
    tensors     float32 arrays by the names of FORMAT.md 4
    selftest    (inputs [T][I], outputs [T][O]) from a fresh state; int32 inputs for a token model
    tolerance   largest |difference| / max(1, |expected|) that the self-test accepts; the reader's default is 1e-5
    """
    document = {"format": FORMAT, "numeric": "f32", **spec}
    tensors = dict(tensors)
    if selftest is not None:
        inputs, outputs = (np.ascontiguousarray(values) for values in selftest)
        document["selftest"] = {"steps": len(inputs)} | ({} if tolerance is None else {"tolerance": tolerance})
        tensors |= {"selftest.input": inputs, "selftest.output": outputs}
    for name, values in tensors.items():
        dtypes = (np.int32, np.float32) if name == "selftest.input" else (np.float32,)
        if values.dtype not in dtypes:
            raise TypeError(f"{name} is {values.dtype}, expected {' or '.join(kind.__name__ for kind in dtypes)}")
        if values.size == 0 or not np.isfinite(values).all():
            raise ValueError(f"{name} is empty or holds a value that is not finite")
    metadata = {"rivulet": json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)}
    # The library sorts tensors by element size and name, leaves no holes and pads the header to 8 bytes: all of FORMAT.md 2.
    data = save(tensors, metadata=metadata)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def file_sha256(path) -> str:
    """Returns the SHA-256 of a file, for the provenance of a model."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def versions() -> str:
    """Returns the versions of PyTorch, NumPy and Python, for the provenance of a model."""
    return f"torch {torch.__version__.split('+')[0]}, numpy {np.__version__}, Python {platform.python_version()}"
