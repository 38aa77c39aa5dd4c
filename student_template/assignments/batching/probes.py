"""What drives a `BatchLoader`, and calls that need more than one line.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

import random
from itertools import islice

import numpy as np
import torch


def epochs(student, x, y, batch_size, count=1, **options):
    """Loop `count` times over one ``BatchLoader(x, y, batch_size, **options)``.

    Returns for each epoch the list of its batches.
    """
    loader = student.BatchLoader(x, y, batch_size, **options)
    return [_batches(loader, len(x)) for _ in range(count)]


def length(student, x, y, batch_size, **options):
    """``len(BatchLoader(x, y, batch_size, **options))``."""
    return len(student.BatchLoader(x, y, batch_size, **options))


def epoch_after_a_break(student, x, y, batch_size, taken, **options):
    """Leave a first loop over a loader after `taken` batches; return the batches of a second."""
    loader = student.BatchLoader(x, y, batch_size, **options)
    for count, _ in enumerate(loader, start=1):
        if count == taken:
            break
    return _batches(loader, len(x))


def two_loaders(student, first, second, batch_size, **options):
    """Make loaders of the data `first` and `second`, each ``(x, y)``, and take turns with them.

    Returns the batches of the first and those of the second.
    """
    loaders = [student.BatchLoader(x, y, batch_size, **options) for x, y in (first, second)]
    most = len(first[0]) + len(second[0])  # more than either can serve
    running = [islice(loader, most) for loader in loaders]
    served = [[], []]
    while running[0] or running[1]:
        for i in range(2):
            batch = next(running[i], None) if running[i] else None
            if batch is None:
                running[i] = None
            else:
                served[i].append(batch)
    return served


def data_after_epochs(student, x, y, batch_size, count, **options):
    """``(x, y)`` as they are after `count` epochs of a loader that was given them."""
    loader = student.BatchLoader(x, y, batch_size, **options)
    for _ in range(count):
        _batches(loader, len(x))
    return x, y


def orders(student, n, batch_size, count=1, **options):
    """The orders in which a loader visits n samples, numbered 0..n−1, in `count` epochs.

    Returns for each epoch the list of its batches, each the list of its samples.
    """
    samples = torch.arange(n)
    served = epochs(student, samples, samples, batch_size, count, **options)
    return [[y_batch.reshape(-1).tolist() for _, y_batch in epoch] for epoch in served]


def orders_with_global_seed(student, global_seed, n, batch_size, count=1, **options):
    """`orders`, after every global random generator was seeded with `global_seed`."""
    _seed_globally(global_seed)
    return orders(student, n, batch_size, count, **options)


def call_with_global_seed(student, global_seed, function, **arguments):
    """Call `function` after every global random generator was seeded with `global_seed`."""
    _seed_globally(global_seed)
    return getattr(student, function)(**arguments)


def minibatches_repeatedly(student, count, n, batch_size, generator):
    """Call `minibatches` `count` times with one generator object; the result of each call."""
    calls = (student.minibatches(n, batch_size, generator=generator) for _ in range(count))
    return [list(batches) for batches in calls]


def _batches(loader, n):
    # Until more than n samples were served: a loader that never ends is seen as one that serves
    # too many. No list(loader): that would ask for len(loader) too.
    batches, left = [], n
    for batch in loader:
        batches.append(batch)
        left -= _size(batch)
        if left < 0:
            break
    return batches


def _size(batch):
    try:
        return max(1, len(batch[1]))
    except (TypeError, LookupError):  # whatever it is, the check will say so
        return 1


def _seed_globally(seed):
    torch.manual_seed(seed)
    np.random.seed(seed)
    random.seed(seed)
