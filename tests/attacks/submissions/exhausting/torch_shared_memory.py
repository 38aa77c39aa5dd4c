"""Moves tensors to shared memory, which torch keeps in files."""

import torch
import torch.multiprocessing

for strategy in ("file_system", "file_descriptor"):
    torch.multiprocessing.set_sharing_strategy(strategy)
    try:
        torch.ones(1 << 20).share_memory_()
    except (OSError, RuntimeError):
        continue
    raise RuntimeError(f"BREACHED: {strategy}")
