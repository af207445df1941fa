"""Writes the cases of `--map flax|linen|haiku|mlx`: test/vectors/jax/<case>-weights.npz, <case>.npz and index.json.

    pip install flax==0.12.8 dm-haiku==0.0.17 jax==0.10.2 numpy
    JAX_PLATFORMS=cpu python tools/training/conformance/jax_cases.py

A case is a GRU cell and a linear layer with random weights as the framework names them, and the answers of the framework itself from a
state of zeros, `inputs` f32[T][I] and `outputs` f32[T][O]. MLX runs on few machines: its case is computed by the equations of its
documentation (https://ml-explore.github.io/mlx/build/html/python/nn/_autosummary/mlx.nn.GRU.html) in NumPy.
"""

import json
from pathlib import Path

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from flax import linen, nnx
from flax.traverse_util import flatten_dict

FOLDER = Path(__file__).resolve().parents[3] / "test" / "vectors" / "jax"
INPUTS, UNITS, OUTPUTS, STEPS = 3, 5, 2, 40
GENERATOR = np.random.default_rng(5)
CASES = []


def drawn(tree):
    """Random values in the shapes of a tree of parameters, biases as large as the rest."""
    return jax.tree.map(lambda leaf: jnp.asarray(GENERATOR.normal(0, 0.6, leaf.shape), jnp.float32), tree)


def case(name: str, weights: dict, step) -> None:
    """Writes one case; `step(h, x)` gives the new state and the answer."""
    inputs = GENERATOR.normal(0, 1, (STEPS, INPUTS)).astype(np.float32)
    h = jnp.zeros((1, UNITS))
    outputs = []
    for x in inputs:
        h, y = step(h, x[None])
        outputs.append(np.asarray(y)[0])
    np.savez(FOLDER / f"{name}-weights.npz", **{key: np.asarray(value, np.float32) for key, value in weights.items()})
    np.savez(FOLDER / f"{name}.npz", inputs=inputs, outputs=np.stack(outputs).astype(np.float32))
    CASES.append(name)


class Linen(linen.Module):
    """GRUCell and Dense of flax.linen."""

    @linen.compact
    def __call__(self, h, x):
        h, out = linen.GRUCell(UNITS, name="gru")(h, x)
        return h, linen.Dense(OUTPUTS, name="head")(out)


class Nnx(nnx.Module):
    """GRUCell and Linear of flax.nnx."""

    def __init__(self, rngs):
        self.gru = nnx.GRUCell(INPUTS, UNITS, rngs=rngs)
        self.head = nnx.Linear(UNITS, OUTPUTS, rngs=rngs)

    def __call__(self, h, x):
        h, out = self.gru(h, x)
        return h, self.head(out)


def haiku_step(x, h):
    out, h = hk.GRU(UNITS)(x, h)
    return hk.Linear(OUTPUTS)(out), h


def mlx_step(w):
    """mlx.nn.GRU: rows r, z, n; the recurrent bias is that of the candidate."""

    def step(h, x):
        gates, recurrent = x @ w["gru.Wx"].T + w["gru.b"], h @ w["gru.Wh"].T
        r, z = (jax.nn.sigmoid(gates[:, at : at + UNITS] + recurrent[:, at : at + UNITS]) for at in (0, UNITS))
        n = jnp.tanh(gates[:, 2 * UNITS :] + r * (recurrent[:, 2 * UNITS :] + w["gru.bhn"]))
        h = (1 - z) * n + z * h
        return h, h @ w["head.weight"].T + w["head.bias"]

    return step


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    x, h, key = jnp.zeros((1, INPUTS)), jnp.zeros((1, UNITS)), jax.random.key(0)
    model = Linen()
    params = drawn(model.init(key, h, x))
    case("linen", flatten_dict(params, sep="/"), lambda h, x: model.apply(params, h, x))
    module = Nnx(nnx.Rngs(0))
    nnx.update(module, drawn(nnx.state(module, nnx.Param)))
    flat = {".".join(path): value for path, value in flatten_dict(nnx.to_pure_dict(nnx.state(module, nnx.Param))).items()}
    case("flax", flat, module)
    network = hk.without_apply_rng(hk.transform(haiku_step))
    tree = drawn(network.init(key, x, h))
    case("haiku", flatten_dict(dict(tree), sep="/"), lambda h, x: network.apply(tree, x, h)[::-1])
    shapes = {"gru.Wx": (3 * UNITS, INPUTS), "gru.Wh": (3 * UNITS, UNITS), "gru.b": (3 * UNITS,), "gru.bhn": (UNITS,)}
    shapes |= {"head.weight": (OUTPUTS, UNITS), "head.bias": (OUTPUTS,)}
    weights = {name: jnp.asarray(GENERATOR.normal(0, 0.6, shape), jnp.float32) for name, shape in shapes.items()}
    case("mlx", weights, mlx_step(weights))
    (FOLDER / "index.json").write_text(json.dumps({"jax": jax.__version__, "cases": CASES}, indent=1) + "\n")


if __name__ == "__main__":
    main()
