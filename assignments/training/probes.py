"""Trains a student's model, and asks it afterwards: the images that judge it come only then.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

import time

import torch
from torch import nn

_TRAINED = []  # the last model, between `train` and `answers`


def train(student, name, x, y, seed, device="cpu"):
    """Call `train_mlp` or `train_cnn`; returns what it gave back and what that took.

    `seen` are the samples that were passed forward in training mode with gradients; a module that
    is called by another one does not count.
    """
    seen, depth = {}, [0]

    def before(module, args):
        depth[0] += 1
        if depth[0] == 1 and module.training and torch.is_grad_enabled():
            size = (
                len(args[0]) if args and isinstance(args[0], torch.Tensor) and args[0].dim() else 0
            )
            seen[id(module)] = seen.get(id(module), 0) + size

    def after(module, args, output):
        depth[0] -= 1

    hooks = [
        nn.modules.module.register_module_forward_pre_hook(before),
        nn.modules.module.register_module_forward_hook(after, always_call=True),
    ]
    started = time.process_time()
    try:
        model = getattr(student, name)(x, y, seed=seed, device=device)
    finally:
        for hook in hooks:
            hook.remove()
    seconds = time.process_time() - started
    _TRAINED[:] = [model]
    if not isinstance(model, nn.Module):
        return {"returned": type(model).__name__}
    places = {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]}
    kinds = {type(module).__name__ for module in model.modules()}
    return {
        "returned": "Module",
        "seen": max(seen.values(), default=0),
        "seconds": seconds,
        "devices": sorted(places),
        "convolutions": any("Conv" in kind for kind in kinds),
    }


def answers(student, x, device="cpu"):
    """What the trained model gives for images, in evaluation mode and without gradients."""
    [model] = _TRAINED
    model.eval()
    with torch.no_grad():
        given = [model(part.to(device)) for part in x.split(250)]
    return torch.cat(given) if all(isinstance(part, torch.Tensor) for part in given) else given[0]
