"""Writes the cases of TensorFlow's files: test/vectors/saved-model/<version of Keras>/<case>/, <case>.json, <case>.npz and index.json.

    pip install "tensorflow-cpu==2.15.*"        # and 2.12.* and 2.21.* (Keras 3), each in an environment of its own: Python 3.11
    python tools/training/conformance/saved_model_cases.py

A case is a SavedModel folder, or a checkpoint of weights (<case>.index and its data), of a model with seeded weights; `<case>.json`
is the text of model.to_json(), for those that hold no configuration; `<case>.npz` has `x` f32[T][I] (tokens i32[T][1]) and `y`
f32[T][O], what Keras answers (f32[1][O] where it returns its last output). Of saved_model.pb only the version and the objects are
kept: the functions are half a megabyte a model, and no reader of weights needs them. `old-layout` has its configurations in
saved_model.pb, as TensorFlow 2.0 to 2.4 wrote them; it is made from what the running version writes.
"""

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import Input, layers
from tensorflow.core.protobuf import saved_model_pb2

VERSION = ".".join(keras.__version__.split(".")[:2])
IS_KERAS3 = VERSION.startswith("3.")
FOLDER = Path(__file__).resolve().parents[3] / "test" / "vectors" / "saved-model" / VERSION
CASES: list[dict] = []


def seed_weights(model) -> None:
    """Gives every weight a random value, positive where it must be."""
    generator = np.random.default_rng(len(CASES))
    for weight in model.weights:
        name = weight.path if IS_KERAS3 else weight.name
        if "seed" in name or "count" in name or "generator" in name.lower():
            continue
        shape = tuple(weight.shape)
        is_positive = any(word in name.split("/")[-1] for word in ("variance", "gamma"))
        value = generator.uniform(0.5, 1.5, shape) if is_positive else generator.normal(0, 0.5, shape)
        weight.assign(value.astype(np.float32))
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # takes the new values over


def shrink(path: Path) -> None:
    """Leaves the version and the objects in saved_model.pb; drops what is written beside it."""
    whole = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    small = saved_model_pb2.SavedModel(saved_model_schema_version=whole.saved_model_schema_version)
    graph = small.meta_graphs.add()
    graph.meta_info_def.tensorflow_version = whole.meta_graphs[0].meta_info_def.tensorflow_version
    graph.object_graph_def.nodes.extend(whole.meta_graphs[0].object_graph_def.nodes)
    (path / "saved_model.pb").write_bytes(small.SerializeToString(deterministic=True))
    (path / "fingerprint.pb").unlink(missing_ok=True)
    shutil.rmtree(path / "assets", ignore_errors=True)


def to_old_layout(path: Path) -> None:
    """Moves the configurations into the objects, where TensorFlow 2.0 to 2.4 had them."""
    from keras.protobuf import saved_metadata_pb2

    metadata = saved_metadata_pb2.SavedMetadata.FromString((path / "keras_metadata.pb").read_bytes())
    model = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    for node in metadata.nodes:
        model.meta_graphs[0].object_graph_def.nodes[node.node_id].user_object.metadata = node.metadata
    (path / "saved_model.pb").write_bytes(model.SerializeToString(deterministic=True))
    (path / "keras_metadata.pb").unlink()


def case(name: str, model, how: str, tokens: int = 0) -> None:
    """Writes one case. `how`: save, old, bare (no configuration), weights (a checkpoint)."""
    seed_weights(model)
    generator = np.random.default_rng(len(CASES))
    steps = model.inputs[0].shape[1] or 24
    if tokens:
        x = generator.integers(0, tokens, (1, steps)).astype(np.int32)
    else:
        x = generator.normal(0, 1, (1, steps, model.inputs[0].shape[-1])).astype(np.float32)
    y = np.asarray(model(x, training=False))
    path = FOLDER / name
    if how == "weights":
        model.save_weights(path)
        (FOLDER / "checkpoint").unlink()
    else:
        if IS_KERAS3:
            model.export(path, verbose=False)
        elif how == "bare":
            tf.saved_model.save(model, str(path))
        else:
            model.save(path, save_format="tf")
        shrink(path)
        if how == "old":
            to_old_layout(path)
    if how in ("bare", "weights"):
        (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
    np.savez(FOLDER / f"{name}.npz", x=x[0][:, None] if tokens else x[0], y=y.reshape(-1, y.shape[-1]))
    CASES.append({"name": name, "how": how})


def gru(units: int, **options):
    """A GRU that returns sequences unless told otherwise."""
    return layers.GRU(units, **({"return_sequences": True} | options))


def functional():
    """A functional model, trained for a few steps: a normalisation, a model inside of it, a wrapper, an optimizer."""
    x = Input((None, 3), name="sensor")
    inner = keras.Sequential([Input((None, 4)), gru(5, name="deep"), layers.Dense(3, "tanh", name="mid")], name="inner")
    h = gru(4, name="first", reset_after=False, dropout=0.1)(layers.Normalization(name="norm")(x))
    h = inner(layers.BatchNormalization(name="bn")(h))
    model = keras.Model(x, layers.TimeDistributed(layers.Dense(2, "sigmoid"), name="td")(h))
    model.compile("adam", "mse")
    model.fit(np.ones((4, 5, 3), np.float32), np.ones((4, 5, 2), np.float32), verbose=0)
    return model


def text():
    """Tokens, cells in an RNN, a last output."""
    cell = layers.RNN(layers.GRUCell(4), return_sequences=True)
    last = gru(4, return_sequences=False)
    return keras.Sequential([Input((12,)), layers.Embedding(9, 4), cell, last, layers.Dropout(0.1), layers.Dense(2)])


def stateful():
    """A layer that keeps its state, which is a variable, too."""
    return keras.Sequential([Input(batch_shape=(1, None, 3)), gru(4, stateful=True), layers.Dense(2)])


def lstm():
    """No GRU chain."""
    return keras.Sequential([Input((None, 3)), layers.LSTM(2, return_sequences=True)])


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    case("functional-bare", functional(), "bare")
    case("text-bare", text(), "bare", tokens=9)
    if not IS_KERAS3:
        case("functional", functional(), "save")
        case("text", text(), "save", tokens=9)
        case("stateful", stateful(), "save")
        case("old-layout", functional(), "old")
        case("weights", functional(), "weights")
        case("lstm", lstm(), "save")
    index = {"versions": {"keras": keras.__version__, "tensorflow": tf.__version__}, "cases": CASES}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=2) + "\n")
