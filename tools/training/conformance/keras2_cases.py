"""Writes the cases of Keras 2: test/vectors/keras2/<version>/<case>.{h5,keras,weights.h5,json,npz} and index.json.

    pip install "tensorflow-cpu==2.15.*"        # and "tensorflow-cpu==2.12.*" in another environment: Python 3.11
    python tools/training/conformance/keras2_cases.py

The folder is that of the running Keras, so that each version has its own. A case is a model as Keras saves it, with seeded weights,
and `<case>.npz` with `x` f32[T][I] (tokens i32[T][1]) and `y` f32[T][O], the outputs of Keras itself (f32[1][O] where the model
returns its last output only). Cases whose name starts with `hard` have gates that are not a sigmoid.
"""

import json
import os
import re
import warnings
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore")

import h5py
import keras
import numpy as np
from keras import Input, layers

VERSION = ".".join(keras.__version__.split(".")[:2])
FOLDER = Path(__file__).resolve().parents[3] / "test" / "vectors" / "keras2" / VERSION
CASES: list[dict] = []


def repack(path: Path) -> None:
    """Packs a `.keras` file, and fixes its dates and object ids so that the same model gives the same bytes."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    parts["metadata.json"] = json.dumps(json.loads(parts["metadata.json"]) | {"date_saved": "2026-01-01@00:00:00"}).encode()
    ids: dict[bytes, bytes] = {}  # addresses in memory
    numbered = lambda match: ids.setdefault(match[0], b"%d" % len(ids))
    parts["config.json"] = re.sub(rb'(?<="shared_object_id": )\d+', numbered, parts["config.json"])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def case(name: str, model, to: str, steps: int = 24, tokens: int = 0) -> None:
    """Writes one case."""
    generator = np.random.default_rng(len(CASES))
    for weight in model.weights:
        shape = tuple(weight.shape)
        value = generator.normal(0, 0.5, shape)
        if weight.name.split("/")[-1].startswith(("gamma", "moving_variance")):
            value = generator.uniform(0.5, 1.5, shape)
        if weight.dtype.is_floating:
            weight.assign(value.astype(np.float32))
    shape = model.inputs[0].shape
    steps = shape[1] or steps
    if tokens:
        x = generator.integers(0, tokens, (1, steps)).astype(np.int32)
    else:
        x = generator.normal(0, 1, (1, steps, shape[-1])).astype(np.float32)
    y = np.asarray(model(x, training=False))
    path = FOLDER / f"{name}.{to}"
    if to == "weights.h5":
        model.save_weights(path)
        (FOLDER / f"{name}.json").write_text(model.to_json() + "\n")
    elif to in ("h5", "hdf5.keras"):
        model.save(path, include_optimizer=False)
    else:
        model.save(path, save_format="keras_v3" if VERSION == "2.12" else "keras")
        repack(path)
    np.savez(FOLDER / f"{name}.npz", x=x[0][:, None] if tokens else x[0], y=y.reshape(-1, y.shape[-1]))
    CASES.append({"name": name, "file": path.name, "steps": steps})


def gru(units: int = 4, **options):
    """A GRU that returns sequences unless told otherwise."""
    return layers.GRU(units, **({"return_sequences": True} | options))


def models(to: str, suffix: str) -> None:
    """The same models in one kind of file."""
    for reset_after in (True, False):
        for use_bias in (True, False):
            name = f"reset-{'after' if reset_after else 'before'}{'' if use_bias else '-no-bias'}{suffix}"
            options = {"reset_after": reset_after, "use_bias": use_bias}
            case(name, keras.Sequential([Input((None, 3)), gru(**options), layers.Dense(2)]), to)
    last = [Input((10, 2)), gru(), gru(3, return_sequences=False), layers.Dropout(0.1), layers.Dense(1, "sigmoid")]
    case(f"last{suffix}", keras.Sequential(last), to)
    text = [Input((None,)), layers.Embedding(9, 4), gru(), layers.TimeDistributed(layers.Dense(9, "softmax"))]
    case(f"text{suffix}", keras.Sequential(text), to, tokens=9)
    cell = layers.RNN(layers.GRUCell(4), return_sequences=True)
    case(f"cell{suffix}", keras.Sequential([Input((None, 3)), cell, layers.Activation("relu"), layers.Dense(2)]), to)
    x = Input((None, 3), name="sensor")
    h = gru(name="second")(gru(5, name="first")(layers.BatchNormalization()(x)))
    case(f"functional{suffix}", keras.Model(x, layers.Dense(2, name="z")(layers.Dense(3, "tanh", name="a")(h))), to)
    x = Input((None, 3))
    sequence, _state = gru(return_state=True, stateful=False)(x)
    case(f"states{suffix}", keras.Model(x, layers.Dense(1)(sequence)), to)
    hard = gru(recurrent_activation="hard_sigmoid", reset_after=False)
    case(f"hard{suffix}", keras.Sequential([Input((None, 3)), hard]), to)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    models("h5", "-h5")
    models("keras", "")
    case("tiny", keras.Sequential([Input((None, 1)), gru(2)]), "h5")
    if VERSION == "2.12":  # writes HDF5 under the name of the new format unless told otherwise
        case("extension", keras.Sequential([Input((None, 1)), gru(2)]), "hdf5.keras")
    weights = [Input((None, 3)), gru(name="one"), gru(5, reset_after=False, name="two"), layers.Dense(2, name="head")]
    case("weights", keras.Sequential(weights), "weights.h5")
    index = {"versions": {"keras": keras.__version__, "h5py": h5py.__version__}, "cases": CASES}
    (FOLDER / "index.json").write_text(json.dumps(index, indent=2) + "\n")
