"""Writes the conformance cases of the PyTorch reader: test/vectors/pytorch/<case>.pt or .safetensors, <case>.npz and index.json.

    pip install -r tools/training/requirements.txt
    python tools/training/conformance/pytorch.py

A case is a state dict as a training script saves it, and the samples and answers of PyTorch in single precision from a zero
state, `inputs` f32[T][I] (or tokens) and `outputs` f32[T][O]. The index holds the arguments of `rivulet convert` that tell what
a state dict does not, and the text of a map where the case has one.
"""

import argparse
import copy
import datetime
import enum
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file, save_model
from torch import nn
from torch.nn.utils import prune

FOLDER = Path(__file__).resolve().parents[3] / "test" / "vectors" / "pytorch"
STEPS = 40


class Stack(nn.Module):
    """Runs named layers one after the other over [T][1][...]; a GRU gives its sequence, a head its activation."""

    def __init__(self, layers: dict, activations: dict | None = None):
        super().__init__()
        self.order = list(layers)
        self.activations = activations or {}
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x):
        for name in self.order:
            x = getattr(self, name)(x)
            x = x[0] if isinstance(x, tuple) else x
            x = self.activations.get(name, lambda value: value)(x)
        return x


class Steps(nn.Module):
    """Runs a cell over the time axis. The cell stands under the name `cell`."""

    def __init__(self, cell: nn.Module, size: int):
        super().__init__()
        self.cell = cell
        self.size = size

    def forward(self, x):
        h = torch.zeros(x.shape[1], self.size)
        states = []
        for sample in x:
            h = self.cell(sample, h)
            states.append(h)
        return torch.stack(states)


class TutorialGRU(nn.Module):
    """The GRU class of the tutorial: three linear layers over [h, x]; the update gate weighs the candidate."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.hidden_size = hidden_size
        self.wz = nn.Linear(input_size + hidden_size, hidden_size)
        self.wr = nn.Linear(input_size + hidden_size, hidden_size)
        self.w = nn.Linear(input_size + hidden_size, hidden_size)

    def step(self, x, h):
        both = torch.cat((h, x), 1)
        z = torch.sigmoid(self.wz(both))
        r = torch.sigmoid(self.wr(both))
        n = torch.tanh(self.w(torch.cat((r * h, x), 1)))
        return (1 - z) * h + z * n

    def forward(self, x):
        h = torch.zeros(x.shape[1], self.hidden_size)
        states = []
        for sample in x:
            h = self.step(sample, h)
            states.append(h)
        return torch.stack(states)


class Written(nn.Module):
    """A cell with parameters W, U, b of stacked gates, as `equations` says."""

    def __init__(self, inputs: int, size: int, gates: str, equations):
        super().__init__()
        self.W = nn.Parameter(0.6 * torch.randn(inputs, len(gates) * size))
        self.U = nn.Parameter(0.4 * torch.randn(size, len(gates) * size))
        self.b = nn.Parameter(0.3 * torch.randn(len(gates) * size))
        self.gates = gates
        self.equations = equations

    def forward(self, x, h):
        def part(gate, state=h):
            size = h.shape[1]
            rows = slice(self.gates.index(gate) * size, (self.gates.index(gate) + 1) * size)
            return x @ self.W[:, rows] + state @ self.U[:, rows] + self.b[rows]

        return self.equations(part, h)


def keep_old(part, h):
    """Order z, r, n; reset-before; z weighs the state."""
    z, r = torch.sigmoid(part("z")), torch.sigmoid(part("r"))
    return z * h + (1 - z) * torch.tanh(part("n", r * h))


def forget(part, h):
    """h' = f h + (1 - f) tanh(W x + U h + b)."""
    f = torch.sigmoid(part("z"))
    return f * h + (1 - f) * torch.tanh(part("n"))


def plain(part, _):
    """h' = tanh(W x + U h + b)."""
    return torch.tanh(part("n"))


class XhCell(nn.Module):
    """Three bias-free linear layers over [x, h], names of their own; the update gate weighs the candidate."""

    def __init__(self, inputs: int, size: int):
        super().__init__()
        self.update = nn.Linear(inputs + size, size, bias=False)
        self.reset = nn.Linear(inputs + size, size, bias=False)
        self.candidate = nn.Linear(inputs + size, size)

    def forward(self, x, h):
        z = torch.sigmoid(self.update(torch.cat((x, h), 1)))
        r = torch.sigmoid(self.reset(torch.cat((x, h), 1)))
        return (1 - z) * h + z * torch.tanh(self.candidate(torch.cat((x, r * h), 1)))


def weight_norm(module: nn.Module, name: str, dim: int | None = 0) -> nn.Module:
    """Parametrizes a weight, with a magnitude of its own."""
    torch.nn.utils.parametrizations.weight_norm(module, name, dim)
    parametrization = getattr(module.parametrizations, name)
    with torch.no_grad():
        parametrization.original0.mul_(1.3)
    return module


def stacked_map(order: str, reset: str, update: str) -> str:
    gru = f"order: {order}, reset: {reset}, update: {update}, transpose: true, W: cell.W, U: cell.U, b: cell.b"
    return f"layers:\n  - gru: {{ {gru} }}\n"


XH_MAP = """# A cell over [x, h].
layers:
  - gru:
      reset: before
      update: candidate
      concat: xh
      r: { weight: cell.reset.weight }
      z: { weight: cell.update.weight }
      n: { weight: cell.candidate.weight, b: cell.candidate.bias }
"""

FORECAST_MAP = """layers:
  - gru: { order: rzn, reset: after, update: state, W: gru.weight_ih_l0, U: gru.weight_hh_l0, b: gru.bias_ih_l0, c: gru.bias_hh_l0 }
  - dense: { W: fc.weight, b: fc.bias, activation: linear }
input: { offset: [2, -1], scale: [0.5, 2] }
output: { offset: [10], scale: [4] }
"""


class Scaled(Stack):
    """Normalises its input and scales its output with constants of the script."""

    def forward(self, x):
        return 4 * super().forward((x - torch.tensor([2.0, -1.0])) * torch.tensor([0.5, 2.0])) + 10


def softmax(x):
    return torch.softmax(x, -1)


class Trial(enum.Enum):
    """A choice of a training script, which its checkpoint keeps."""

    FIRST = "first"


def normed_head() -> nn.Module:
    """A BatchNorm1d between GRU and head, with statistics as after a training."""
    norm = nn.BatchNorm1d(6)
    with torch.no_grad():
        for weight, low, high in ((norm.weight, -1.5, 1.5), (norm.bias, -1, 1), (norm.running_mean, -1, 1), (norm.running_var, 0.3, 2)):
            weight.uniform_(low, high)
    return Stack({"gru": nn.GRU(3, 6), "bn": Columns(norm), "fc": nn.Linear(6, 4)}, {"bn": torch.relu})


class Columns(nn.Module):
    """Applies a BatchNorm1d to [T][1][C]; its weights stand under the name of this module."""

    def __init__(self, norm: nn.BatchNorm1d):
        super().__init__()
        self.norm = norm

    def forward(self, x):
        return self.norm(x[:, 0])[:, None]


def wild_cases():
    """What people's files have beside plain state dicts."""
    between = Stack({"gru": nn.GRU(1, 8), "fc": nn.Linear(8, 1)}, {"gru": torch.relu})
    yield "relu-between", between, 1, "safetensors", ["--layers", "gru,relu,fc", "--activation", "fc=linear"], None
    yield "batch-norm", normed_head(), 3, "pt", ["--activation", "gru=linear", "bn.norm=relu", "fc=linear"], None
    pruned = Stack({"gru": nn.GRU(2, 6), "fc": nn.Linear(6, 2)})
    yield "pruned", pruned, 2, "pruned", ["--layers", "gru,fc", "--activation", "gru=linear", "fc=linear"], None
    tied = Stack({"emb": nn.Embedding(9, 5), "gru": nn.GRU(5, 5), "out": nn.Linear(5, 9, bias=False)})
    tied.out.weight = tied.emb.weight
    yield "tied", tied, "tokens 9", "tied", ["--activation", "emb=linear", "gru=linear", "out=linear"], None
    head = {"gru": nn.GRU(3, 4), "fc": nn.Linear(4, 2)}
    yield "trainer", Stack(head), 3, "trainer", ["--activation", "gru=linear", "fc=linear"], None
    yield "two-dictionaries", Stack(head), 3, "two", ["--weights", "ema", "--activation", "gru=linear", "fc=linear"], None
    functions = {"gelu": nn.GELU(), "gelu_tanh": nn.GELU("tanh"), "silu": nn.SiLU(), "softplus": nn.Softplus(), "relu6": nn.ReLU6()}
    functions |= {"leaky_relu:0.2": nn.LeakyReLU(0.2), "elu:0.5": nn.ELU(0.5), "hardtanh:-0.25:0.5": nn.Hardtanh(-0.25, 0.5)}
    for name, function in functions.items():
        both = Stack({"gru": nn.GRU(2, 5), "fc": nn.Linear(5, 6)}, {"gru": function, "fc": function})
        nn.init.normal_(both.fc.weight, 0, 3)
        options = ["--layers", "gru,fc", "--activation", f"gru={name}", f"fc={name}"]
        yield f"function-{name.split(':')[0]}", both, 2, "pt", options, None
    slopes = Stack({"gru": nn.GRU(2, 5), "act": nn.PReLU(init=-0.3), "fc": nn.Linear(5, 3)})
    yield "prelu", slopes, 2, "pt", ["--layers", "gru,act,fc", "--activation", "fc=linear"], None
    yield "exported", Stack(head, {"gru": torch.relu, "fc": torch.sigmoid}), 3, "pt2", [], None
    yield "map-npz", Scaled({"gru": nn.GRU(2, 5), "fc": nn.Linear(5, 1)}), 2, "npz", [], FORECAST_MAP


def cases():
    """Yields name, module, input size or vocabulary, form of the file, arguments, map."""
    yield "gru-3x5", nn.GRU(3, 5), 3, "pt", [], None
    yield "gru-3x5-double", nn.GRU(3, 5).double(), 3, "pt", [], None
    yield "gru-2x4-no-bias", nn.GRU(2, 4, bias=False), 2, "safetensors", [], None
    yield "gru-3-layers-checkpoint", Stack({"rnn": nn.GRU(2, 6, num_layers=3)}), 2, "checkpoint", [], None
    heads = Stack({"gru": nn.GRU(1, 8, 2), "fc": nn.Linear(8, 1)}, {"fc": torch.sigmoid})
    yield "head-data-parallel", heads, 1, "parallel", ["--layers", "gru,fc", "--activation", "fc=sigmoid"], None
    two = Stack({"fc1": nn.Linear(3, 4), "gru": nn.GRU(4, 6), "fc2": nn.Linear(6, 2)}, {"fc1": torch.relu, "fc2": torch.tanh})
    yield "relu-gru-tanh-compiled", two, 3, "compiled", ["--activation", "fc1=relu", "gru=linear", "fc2=tanh"], None
    tokens = Stack({"emb": nn.Embedding(7, 4), "gru": nn.GRU(4, 6), "out": nn.Linear(6, 7)}, {"out": softmax})
    yield "embedding-softmax", tokens, "tokens 7", "pt", ["--activation", "emb=linear", "gru=linear", "out=softmax"], None
    square = Stack({"emb": nn.Embedding(4, 4), "gru": nn.GRU(4, 4)})
    yield "embedding-square", square, "tokens 4", "safetensors", ["--layers", "emb:embedding,gru"], None
    yield "projection-no-bias", Stack({"proj": nn.Linear(5, 3, bias=False), "gru": nn.GRU(3, 4)}), 5, "pt", ["--activation", "linear"], None
    yield "gru-cell", Steps(nn.GRUCell(3, 5), 5), 3, "pt", [], None
    yield "gru-cell-no-bias", Steps(nn.GRUCell(2, 5, bias=False), 5), 2, "safetensors", [], None
    normed = Stack({"gru": weight_norm(weight_norm(nn.GRU(3, 5), "weight_hh_l0"), "weight_ih_l0"), "fc": weight_norm(nn.Linear(5, 2), "weight", None)})
    yield "weight-norm", normed, 3, "pt", ["--activation", "gru=linear", "fc=linear"], None
    yield "tutorial-wz-wr-w", TutorialGRU(4, 6), 4, "pt", [], None
    yield "tutorial-with-head", Stack({"gru": TutorialGRU(3, 5), "fc": nn.Linear(5, 2)}, {"fc": softmax}), 3, "safetensors", ["--activation", "gru=linear", "fc=softmax"], None
    yield "half", nn.GRU(3, 5).half(), 3, "pt", [], None
    yield "bfloat16", nn.GRU(3, 5).bfloat16(), 3, "safetensors", [], None
    yield "bfloat16-pt", nn.GRU(3, 5).bfloat16(), 3, "pt", [], None
    yield "half-safetensors", nn.GRU(2, 3).half(), 2, "safetensors", [], None
    yield "shared-transposed", nn.GRU(4, 4, num_layers=2), 4, "views", [], None
    yield "map-zrn", Steps(Written(3, 5, "zrn", keep_old), 5), 3, "pt", [], stacked_map("zrn", "before", "state")
    yield "map-forget", Steps(Written(3, 5, "zn", forget), 5), 3, "pt", [], stacked_map("zn", "none", "state")
    yield "map-plain", Steps(Written(2, 4, "n", plain), 4), 2, "pt", [], stacked_map("n", "none", "none")
    yield "map-xh", Steps(XhCell(3, 4), 4), 3, "safetensors", [], XH_MAP
    yield "map-scaled", Scaled({"gru": nn.GRU(2, 5), "fc": nn.Linear(5, 1)}), 2, "pt", [], FORECAST_MAP
    yield from wild_cases()
    for name, function in {"hardswish": nn.Hardswish(), "hardsigmoid": nn.Hardsigmoid()}.items():
        both = Stack({"gru": nn.GRU(2, 5), "fc": nn.Linear(5, 6)}, {"gru": function, "fc": function})
        nn.init.normal_(both.fc.weight, 0, 9)
        options = ["--layers", "gru,fc", "--activation", f"gru={name}", f"fc={name}"]
        yield f"function-{name}", both, 2, "pt", options, None


def save(module: nn.Module, name: str, form: str) -> str:
    """Saves the weights as training scripts do; returns the name of the file."""
    state = module.state_dict()
    if form == "safetensors":
        save_file({key: value.contiguous() for key, value in state.items()}, FOLDER / f"{name}.safetensors")
        return f"{name}.safetensors"
    if form == "checkpoint":
        optimizer = torch.optim.Adam(module.parameters()).state_dict()
        state = {"epoch": 3, "loss": 0.25, "name": "run", "model_state_dict": state, "optimizer": optimizer}
    elif form == "trainer":
        options = argparse.Namespace(rate=0.1, sizes=(3, 4))
        best = {"best": np.float64(0.25), "curve": np.arange(3.0), "when": datetime.datetime(2026, 1, 1), "trial": Trial.FIRST}
        state = {"epoch": torch.tensor(3), "net": state, "hyper_parameters": options, **best, "seed": 2**100, "rng": torch.zeros(4, dtype=torch.uint8)}
    elif form == "pruned":
        for layer, weight in ((module.gru, "weight_hh_l0"), (module.fc, "bias")):
            prune.random_unstructured(layer, weight, amount=0.5)
        state = module.state_dict()
        prune.remove(module.gru, "weight_hh_l0")
        prune.remove(module.fc, "bias")
    elif form == "two":
        state = {"model": {key: 2 * value for key, value in state.items()}, "ema": state}
    elif form == "tied":
        save_model(module, FOLDER / f"{name}.safetensors")
        return f"{name}.safetensors"
    elif form == "pt2":
        size = module.gru.input_size
        torch.export.save(torch.export.export(module, (torch.zeros(10, 1, size),)), FOLDER / f"{name}.pt2")
        return f"{name}.pt2"
    elif form == "npz":
        np.savez(FOLDER / f"{name}-weights.npz", **{key: value.numpy() for key, value in state.items()})
        return f"{name}-weights.npz"
    elif form == "parallel":
        state = {"state_dict": {f"module.{key}": value for key, value in state.items()}}
    elif form == "compiled":
        state = {f"model._orig_mod.{key}": value for key, value in state.items()}
    elif form == "views":
        # Transposed, sliced and shared storages.
        whole = torch.cat([value.reshape(-1) for value in state.values()])
        at = 0
        for key, value in state.items():
            part = whole[at : at + value.numel()]
            at += value.numel()
            state[key] = part.view(value.shape)
        state["weight_hh_l1"] = state["weight_hh_l1"].t().contiguous().t()
        state["weight_ih_l1"] = state["weight_ih_l0"]
    torch.save(state, FOLDER / f"{name}.pt")
    return f"{name}.pt"


def answer(module: nn.Module, kind) -> dict:
    """Runs a module in single precision over its samples."""
    module = copy.deepcopy(module).float().eval()
    if isinstance(kind, str):
        samples = torch.randint(int(kind.split()[1]), (STEPS,))
        x = samples[:, None]
        samples = samples.to(torch.int32)
    else:
        samples = torch.randn(STEPS, kind)
        x = samples[:, None, :]
    with torch.no_grad():
        outputs = module(x)
    outputs = outputs[0] if isinstance(outputs, tuple) else outputs
    return {"inputs": samples.numpy(), "outputs": outputs[:, 0].numpy()}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(3)
    index = []
    for name, module, kind, form, args, text in cases():
        if form == "views":
            module.weight_ih_l1 = module.weight_ih_l0
        source = save(module, name, form)
        np.savez(FOLDER / f"{name}.npz", **answer(module, kind))
        index.append({"name": name, "source": source, "args": args, **({"map": text} if text else {})})
    write_refused()
    (FOLDER / "index.json").write_text(json.dumps({"torch": torch.__version__, "cases": index}, indent=1) + "\n")


def write_refused() -> None:
    """Writes models that the reader must refuse."""
    def put(name, value, **options):
        torch.save(value, FOLDER / f"refused-{name}.pt", **options)

    put("bidirectional", nn.GRU(2, 3, bidirectional=True).state_dict())
    put("lstm", nn.LSTM(2, 3).state_dict())
    put("rnn", nn.RNN(2, 3).state_dict())
    put("layernorm", Stack({"gru": nn.GRU(2, 3), "norm": nn.LayerNorm(3)}).state_dict())
    put("legacy", nn.GRU(2, 3).state_dict(), _use_new_zipfile_serialization=False)
    put("whole-model", nn.GRU(2, 3))
    quantized = torch.ao.quantization.quantize_dynamic(Stack({"gru": nn.GRU(2, 3), "fc": nn.Linear(3, 1)}), {nn.GRU, nn.Linear})
    put("quantized", quantized.state_dict())
    put("conv", Stack({"conv": nn.Conv1d(2, 3, 3), "gru": nn.GRU(3, 3)}).state_dict())
    put("attention", Stack({"gru": nn.GRU(2, 4), "look": nn.MultiheadAttention(4, 2)}).state_dict())


if __name__ == "__main__":
    main()
