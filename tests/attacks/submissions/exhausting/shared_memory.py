"""Leaves shared memory behind that outlives its process."""

from multiprocessing import shared_memory

block = shared_memory.SharedMemory(name="autograder-attack", create=True, size=1 << 20)
raise RuntimeError(f"BREACHED: made {block.name}")
