"""Gradients of PyTorch, by its own GRU, losses and activations in double precision: what test/train/torch.test.ts holds the kernels of training
against. Weights and batches are numbers of mulberry32, which the test draws again; of every gradient each 3rd element is kept.

    python tools/training/conformance/torch_train.py > test/vectors/train/torch.json
"""

import json

import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
ROWS, STEPS, INPUTS, SIZE, KEEP = 4, 6, 3, 5, 3


def mulberry32(seed: int):
    """The generator of host/train/random.ts."""
    state = seed

    def draw() -> float:
        nonlocal state
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        mixed ^= (mixed + (((mixed ^ (mixed >> 7)) * (mixed | 61)) & 0xFFFFFFFF)) & 0xFFFFFFFF
        return (mixed ^ (mixed >> 14)) / 2**32

    return draw


def tensor(draw, *shape: int) -> torch.Tensor:
    """Uniform within ±1, in single precision first."""
    count = int(torch.tensor(shape).prod())
    return torch.tensor([2 * draw() - 1 for _ in range(count)], dtype=torch.float32).double().reshape(shape)


ACTIVATIONS = {
    "linear": lambda a, p: a,
    "sigmoid": lambda a, p: torch.sigmoid(a),
    "tanh": lambda a, p: torch.tanh(a),
    "relu": lambda a, p: torch.relu(a),
    "softmax": lambda a, p: torch.softmax(a, -1),
    "prelu": lambda a, p: torch.where(a > 0, a, a * p[0]),
    "elu": lambda a, p: torch.where(a > 0, a, p[0] * torch.expm1(a)),
    "hardtanh": lambda a, p: torch.minimum(torch.maximum(a, p[0]), p[1]),
    "gelu": lambda a, p: F.gelu(a),
    "gelu_tanh": lambda a, p: F.gelu(a, approximate="tanh"),
    "silu": lambda a, p: F.silu(a),
    "softplus": lambda a, p: F.softplus(a),
    "hardswish": lambda a, p: F.hardswish(a),
    "hardsigmoid": lambda a, p: (a * p[0] + p[1]).clamp(0, 1),
}
PARAMETERS = {"prelu": [0.25], "elu": [1], "hardtanh": [-0.25, 0.5], "hardsigmoid": [0.5, 0.25]}


def gru(reset: str, x: torch.Tensor, w: dict) -> torch.Tensor:
    """A GRU layer: PyTorch's own, or its equations with the reset gate before the product."""
    W, b, U, c = w["W"], w["b"], w["U"], w["c"]
    if reset == "after":
        # The parameters of nn.GRU have the layout of FORMAT.md.
        zero = torch.zeros(x.shape[0], U.shape[1])
        steps, h = [], zero
        for t in range(x.shape[1]):
            h = torch.gru_cell(x[:, t], h, W, U, b, c)
            steps.append(h)
        return torch.stack(steps, 1)
    h, steps = torch.zeros(x.shape[0], U.shape[1]), []
    for t in range(x.shape[1]):
        gx = x[:, t] @ W.T + b
        size = U.shape[1]
        r, z = torch.sigmoid(gx[:, : 2 * size] + h @ U[: 2 * size].T + c[: 2 * size]).split(size, 1)
        n = torch.tanh(gx[:, 2 * size :] + (r * h) @ U[2 * size :].T + c[2 * size :])
        h = (1 - z) * n + z * h
        steps.append(h)
    return torch.stack(steps, 1)


def case(name: str, layers: list, loss: str, embedding: int = 0, skip: int = 0, seed: int = 1) -> dict:
    """Loss and gradients of a network: layers are ("gru", reset) or ("dense", size, activation)."""
    draw = mulberry32(seed)
    weights, before = {}, INPUTS
    if embedding:
        weights["embedding.weight"] = tensor(draw, embedding, INPUTS)
    for k, layer in enumerate(layers):
        rows = 3 * SIZE if layer[0] == "gru" else layer[1]
        weights[f"layers.{k}.W"], weights[f"layers.{k}.b"] = tensor(draw, rows, before), tensor(draw, rows)
        if layer[0] == "gru":
            weights[f"layers.{k}.U"], weights[f"layers.{k}.c"] = tensor(draw, rows, SIZE), tensor(draw, rows)
        elif layer[2] in PARAMETERS:
            weights[f"layers.{k}.p"] = torch.tensor(PARAMETERS[layer[2]]).double()[:, None].repeat(1, rows)
        before = SIZE if layer[0] == "gru" else layer[1]
    if skip:
        weights["skip.W"] = tensor(draw, before, skip * INPUTS)
    weights = {tensor_name: (w / 2 if not tensor_name.endswith(".p") else w).requires_grad_() for tensor_name, w in weights.items()}
    if embedding:
        tokens = torch.tensor([int(draw() * embedding) for _ in range(ROWS * STEPS)]).reshape(ROWS, STEPS)
        x = F.embedding(tokens, weights["embedding.weight"])
    else:
        x = tensor(draw, ROWS, STEPS, INPUTS)
    y = x
    logits = y
    for k, layer in enumerate(layers):
        own = {part: weights.get(f"layers.{k}.{part}") for part in ("W", "b", "U", "c", "p")}
        if layer[0] == "gru":
            y = gru(layer[1], y, own)
        else:
            logits = F.linear(y, own["W"], own["b"])
            y = ACTIVATIONS[layer[2]](logits, own["p"])
    if skip:
        padded = torch.cat([torch.zeros(ROWS, skip - 1, INPUTS), x], 1)
        windows = torch.stack([padded[:, t : t + skip].flatten(1) for t in range(STEPS)], 1)
        y = y + windows @ weights["skip.W"].T
    value = measure(loss, y, logits, draw)
    value.backward()
    gradients = {tensor_name: w.grad.ravel()[::KEEP].tolist() for tensor_name, w in weights.items()}
    return {"name": name, "layers": layers, "loss": loss, "embedding": embedding, "skip": skip, "value": value.item(), "gradients": gradients}


def measure(loss: str, y: torch.Tensor, logits: torch.Tensor, draw) -> torch.Tensor:
    """PyTorch's loss against targets by chance."""
    size = y.shape[-1]
    if loss == "sparse_categorical_crossentropy":
        target = torch.tensor([int(draw() * size) for _ in range(ROWS * STEPS)])
        return F.cross_entropy(logits.reshape(-1, size), target)
    target = tensor(draw, ROWS, STEPS, size)
    if loss == "mse":
        return F.mse_loss(y, target)
    if loss == "huber":
        return F.huber_loss(y, target)
    if loss == "binary_crossentropy":
        return F.binary_cross_entropy_with_logits(logits, (target > 0).double())
    shares = torch.softmax(target, -1).float().double()
    return F.cross_entropy(logits.reshape(-1, size), shares.reshape(-1, size))


def main() -> None:
    g = ["gru", "after"]
    cases = [
        case("reset-after", [g, ["dense", 2, "linear"]], "mse", seed=1),
        case("stacked, reset-before", [["gru", "before"], ["gru", "before"], ["dense", 2, "linear"]], "huber", seed=2),
        case("skip", [g, ["dense", 2, "linear"]], "mse", skip=3, seed=3),
        case("binary", [g, ["dense", 2, "sigmoid"]], "binary_crossentropy", seed=4),
        case("categorical", [g, ["dense", 4, "softmax"]], "categorical_crossentropy", seed=5),
        case("sparse", [g, ["dense", 7, "softmax"]], "sparse_categorical_crossentropy", embedding=7, seed=6),
    ]
    for k, activation in enumerate(ACTIVATIONS):
        if activation != "softmax":
            cases.append(case(activation, [g, ["dense", 4, activation], ["dense", 2, "linear"]], "mse", seed=10 + k))
    rounded = json.loads(json.dumps(cases), parse_float=lambda text: float(f"{float(text):.9g}"))
    print(json.dumps({"torch": torch.__version__.split("+")[0], "keep": KEEP, "cases": rounded}))


main()
