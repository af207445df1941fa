"""Trains the models of five tutorials about GRUs in Keras, and writes what came of it: the losses of the first 20 batches, and the weights
after them, of which every 61st element is kept. What they start from and learn from are numbers of mulberry32, which test/train/keras.test.ts
draws again: so the file is small.

    KERAS_BACKEND=torch python tools/training/conformance/keras_train.py > test/vectors/train/keras.json
"""

import json
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from keras import layers

STEPS, ROWS, LENGTH, KEEP = 20, 8, 10, 61


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


def numbers(draw, *shape: int) -> np.ndarray:
    """Uniform within ±1."""
    return np.array([2 * draw() - 1 for _ in range(int(np.prod(shape)))]).reshape(shape).astype(np.float32)


def gates(w: np.ndarray) -> np.ndarray:
    """Rows r, z, n of FORMAT.md to z, r, n of Keras, and back."""
    r, z, n = np.split(w, 3)
    return np.concatenate([z, r, n])


def exchange(layer, draw=None) -> dict:
    """Sets the weights of a layer by chance, or answers them, in the names and layout of FORMAT.md."""
    w = layer.get_weights()
    if isinstance(layer, layers.Embedding):
        if draw:
            layer.set_weights([numbers(draw, *w[0].shape) * np.float32(0.1)])
        return {"weight": w[0]}
    small = np.float32(0.1)
    if isinstance(layer, layers.Dense):
        if draw:
            W, b = (numbers(draw, *w[0].T.shape) * small, numbers(draw, *w[1].shape) * small)
            layer.set_weights([W.T, b])
        return {"W": w[0].T, "b": w[1]}
    size = layer.units
    if draw:
        W, b, U, c = (numbers(draw, *shape) * small for shape in ((3 * size, w[0].shape[0]), (3 * size,), (3 * size, size), (3 * size,)))
        bias = np.stack([gates(b), gates(c)]) if layer.reset_after else gates(b)
        layer.set_weights([gates(W).T, gates(U).T, bias])
    bias = w[2] if layer.reset_after else np.stack([w[2], np.zeros_like(w[2])])
    return {"W": gates(w[0].T), "b": gates(bias[0]), "U": gates(w[1].T), "c": gates(bias[1])}


def case(name: str, model, x: tuple, y: tuple, loss: str, optimizer, seed: int) -> dict:
    """Trains a model. The last of `x` and `y` is the number of tokens or classes where it is negative."""
    draw = mulberry32(seed)
    learned = [layer for layer in model.layers if layer.weights]
    for layer in learned:
        exchange(layer, draw)

    def data(shape: tuple) -> np.ndarray:
        if shape[-1] < 0:
            return np.array([int(draw() * -shape[-1]) for _ in range(int(np.prod(shape[:-1])))]).reshape(shape[:-1])
        return numbers(draw, *shape)

    xs, ys = data((STEPS * ROWS, *x)), data((STEPS * ROWS, *y))
    model.compile(optimizer=optimizer, loss=loss)
    losses = []
    for i in range(STEPS):
        model.reset_metrics()
        at = slice(i * ROWS, (i + 1) * ROWS)
        losses.append(float(model.train_on_batch(xs[at], ys[at].astype(np.float32) if loss == "binary_crossentropy" else ys[at])))
    weights, index = {}, 0
    for layer in learned:
        is_embedding = isinstance(layer, layers.Embedding)
        prefix = "embedding" if is_embedding else f"layers.{index}"
        index += 0 if is_embedding else 1
        for part, values in exchange(layer).items():
            weights[f"{prefix}.{part}"] = [float(f"{v:.9g}") for v in values.ravel()[::KEEP]]
    return {"name": name, "losses": losses, "weights": weights}


def main() -> None:
    forecast = keras.Sequential([layers.Input((None, 1)), layers.GRU(128, return_sequences=True)])
    written = keras.Sequential(
        [layers.Input((None, 4)), layers.GRU(6, return_sequences=True, reset_after=False), layers.Dense(2)]
    )
    classifier = keras.Sequential([layers.Input((LENGTH, 64)), layers.GRU(128), layers.Dense(1, activation="sigmoid")])
    states = keras.Sequential([layers.Input((None, 3)), layers.GRU(32, return_sequences=True), layers.Dense(1)])
    text = keras.Sequential(
        [
            layers.Input((None,)),
            layers.Embedding(40, 16),
            layers.GRU(64, return_sequences=True),
            layers.Dense(40, activation="softmax"),
        ]
    )
    cases = [
        case("forecast", forecast, (LENGTH, 1), (LENGTH, 128), "mse", "adam", 1),
        case("written", written, (LENGTH, 4), (LENGTH, 2), "huber", keras.optimizers.AdamW(0.01, global_clipnorm=0.1), 2),
        case("classifier", classifier, (LENGTH, 64), (1, -2), "binary_crossentropy", "adam", 3),
        case("states", states, (LENGTH, 3), (LENGTH, 1), "mse", keras.optimizers.Adam(0.01, clipnorm=0.1), 4),
        case("text", text, (LENGTH, -40), (LENGTH, -40), "sparse_categorical_crossentropy", "adam", 5),
    ]
    print(json.dumps({"keras": keras.__version__, "backend": keras.backend.backend(), "keep": KEEP, "cases": cases}))


main()
