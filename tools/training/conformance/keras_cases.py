"""Writes the conformance cases of the Keras reader: test/vectors/keras/<case>.{keras,h5,weights.h5,json,npz} and index.json.

    pip install keras==3.15.1 torch==2.13.0 h5py==3.14.0 numpy==2.4.6
    KERAS_BACKEND=torch python tools/training/conformance/keras_cases.py

A case is a model as Keras saves it, with seeded weights, and `<case>.npz` with `x` f32[T][I] (tokens i32[T][1]) and
`y` f32[T][O], the outputs of Keras itself. Where a model returns only its last output, `y` is f32[1][O]. The tutorial
cases are the models of five tutorials about GRUs; their weights are multiples of 1/64 so that the repository packs them
well. `legacy-keras2.h5` has the layout of Keras 2, written by `save_keras2` with h5py from the weights of the running model.
"""

import json
import os
import re
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")

import h5py
import keras
import numpy as np
from keras import Input, layers

FOLDER = Path(__file__).resolve().parents[3] / "test" / "vectors" / "keras"
CASES: list[dict] = []


def sequential(*parts):
    """Returns a Sequential model of the given layers."""
    return keras.Sequential(list(parts))


def seed_weights(model, generator, coarse: bool) -> None:
    """Gives every weight a random value: variances and BatchNormalization's gamma positive, biases as large as the kernels."""
    for weight in model.weights:
        if "seed" in weight.path or "count" in weight.path:
            continue
        shape = tuple(weight.shape)
        if weight.path.endswith("variance"):
            value = generator.uniform(0.3, 2, shape)
        elif weight.path.endswith("gamma"):
            value = generator.uniform(0.5, 1.5, shape) * np.where(np.arange(shape[0]) % 4 == 3, -1, 1)
        else:
            is_kernel = len(shape) == 2 and shape[0] > 2
            value = generator.normal(0, 1 / np.sqrt(max(shape[0], 4)) if is_kernel else 0.5, shape)
        if coarse:
            value = np.round(value * 64) / 64
        weight.assign(value.astype(np.float32))


def shrink(path: Path) -> None:
    """Packs a `.keras` file, and fixes its dates and object ids so that the same model gives the same bytes."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(parts["metadata.json"]) | {"date_saved": "2026-01-01@00:00:00"}
    parts["metadata.json"] = json.dumps(metadata).encode()
    ids: dict[bytes, bytes] = {}  # addresses in memory
    parts["config.json"] = re.sub(
        rb'(?<="shared_object_id": )\d+', lambda match: ids.setdefault(match[0], b"%d" % len(ids)), parts["config.json"]
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def with_dtype(config: dict, dtype: str) -> dict:
    """Returns the configuration of a Sequential model with another dtype for every layer but the input."""
    changes = {"dtype": dtype, "recurrent_initializer": "zeros"}  # the default initializer cannot make half floats

    def change(layer):
        known = {key: value for key, value in changes.items() if key in layer["config"]}
        return layer if layer["class_name"] == "InputLayer" else layer | {"config": layer["config"] | known}

    chain = [change(layer) for layer in config["layers"]]
    return config | {"layers": chain}


def save_keras2(model, path: Path) -> None:
    """Writes a Sequential model in the HDF5 layout of Keras 2.9: byte strings, `:0`, batch_input_shape, time_major."""
    configs = []
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights")
        for layer in model.layers:
            config = {k: v for k, v in layer.get_config().items() if not k.endswith(("dtype", "initializer", "regularizer"))}
            if layer.__class__.__name__ == "GRU":
                config |= {"time_major": False, "implementation": 2}
            if layer is model.layers[0]:
                config["batch_input_shape"] = [None, None, model.input_shape[-1]]
            configs.append({"class_name": layer.__class__.__name__, "config": config})
            cell = "/gru_cell_3" if layer.__class__.__name__ == "GRU" else ""
            names = [f"{layer.name}{cell}/{weight.name}:0" for weight in layer.weights]
            below = group.create_group(layer.name)
            below.attrs["weight_names"] = np.array([name.encode() for name in names], dtype="S64")
            for name, weight in zip(names, layer.weights):
                below.create_dataset(name, data=keras.ops.convert_to_numpy(weight))
        group.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers], dtype="S64")
        first = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, None, model.input_shape[-1]], "name": "input_1"}}
        text = json.dumps({"class_name": "Sequential", "config": {"name": "sequential", "layers": [first, *configs]}})
        file.attrs["model_config"] = text.encode()
        file.attrs["keras_version"] = b"2.9.0"
        file.attrs["backend"] = b"tensorflow"


def case(
    name: str,
    model,
    steps: int = 24,
    to: str = "keras",
    tokens: int = 0,
    coarse: bool = False,
    call=None,
    mean=0.0,
    deviation=1.0,
) -> None:
    """Writes one case; `call` gives the outputs where the model has more than one input or output."""
    seed = len(CASES)
    generator = np.random.default_rng(seed)
    seed_weights(model, generator, coarse)
    shape = model.inputs[0].shape
    steps = shape[1] or steps
    if tokens:
        x = generator.integers(0, tokens, (1, steps))
    else:
        x = generator.normal(mean, deviation, (1, steps, shape[-1])).astype(np.float32)
    y = keras.ops.convert_to_numpy(call(model, x) if call else model(x, training=False))
    path = FOLDER / f"{name}.{to}"
    if to == "keras":
        model.save(path)
        shrink(path)
    elif to in ("float16.keras", "bfloat16.keras"):
        path = FOLDER / f"{name}.keras"
        narrow = keras.Sequential.from_config(with_dtype(model.get_config(), name))
        narrow.set_weights(model.get_weights())
        narrow.save(path)
        shrink(path)
    elif to == "keras2.h5":
        path = FOLDER / f"{name}.h5"
        save_keras2(model, path)
    elif to == "h5":
        model.save(path)
    else:
        model.save_weights(path)
        (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
    x = x[0].astype(np.int32)[:, None] if tokens else x[0]
    y = y.reshape(-1, y.shape[-1])
    np.savez(FOLDER / f"{name}.npz", x=x, y=y)
    CASES.append({"name": name, "file": path.name, "steps": steps})


def tutorials() -> None:
    """The models of the five tutorials (that of PyTorch is a case of the PyTorch reader)."""
    case("tutorial-1-forecast", sequential(Input((None, 1)), layers.GRU(128, return_sequences=True)), 8, coarse=True)
    classifier = sequential(Input((10, 64)), layers.GRU(128), layers.Dense(1, activation="sigmoid"))
    case("tutorial-3-classifier", classifier, coarse=True)
    x = Input((None, 3))
    sequence, _state = layers.GRU(32, return_sequences=True, return_state=True)(x)
    case("tutorial-4-states", keras.Model(x, layers.Dense(1)(sequence)), coarse=True)
    text = sequential(
        Input((None,)), layers.Embedding(40, 16), layers.GRU(64, return_sequences=True), layers.Dense(40, activation="softmax")
    )
    case("tutorial-5-text", text, tokens=40, coarse=True)


def gru_options() -> None:
    """The options of GRU layers and cells."""
    for reset_after in (True, False):
        for use_bias in (True, False):
            name = f"reset-{'after' if reset_after else 'before'}{'' if use_bias else '-no-bias'}"
            gru = layers.GRU(6, return_sequences=True, reset_after=reset_after, use_bias=use_bias)
            case(name, sequential(Input((None, 3)), gru))
            cell = layers.RNN(layers.GRUCell(5, reset_after=reset_after, use_bias=use_bias), return_sequences=True)
            case(f"cell-{name}", sequential(Input((None, 3)), cell, layers.Dense(2)))
    stacked = [layers.GRU(6, return_sequences=True, name="encoder"), layers.GRU(4, return_sequences=True, name="another")]
    case("stacked-names", sequential(Input((None, 3)), *stacked, layers.Dense(3, name="dense_1"), layers.Dense(2, name="dense")))
    stateful = layers.GRU(5, return_sequences=True, stateful=True, unroll=False)
    case("stateful", sequential(Input(batch_shape=(1, None, 2)), stateful, layers.Dense(1)))
    case("last-of-two", sequential(Input((12, 2)), layers.GRU(5, return_sequences=True), layers.GRU(4), layers.Dense(3, "softmax")))
    for dtype in ("float16", "bfloat16"):
        model = sequential(Input((None, 2)), layers.GRU(5, return_sequences=True), layers.Dense(2))
        case(dtype, model, coarse=True, to=f"{dtype}.keras")


def other_layers() -> None:
    """The layers around a GRU."""
    gru = {"return_sequences": True}
    adapted = layers.Normalization()
    case("normalization", sequential(Input((None, 3)), adapted, layers.GRU(5, **gru), layers.Dense(2)))
    fixed = layers.Normalization(mean=[1000.0, -3.0], variance=[4.0, 0.25])
    inverse = layers.Normalization(mean=[20.0, 2.0], variance=[9.0, 0.01], invert=True)
    model = sequential(Input((None, 2)), fixed, layers.GRU(5, **gru), layers.Dense(2), inverse)
    case("normalization-fixed", model, mean=(1000.0, -3.0), deviation=(2.0, 0.5))
    norm = layers.BatchNormalization
    case("batch-norm-first", sequential(Input((None, 4)), norm(), layers.GRU(5, **gru), layers.Dense(2)))
    case("batch-norm-between", sequential(Input((None, 3)), layers.GRU(5, **gru), norm(), layers.GRU(4, **gru), norm(scale=False), layers.Dense(2)))
    case("batch-norm-last", sequential(Input((None, 3)), layers.GRU(5, **gru), norm(epsilon=0.1)))
    case("batch-norm-dense", sequential(Input((None, 3)), layers.GRU(5, **gru), layers.Dense(4), norm(center=False), layers.ReLU(), norm()))
    case("batch-norm-output", sequential(Input((None, 3)), layers.GRU(5, **gru), layers.Dense(3), norm()))
    case("embedding-batch-norm", sequential(Input((None,)), layers.Embedding(9, 4), norm(), layers.GRU(5, **gru)), tokens=9)
    timed = layers.TimeDistributed(layers.Dense(3, activation="tanh"))
    case("time-distributed", sequential(Input((None, 3)), layers.GRU(5, **gru), timed, layers.Dropout(0.2), layers.Dense(2)))
    activations = [layers.Activation("relu"), layers.Dense(3, use_bias=False), layers.Activation("sigmoid"), layers.Softmax()]
    case("activations", sequential(Input((None, 3)), layers.GRU(5, **gru), *activations))
    case("dense-first", sequential(Input((None, 3)), layers.Dense(6, "relu"), layers.GRU(5, **gru), layers.Dense(2)))


def functional() -> None:
    """Functional models that are a chain."""
    x = Input((None, 3), name="sensor")
    h = layers.Dropout(0.1)(layers.GRU(5, return_sequences=True)(layers.BatchNormalization()(x)))
    case("functional", keras.Model(x, layers.TimeDistributed(layers.Dense(2))(h)))
    x, state = Input((None, 3)), Input((5,))
    sequence, last = layers.GRU(5, return_sequences=True, return_state=True)(x, initial_state=state)
    model = keras.Model([x, state], [layers.Dense(2)(sequence), last])
    case("functional-state", model, call=lambda m, x: m([x, np.zeros((1, 5), np.float32)], training=False)[0])
    x = Input((8, 3))
    _sequence, last = layers.GRU(5, return_sequences=True, return_state=True)(x)
    case("functional-last-state", keras.Model(x, layers.Dense(2)(last)))


def other_files() -> None:
    """Files other than `.keras`."""

    def model():
        return sequential(
            Input((None, 3)),
            layers.BatchNormalization(name="norm"),
            layers.GRU(5, return_sequences=True, name="one"),
            layers.GRU(4, return_sequences=True, reset_after=False, name="two"),
            layers.Dense(2, name="head"),
        )

    case("legacy", model(), to="h5")
    case("legacy-keras2", model(), to="keras2.h5")
    case("weights", model(), to="weights.h5")
    timed = layers.TimeDistributed(layers.Dense(2))
    case("legacy-cell", sequential(Input((None, 3)), layers.RNN(layers.GRUCell(4), return_sequences=True), timed), to="h5")
    for name, to in (("tiny", "h5"), ("tiny-weights", "weights.h5")):  # the smallest files, for fuzzing
        case(name, sequential(Input((None, 1)), layers.GRU(2, return_sequences=True, name="gru")), to=to)


def wild() -> None:
    """What people's models have beside plain chains."""
    gru = {"return_sequences": True}
    inside = sequential(layers.GRU(5, **gru), sequential(layers.Dense(4, "relu")))
    for name, to in (("nested", "keras"), ("nested-legacy", "h5")):
        cells = layers.StackedRNNCells([layers.GRUCell(4), layers.GRUCell(3, reset_after=False), layers.GRUCell(3)])
        model = sequential(Input((None, 3)), inside, layers.RNN(cells, **gru), layers.Dense(2))
        case(name, model, to=to)
        inside = sequential(layers.GRU(5, **gru), sequential(layers.Dense(4, "relu")))
    x = Input((12, 3))
    last = layers.GRU(5, **gru)(layers.Rescaling([0.5, 2.0, 1.0], offset=[-1.0, 0.0, 3.0])(x))[:, -1]
    case("last-by-slice", keras.Model(x, layers.Dense(2)(last)))
    case("flatten-after-last", sequential(Input((12, 3)), layers.Rescaling(0.1), layers.GRU(5), layers.Flatten(), layers.Dense(2)))
    functions = ["gelu", "silu", "softplus", "elu", "leaky_relu", "relu6", "hard_tanh"]
    parts = [layers.Dense(5, name) for name in functions]
    case("functions", sequential(Input((None, 3)), layers.GRU(5, **gru), *parts, layers.Dense(3)))
    parts = [layers.LeakyReLU(0.4), layers.Dense(6), layers.PReLU(shared_axes=[1]), layers.Dense(6), layers.ELU(0.7), layers.ReLU(negative_slope=0.1)]
    case("function-layers", sequential(Input((None, 3)), layers.GRU(5, **gru), *parts, layers.Dense(4), layers.ReLU(max_value=1.5)))
    with_policy = [layers.GRU(5, dtype="mixed_float16", **gru), layers.Dense(2, dtype="float32")]
    case("mixed-float16", sequential(Input((None, 3)), *with_policy))


def windows() -> None:
    """windows.keras, a forecaster of the usual shape that reads windows of 24 steps, and what it answers to 96 samples.

    `windows.npz`: `x` f32[96][2]; `sliding` f32[73][1], its answer to each window of 24 samples in a row; `steps`
    f32[96][1], its output at every step of the four windows that follow each other.
    """
    generator = np.random.default_rng(24)
    model = sequential(Input((24, 2)), layers.GRU(32), layers.Dense(1))
    seed_weights(model, generator, coarse=True)
    every = sequential(Input((24, 2)), layers.GRU(32, return_sequences=True), layers.Dense(1))
    every.set_weights(model.get_weights())
    x = generator.normal(0, 1, (96, 2)).astype(np.float32)
    sliding = model(np.stack([x[k : k + 24] for k in range(73)]), training=False)
    steps = every(x.reshape(4, 24, 2), training=False)
    model.save(FOLDER / "windows.keras")
    shrink(FOLDER / "windows.keras")
    sliding, steps = (keras.ops.convert_to_numpy(y).reshape(-1, 1) for y in (sliding, steps))
    np.savez(FOLDER / "windows.npz", x=x, sliding=sliding, steps=steps)


def hard() -> None:
    """Gates and activations that are straight between their ends."""
    gru = {"return_sequences": True, "recurrent_activation": "hard_sigmoid"}
    cells = [layers.GRU(5, reset_after=after, **gru) for after in (True, False)]
    parts = [layers.Dense(5, "hard_sigmoid"), layers.Dense(4, "hard_silu"), layers.Dense(2)]
    case("hard", sequential(Input((None, 3)), *cells, *parts))


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    tutorials()
    gru_options()
    other_layers()
    functional()
    other_files()
    wild()
    windows()
    hard()
    versions = {"keras": keras.__version__, "backend": keras.backend.backend(), "h5py": h5py.__version__}
    (FOLDER / "index.json").write_text(json.dumps({"versions": versions, "cases": CASES}, indent=2) + "\n")
