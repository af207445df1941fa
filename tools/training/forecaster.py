"""The network that the training scripts share: GRU + dense + linear skip, in real units (FORMAT.md 4)."""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from rivulet_model import gru_tensors, linear_tensors, to_float32


class Forecaster(nn.Module):
    """Predicts the next sample: y = dense(GRU(x)) + skip.W [x(t-L+1) .. x(t)], x the normalised sample.

    `fit` starts from the best linear prediction in the skip and nothing from the GRU, so that training only adds to it.
    """

    def __init__(self, offset, scale, hidden: int, skip_length: int):
        super().__init__()
        inputs = len(offset)
        self.skip_length = skip_length
        self.register_buffer("offset", torch.tensor(offset, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float32))
        self.gru = nn.GRU(inputs, hidden, batch_first=True)
        self.dense = nn.Linear(hidden, inputs)
        self.skip = nn.Linear(skip_length * inputs, inputs, bias=False)
        nn.init.zeros_(self.dense.weight)

    def normalise(self, samples: torch.Tensor) -> torch.Tensor:
        return (samples - self.offset) * self.scale

    def denormalise(self, y: torch.Tensor) -> torch.Tensor:
        return y / self.scale + self.offset

    def forward(self, x: torch.Tensor, state=None):
        """Advances a batch of streams: x [B][T][I] -> y [B][T][I] and the state to carry, (window, h).

        Both x and y are normalised; the first state is zeros, as in a new session.
        """
        batch, steps, inputs = x.shape
        if state is None:
            state = (x.new_zeros(batch, self.skip_length - 1, inputs), None)
        window, h = state
        out, h = self.gru(x, h)
        past = torch.cat([window, x], dim=1)
        # unfold: [B][T][I][L], oldest first; the skip's columns run over the entry, then over the input.
        windows = past.unfold(1, self.skip_length, 1).transpose(2, 3).reshape(batch, steps, -1)
        kept = past[:, past.shape[1] - (self.skip_length - 1) :]
        return self.dense(out) + self.skip(windows), (kept, h)

    @torch.no_grad()
    def predict(self, samples: np.ndarray) -> np.ndarray:
        """Predicts one stream in real units, from a fresh state: [T][I] -> [T][I]."""
        x = self.normalise(torch.from_numpy(samples.astype(np.float32)))
        y, _ = self(x[None])
        return self.denormalise(y)[0].numpy()

    def tensors(self) -> dict[str, np.ndarray]:
        """Returns the tensors of the model file."""
        return {
            "input.offset": to_float32(self.offset),
            "input.scale": to_float32(self.scale),
            **gru_tensors(self.gru),
            **linear_tensors(self.dense, 1),
            "skip.W": to_float32(self.skip.weight),
            "output.offset": to_float32(self.offset),
            "output.scale": to_float32(1 / self.scale),
        }

    def layers(self) -> list[dict]:
        """Returns the `layers` field of the model file."""
        return [
            {"kind": "gru", "size": self.gru.hidden_size, "reset": "after"},
            {"kind": "dense", "size": self.dense.out_features, "activation": "linear"},
        ]


@torch.no_grad()
def fit_skip(model: Forecaster, x: torch.Tensor) -> None:
    """Sets the skip and the bias of the dense layer to the least-squares prediction of normalised samples [B][T][I].

    This linear law still holds far outside the training range, where the GRU is saturated. In double precision, with a
    ridge of 1e-6 per row.
    """
    x = x.double()
    length = model.skip_length
    windows = x.unfold(1, length, 1)[:, :-1].transpose(2, 3).reshape(-1, length * x.shape[2])
    rows = torch.cat([windows, torch.ones(len(windows), 1, dtype=torch.float64)], dim=1)
    targets = x[:, length:].reshape(len(rows), -1)
    ridge = 1e-6 * len(rows) * torch.eye(rows.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(rows.T @ rows + ridge, rows.T @ targets)
    model.skip.weight.copy_(solution[:-1].T)
    model.dense.bias.copy_(solution[-1])


@dataclass(frozen=True)
class Recipe:
    """How `fit` trains."""

    epochs: int
    """greatest number of passes"""
    patience: int
    """passes without a better score after which it ends"""
    rate: float
    """learning rate at the start; it falls along a half cosine"""
    decay: float
    """weight decay of the GRU and the dense layer; the skip is free"""
    chunk: int
    """steps between two updates"""
    warmup: int
    """first steps of every stream, which do not count"""
    huber: float
    """error, in units of 1/weight, from which the loss grows linearly"""


def fit(model: Forecaster, train: torch.Tensor, weight: torch.Tensor, score, recipe: Recipe, augment=None) -> float:
    """Trains by truncated back-propagation through time and keeps the weights with the best score.

    The skip starts as the least-squares prediction. The state is carried from chunk to chunk over the whole of every
    stream, as a session does; gradients end at the borders. The starts of the chunks move from epoch to epoch, and the
    warm-up does not count.

    train    real samples, f32[B][T][I]
    weight   f32[I], weighs the error of every normalised output
    score    model -> held-out error, smaller is better; asked after every epoch
    augment  real samples -> changed real samples, asked before every epoch
    Returns the best score.
    """
    x = model.normalise(augment(train) if augment else train)
    fit_skip(model, x)
    skip = list(model.skip.parameters())
    rest = [*model.gru.parameters(), *model.dense.parameters()]
    groups = [{"params": skip, "weight_decay": 0.0}, {"params": rest, "weight_decay": recipe.decay}]
    optimizer = torch.optim.AdamW(groups, lr=recipe.rate)
    loss_of = nn.SmoothL1Loss(beta=recipe.huber)
    best = (score(model), -1, copy.deepcopy(model.state_dict()))
    for epoch in range(recipe.epochs):
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))
        if augment:
            x = model.normalise(augment(train))
        model.train()
        start = int(torch.randint(0, recipe.chunk, ()))
        bounds = [0, *range(recipe.warmup + start, x.shape[1] - 1, recipe.chunk), x.shape[1] - 1]
        state = None
        for first, last in zip(bounds, bounds[1:]):
            y, state = model(x[:, first:last], state)
            state = (state[0].detach(), state[1].detach())
            if first == 0 or last - first < 2:
                continue
            loss = loss_of(y * weight, x[:, first + 1 : last + 1] * weight)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        error = score(model)
        if error < best[0]:
            best = (error, epoch, copy.deepcopy(model.state_dict()))
        if epoch % 10 == 0:
            print(f"epoch {epoch:3d}  held-out {error:.5f}  best {best[0]:.5f} at {best[1]}")
        if epoch - best[1] >= recipe.patience:
            break
    model.load_state_dict(best[2])
    return best[0]
