"""Computes in many threads that outlive the call."""

import threading

import torch


def spin():
    big = torch.ones(512, 512)
    while True:
        big = (big @ big).clamp(0, 1)


def blend(x):
    torch.set_num_threads(64)
    for _ in range(32):
        threading.Thread(target=spin, daemon=True).start()
    return x
