"""Mutate real frames for as long as is asked: decoding gives values or WireErrors, never else.

    python tests/sandbox/fuzz_wire.py [--frames 10000000] [--seed 0]

The suite itself runs a short, shrinking version of this (test_wire.py).
"""

from __future__ import annotations

import argparse
import random
import time

import numpy as np
import torch

from autograder.sandbox import wire

VALUES = [
    {"answer": "returned", "value": torch.arange(6.0).reshape(2, 3), "mutated": ["x"]},
    {"answer": "raised", "type": "ValueError", "bases": ["ValueError"], "message": "no"},
    [1, -(2**70), 2.5, "text", b"bytes", (None, True)],
    {"a": np.arange(4, dtype="i2"), "b": torch.float16, "c": [torch.Generator().manual_seed(3)]},
    [torch.ones(2, dtype=torch.bool), torch.empty(0, 3), torch.tensor(1 + 2j)],
    (torch.arange(12).reshape(3, 4).t(), torch.ones(1).expand(4)),
]


def mutate(data: bytearray, rng: random.Random) -> None:
    """Change, cut out or put in a few bytes."""
    for _ in range(rng.randint(1, 4)):
        at, length = rng.randint(0, len(data)), rng.randint(0, 3)
        data[at : at + length] = rng.randbytes(rng.randint(0, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    frames = []
    for value in VALUES:
        _, header, *buffers = wire.encode(1, value, keep_strides=True)
        frames.append((bytes(header), b"".join(buffers)))
    decoded = refused = 0
    started = time.monotonic()
    for count in range(options.frames):
        header, body = map(bytearray, rng.choice(frames))
        mutate(body if rng.random() < 0.15 else header, rng)
        try:
            value = wire.decode(bytes(header), body, allow_strides=count % 2 == 0)
        except wire.WireError:
            refused += 1
        else:
            decoded += 1
            if count % 100 == 0:
                wire.encode(0, value)  # what was let in is made of plain values
    seconds = time.monotonic() - started
    print(f"{options.frames:,} mutated frames in {seconds:.0f} s, seed {options.seed}: "
          f"{refused:,} refused, {decoded:,} decoded, no other exception")  # fmt: skip


if __name__ == "__main__":
    main()
