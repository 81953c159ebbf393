"""Writes vectors.json: draws of CPython's random, NumPy's RandomState and Generator, and pandas' sample.

Run with numpy and pandas installed:  python make_vectors.py > vectors.json
"""
import json
import random

import numpy as np
import pandas as pd

SEEDS = [0, 1, 2, 3, 5, 7, 42, 1234, 65535, 99999, 2**31, 2**32 - 1]


def hf_order(seed, rows, take):
    """The order of datasets' IterableDataset.shuffle(seed), buffer of 1000."""
    rng = np.random.default_rng(seed)
    buffer, out = [], []

    def indices():
        while True:
            yield from (int(i) for i in rng.integers(0, 1000, size=1000))

    index = indices()
    for x in range(rows):
        if len(buffer) == 1000:
            i = next(index)
            out.append(buffer[i])
            buffer[i] = x
        else:
            buffer.append(x)
    rng.shuffle(buffer)
    return (out + buffer)[:take]


def shuffled(seed, n):
    items = list(range(n))
    random.seed(seed)
    random.shuffle(items)
    return items


cases = []
for seed in SEEDS:
    random.seed(seed)
    python = {
        "shuffle": shuffled(seed, 30),
        "random": [random.random().hex() for _ in range(4)],
        "choices": random.choices(range(17), k=12),
        "sample": random.sample(range(20), 6),
        "sample_large": random.sample(range(100000), 12),
        "choice": [random.choice(range(5)) for _ in range(6)],
    }
    frame = pd.DataFrame({"x": range(50)})
    rng = np.random.default_rng(seed)
    lists = []
    for n in (1, 2, 3, 25):
        items = list(range(n))
        rng.shuffle(items)
        lists.append(items)
    integers = rng.integers(0, 1000, size=20).tolist()
    odd = rng.integers(0, 3_000_000_019, size=5).tolist()
    cases.append({
        "seed": seed,
        "python": python,
        "pandas": frame.sample(n=20, random_state=seed)["x"].tolist(),
        "pandas_replace": frame.sample(n=70, random_state=seed, replace=True)["x"].tolist(),
        "pandas_one": frame[:1].sample(n=3, random_state=seed, replace=True)["x"].tolist(),
        "generator_shuffles": lists,
        "generator_integers": integers,
        "generator_large": odd,
        "stream": {str(rows): hf_order(seed, rows, 40) for rows in (10, 1000, 1001, 2500)},
    })
print(json.dumps({"numpy": np.__version__, "pandas": pd.__version__, "cases": cases}))
