"""Rows a second of River's HalfSpaceTrees beside `rivulet detect`, on the same rows of one channel, in one run.

    pip install river==0.26.1
    npm run build && python tools/bench/half_space_trees.py readings.csv timestamp value

Both read the file and score every row. Times are of the processor, so that other work on the machine says little, and
without the start of the program.
"""

import csv
import os
import subprocess
import sys
import tempfile

try:
    from river import anomaly
except ImportError:
    sys.exit("skipped: River is not installed (pip install river)")

if len(sys.argv) != 4:
    sys.exit(__doc__)
path, clock, column = sys.argv[1:]
CLI = ["node", "dist/cli.js"]


def seconds(run):
    """Seconds of the processor that a call takes, its child processes included."""
    start = sum(os.times()[:4])
    run()
    return sum(os.times()[:4]) - start


def with_trees():
    trees = anomaly.HalfSpaceTrees(seed=1, limits={"x": (low, high)})
    with open(path) as file:
        for row in csv.DictReader(file):
            sample = {"x": float(row[column])}
            trees.score_one(sample)
            trees.learn_one(sample)


with open(path) as file:
    values = [float(row[column]) for row in csv.DictReader(file)]
low, high = min(values), max(values)
with tempfile.TemporaryDirectory() as folder:
    detector = folder + "/detector.safetensors"
    options = ["--time", clock, "--inputs", column]
    subprocess.run([*CLI, "calibrate", "--data", path, *options, "-o", detector], check=True, stdout=subprocess.DEVNULL)
    detect = [*CLI, "detect", detector, path, "--time", clock]
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    start_up = min(seconds(lambda: subprocess.run([*CLI, "--version"], **quiet)) for _ in range(3))
    # In turns, the best of three.
    pairs = [(seconds(with_trees), seconds(lambda: subprocess.run(detect, **quiet)) - start_up) for _ in range(3)]
trees, own = (min(times) for times in zip(*pairs))
print(f"{len(values)} rows")
print(f"HalfSpaceTrees  {len(values) / trees:12,.0f} rows/s")
print(f"rivulet detect  {len(values) / own:12,.0f} rows/s, {trees / own:.0f} times as many")
