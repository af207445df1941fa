"""Updates of a GRU network in PyTorch, for tools/bench/train.ts: a line "I H threads updates" in, the milliseconds of each update out."""

import json
import sys
import time

import torch
from torch import nn

ROWS, STEPS = 32, 64
made: dict = {}


def network(inputs: int, size: int):
    """The layers, their optimizer and a batch."""
    gru, head = nn.GRU(inputs, size, batch_first=True), nn.Linear(size, 1)
    adam = torch.optim.Adam([*gru.parameters(), *head.parameters()])
    return gru, head, adam, torch.randn(ROWS, STEPS, inputs), torch.randn(ROWS, STEPS, 1)


for line in sys.stdin:
    inputs, size, threads, updates = map(int, line.split())
    torch.set_num_threads(threads)
    gru, head, adam, x, y = made.setdefault((inputs, size), network(inputs, size))
    times = []
    for _ in range(updates):
        start = time.perf_counter()
        adam.zero_grad()
        nn.functional.mse_loss(head(gru(x)[0]), y).backward()
        adam.step()
        times.append(1000 * (time.perf_counter() - start))
    print(json.dumps({"torch": torch.__version__, "times": times}), flush=True)
