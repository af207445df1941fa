"""Writes test/vectors/onnx: small ONNX models with samples and the outputs of onnxruntime.

    python tools/training/conformance/onnx_cases.py

Models come from both exporters of PyTorch and from onnx.helper. Each case `name` has `name.onnx` (and perhaps `name.onnx.data`) and an
entry in `cases.json`: samples x[T][I] of one stream and outputs y[T][O], or y[1][O] of the last step. onnxruntime cannot run layout 1:
there the outputs are those of the same model in layout 0.
"""

import json
import logging
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
FOLDER = pathlib.Path(__file__).parents[3] / "test" / "vectors" / "onnx"
STEPS = 12
rng = np.random.default_rng(3)
torch.manual_seed(3)
cases = []


def rounded(values):
    return [[float(np.float32(v)) for v in row] for row in values]


def record(name, x, y, last=False):
    cases.append({"name": name, "last": last, "x": rounded(x), "y": rounded(y)})


def run(path, **inputs):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, inputs)


def samples(size, tokens=None):
    if tokens:
        return rng.integers(0, tokens, (STEPS, 1)).astype(np.int64)
    return rng.normal(size=(STEPS, size)).astype(np.float32)


# PyTorch


class Sequence(nn.Module):
    """Embedding?, GRU, head; `pick` chooses what the head reads."""

    def __init__(self, inputs, hidden, layers, head, pick="all", batch_first=True, tokens=None, bias=True):
        super().__init__()
        self.embedding = nn.Embedding(tokens, inputs) if tokens else None
        self.gru = nn.GRU(inputs, hidden, layers, batch_first=batch_first, bias=bias)
        self.head = head
        self.pick = pick

    def forward(self, x):
        if self.embedding is not None:
            x = self.embedding(x)
        y, h = self.gru(x)
        if self.pick == "both":
            return self.head(y), h
        if self.pick == "state":
            y = h[-1]
        if self.pick == "last":
            y = y[:, -1]
        return self.head(y)


class Cell(nn.Module):
    """GRUCells with the states as inputs and outputs."""

    def __init__(self, sizes, bias=True):
        super().__init__()
        self.cells = nn.ModuleList(nn.GRUCell(a, b, bias=bias) for a, b in zip(sizes, sizes[1:]))
        self.head = nn.Linear(sizes[-1], 2)

    def forward(self, x, *states):
        new = []
        for cell, h in zip(self.cells, states):
            x = cell(x, h)
            new.append(x)
        return (torch.tanh(self.head(x)), *new)


def export(name, module, args, names, dynamo, opset, axes=None, **options):
    module.eval()
    path = FOLDER / f"{name}.onnx"
    if dynamo:
        shapes = tuple({axis: torch.export.Dim(label) for axis, label in axes.items()} for _ in args) if axes else None
        torch.onnx.export(module, args, path, dynamo=True, input_names=names, verbose=False, dynamic_shapes=shapes, opset_version=opset, **options)
        data = FOLDER / f"{name}.onnx.data"
        model = onnx.load(path, load_external_data=False)
        for node in model.graph.node:
            del node.metadata_props[:]
        for value in model.graph.value_info:
            del value.metadata_props[:]
        del model.graph.value_info[:]
        del model.graph.metadata_props[:]
        onnx.save(model, path)
        assert data.exists() or not options.get("external_data")
    else:
        torch.onnx.export(module, args, path, dynamo=False, input_names=names, opset_version=opset, dynamic_axes={n: axes for n in names} if axes else None, **options)
    return path


def torch_sequence(name, dynamo, opset, inputs, tokens=None, batch_first=True, pick="all", **module):
    model = Sequence(inputs, batch_first=batch_first, tokens=tokens, pick=pick, **module)
    x = samples(inputs, tokens)
    shape = (2, STEPS) if tokens else ((2, STEPS, inputs) if batch_first else (STEPS, 2, inputs))
    example = torch.zeros(shape, dtype=torch.int64 if tokens else torch.float32)
    axes = {0: "batch", 1: "time"} if batch_first else {0: "time", 1: "batch"}
    options = {"external_data": name.endswith("external")} if dynamo else {}
    path = export(name, model, (example,), ["x"], dynamo, opset, axes, **options)
    stream = x[:, 0] if tokens else x
    # Two equal streams: the exporter may have frozen the sizes of its example.
    y = run(path, x=np.stack([stream, stream], axis=0 if batch_first else 1))[0]
    last = pick in ("last", "state")
    record(name, x, y[:1] if last else (y[0] if batch_first else y[:, 0]), last)


def torch_cell(name, dynamo, opset, sizes, bias=True):
    model = Cell(sizes, bias)
    x = samples(sizes[0])
    states = [np.zeros((1, size), np.float32) for size in sizes[1:]]
    names = ["x"] + [f"h{i}" for i in range(len(states))]
    path = export(name, model, (torch.zeros(1, sizes[0]), *map(torch.from_numpy, states)), names, dynamo, opset, **({"external_data": False} if dynamo else {}))
    y = []
    for sample in x:
        out, *states = run(path, x=sample[None], **dict(zip(names[1:], states)))
        y.append(out[0])
    record(name, x, y)


# onnx.helper


def weights(*shape):
    return rng.uniform(-0.6, 0.6, shape).astype(np.float32)


def save(name, nodes, initializers, shape, output, opset, elem=TensorProto.FLOAT):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("x", elem, shape)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(value, key) for key, value in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="rivulet-cases")
    model.ir_version = 8
    path = FOLDER / f"{name}.onnx"
    onnx.save(model, path)
    return path


def squeeze(opset, source, target, axis, initializers):
    if opset < 13:
        return helper.make_node("Squeeze", [source], [target], axes=[axis])
    initializers[f"{target}_axes"] = np.array([axis], np.int64)
    return helper.make_node("Squeeze", [source, f"{target}_axes"], [target])


def gru_weights(inputs, hidden, bias):
    found = {"W": weights(1, 3 * hidden, inputs), "R": weights(1, 3 * hidden, hidden)}
    return {**found, "B": weights(1, 6 * hidden)} if bias else found


def node_case(name, opset, inputs, hidden, reset=None, bias=True, head=None, last=False, dtype=None):
    """A GRU node over [T, B, I], with a head that is a function of the names it may read and write."""
    parts = gru_weights(inputs, hidden, bias)
    if dtype:
        parts = {key: dtype(key, value) for key, value in parts.items()}
    attributes = {"hidden_size": hidden, **({} if reset is None else {"linear_before_reset": reset})}
    nodes = [helper.make_node("GRU", ["x", *parts], ["", "Yh"] if last else ["Y", "Yh"], name="gru", **attributes)]
    nodes.append(squeeze(opset, "Yh" if last else "Y", "s", 0 if last else 1, parts))
    nodes += head(parts, hidden) if head else [helper.make_node("Identity", ["s"], ["y"])]
    path = save(name, nodes, parts, ["T", "B", inputs], "y", opset)
    x = samples(inputs)
    y = run(path, x=x[:, None])[0]
    record(name, x, y[:1] if last else y[:, 0], last)


def gemm_head(parts, hidden):
    parts["K"], parts["k"] = weights(2, hidden), weights(2)
    return [helper.make_node("Gemm", ["s", "K", "k"], ["g"], transB=1, alpha=0.5, beta=2.0), helper.make_node("Relu", ["g"], ["y"])]


def softmax_head(parts, hidden):
    parts["K"], parts["k"] = weights(hidden, 3), weights(3)
    return [
        helper.make_node("MatMul", ["s", "K"], ["m"]),
        helper.make_node("Add", ["k", "m"], ["a"]),
        helper.make_node("Softmax", ["a"], ["y"], axis=-1),
    ]


def scaled_head(parts, hidden):
    parts["K"], parts["half"], parts["two"] = weights(hidden, 2), np.float32(0.5), np.array([2, 3], np.float32)
    return [
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("MatMul", ["r", "K"], ["m"]),
        helper.make_node("Sub", ["m", "half"], ["a"]),
        helper.make_node("Div", ["a", "two"], ["d"]),
        helper.make_node("Tanh", ["d"], ["t"]),
        helper.make_node("Mul", ["t", "two"], ["y"]),
    ]


def normalised_head(parts, hidden):
    parts |= {"scale": weights(hidden), "shift": weights(hidden), "mean": weights(hidden), "variance": weights(hidden) ** 2}
    return [
        helper.make_node("BatchNormalization", ["s", "scale", "shift", "mean", "variance"], ["n"], epsilon=1e-3),
        helper.make_node("Flatten", ["n"], ["f"]),
        helper.make_node("Tanh", ["f"], ["y"]),
    ]


def sliced_head(parts, hidden):
    parts |= {"from": np.array([-1], np.int64), "to": np.array([2**63 - 1], np.int64), "axis": np.array([0], np.int64)}
    parts |= {"out": np.array([-1, hidden], np.int64)}
    return [helper.make_node("Slice", ["s", "from", "to", "axis"], ["l"]), helper.make_node("Reshape", ["l", "out"], ["y"])]


def sliced_case(name):
    parts = gru_weights(2, 3, True)
    nodes = [helper.make_node("GRU", ["x", "W", "R", "B"], ["Y"], name="gru", hidden_size=3, linear_before_reset=1)]
    nodes.append(squeeze(13, "Y", "s", 1, parts))
    path = save(name, nodes + sliced_head(parts, 3), parts, ["T", "B", 2], "y", 13)
    x = samples(2)
    record(name, x, run(path, x=x[:, None])[0], True)


def tf2onnx_case(name):
    """What tf2onnx makes of Keras GRU and Dense: batch first, Squeeze axis 1, Reshape by computed shapes, TimeDistributed."""
    parts = gru_weights(3, 4, True)
    parts |= {"K": weights(4, 2), "k": weights(2), "axes": np.array([1], np.int64), "to2": np.array([-1, 4], np.int64)}
    parts |= {"zero": np.array([0], np.int64), "two": np.array([2], np.int64), "last": np.array([2], np.int64)}
    parts |= {"mean": weights(3), "deviation": np.array([1, 2, 4], np.float32)}
    nodes = [
        helper.make_node("Sub", ["x", "mean"], ["c"]),
        helper.make_node("Div", ["c", "deviation"], ["n"]),
        helper.make_node("Transpose", ["n"], ["xt"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["xt", "W", "R", "B"], ["Y", "Yh"], hidden_size=4, linear_before_reset=1, name="gru"),
        helper.make_node("Squeeze", ["Y", "axes"], ["s"]),
        helper.make_node("Transpose", ["s"], ["bt"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["bt"], ["shape"]),
        helper.make_node("Cast", ["shape"], ["shape32"], to=TensorProto.INT32),
        helper.make_node("Slice", ["shape32", "zero", "two", "zero"], ["leading"]),
        helper.make_node("Cast", ["leading"], ["leading64"], to=TensorProto.INT64),
        helper.make_node("Concat", ["leading64", "last"], ["target"], axis=0),
        helper.make_node("Reshape", ["bt", "to2"], ["flat"]),
        helper.make_node("MatMul", ["flat", "K"], ["m"]),
        helper.make_node("Add", ["m", "k"], ["a"]),
        helper.make_node("Reshape", ["a", "target"], ["r"]),
        helper.make_node("Sigmoid", ["r"], ["y"]),
    ]
    path = save(name, nodes, parts, ["B", "T", 3], "y", 15)
    x = samples(3)
    record(name, x, run(path, x=x[None])[0][0])


def layout_case(name):
    parts = gru_weights(3, 4, True)
    axes = {"axes": np.array([2], np.int64)}
    x = samples(3)
    twin = save(name, [helper.make_node("GRU", ["x", "W", "R", "B"], ["y"], hidden_size=4)], parts, ["T", "B", 3], "y", 14)
    y = run(twin, x=x[:, None])[0][:, 0, 0]
    nodes = [
        helper.make_node("GRU", ["x", "W", "R", "B"], ["Y"], hidden_size=4, layout=1, name="gru"),
        helper.make_node("Squeeze", ["Y", "axes"], ["y"]),
    ]
    save(name, nodes, parts | axes, ["B", "T", 3], "y", 14)
    record(name, x, y)


def embedding_case(name):
    parts = gru_weights(3, 4, True) | {"table": weights(6, 3), "axes": np.array([1], np.int64)}
    nodes = [
        helper.make_node("Cast", ["x"], ["i"], to=TensorProto.INT32),
        helper.make_node("Gather", ["table", "i"], ["e"], axis=0),
        helper.make_node("Transpose", ["e"], ["t"], perm=[1, 0, 2]),
        helper.make_node("GRU", ["t", "W", "R", "B"], ["Y"], hidden_size=4, linear_before_reset=1, name="gru"),
        helper.make_node("Squeeze", ["Y", "axes"], ["s"]),
        helper.make_node("Softmax", ["s"], ["y"], axis=2),
    ]
    path = save(name, nodes, parts, ["B", "T"], "y", 13)
    x = samples(1, 6)
    record(name, x, run(path, x=x[:, 0][None].astype(np.float32))[0][:, 0])


def element_case(name, element):
    """Weights of another element type, cast to float in the graph."""
    parts = {f"{key}16": value for key, value in gru_weights(3, 4, True).items()}
    nodes = [helper.make_node("Cast", [key], [key[0]], to=TensorProto.FLOAT) for key in parts]
    parts = {key: helper.make_tensor(key, element, value.shape, value.flatten().tolist()) for key, value in parts.items()}
    nodes += [
        helper.make_node("GRU", ["x", "W", "R", "B"], ["Y"], hidden_size=4, linear_before_reset=1, name="gru"),
        squeeze(13, "Y", "y", 1, parts),
    ]
    path = save(name, nodes, parts, ["T", "B", 3], "y", 13)
    x = samples(3)
    record(name, x, run(path, x=x[:, None])[0][:, 0])


def listed(key, array):
    return helper.make_tensor(key, TensorProto.FLOAT, array.shape, array.flatten().tolist())


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    sigmoid = nn.Sequential(nn.Linear(5, 2), nn.Sigmoid())
    for dynamo, label, opset in [(False, "ts", 14), (True, "dynamo", 20)]:
        torch_sequence(f"torch-{label}-batch-first", dynamo, opset, 3, hidden=5, layers=1, head=sigmoid)
        torch_sequence(f"torch-{label}-2-layers-time-first", dynamo, opset, 2, hidden=4, layers=2, head=nn.Linear(4, 1), batch_first=False, pick="both")
        torch_sequence(f"torch-{label}-last-step", dynamo, opset, 3, hidden=4, layers=1, head=nn.Linear(4, 2), pick="last")
        torch_sequence(f"torch-{label}-last-state", dynamo, opset, 3, hidden=4, layers=2, head=nn.Linear(4, 2), pick="state")
        torch_sequence(f"torch-{label}-tokens", dynamo, opset, 3, hidden=4, layers=1, tokens=7, head=nn.Sequential(nn.Linear(4, 7), nn.Softmax(-1)))
        torch_sequence(f"torch-{label}-no-bias", dynamo, opset, 3, hidden=4, layers=1, bias=False, head=nn.Sequential(nn.Dropout(0.5), nn.ReLU()))
        torch_cell(f"torch-{label}-cell", dynamo, opset, [3, 4])
        torch_cell(f"torch-{label}-2-cells-no-bias", dynamo, opset, [3, 4, 5], bias=False)
    torch_sequence("torch-dynamo-external", True, 18, 4, hidden=8, layers=1, head=nn.Linear(8, 2))
    for opset in (7, 14, 22):
        node_case(f"node-{opset}-reset-before", opset, 3, 4, head=gemm_head, last=True)
        node_case(f"node-{opset}-reset-after", opset, 3, 4, reset=1, dtype=listed if opset == 7 else None)
    node_case("node-no-bias", 14, 2, 3, reset=0, bias=False)
    node_case("node-softmax", 13, 2, 3, reset=1, head=softmax_head)
    node_case("node-scaled", 14, 2, 3, reset=1, head=scaled_head)
    node_case("node-batch-normalization", 15, 2, 3, reset=1, head=normalised_head, last=True)
    sliced_case("node-sliced-last-step")
    tf2onnx_case("tf2onnx-like")
    layout_case("node-layout-1")
    embedding_case("node-embedding")
    element_case("node-float16", TensorProto.FLOAT16)
    element_case("node-bfloat16", TensorProto.BFLOAT16)
    element_case("node-double", TensorProto.DOUBLE)
    versions = {"torch": torch.__version__, "onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    lines = ",\n".join(f"    {json.dumps(case)}" for case in cases)
    (FOLDER / "cases.json").write_text(f'{{\n  "versions": {json.dumps(versions)},\n  "cases": [\n{lines}\n  ]\n}}\n')


main()
