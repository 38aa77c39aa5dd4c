"""Has a DataLoader start worker processes."""

import os

from torch.utils.data import DataLoader

processes = DataLoader(range(4), num_workers=2, collate_fn=lambda items: os.getpid())
if set(processes) != {os.getpid()}:
    raise RuntimeError("BREACHED: has processes of its own")
