"""Trains a student's model, and asks it afterwards: the images that judge it come only then.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

import contextlib
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

EPOCHS = 20  # the budget
TIMES = 80  # in CPU time: as long as the small recipe

_TRAINED = []  # the last model, between `train` and `answers`


def train(student, name, x, y, seed, device="cpu"):
    """Call `train_mlp` or `train_cnn`; returns what it gave back and what that took.

    A training that has used up its budget is ended with a TimeoutError. `epochs` counts samples
    that were passed forward in training mode with gradients; a module that is called by another
    one does not count. `losses` (a tensor) are those that `backward` was called on.
    """
    watch = Watch(name, EPOCHS * len(x), TIMES * yardstick(x, y))
    with watch.watching():
        model = getattr(student, name)(x, y, seed=seed, device=device)
    _TRAINED[:] = [model]
    if not isinstance(model, nn.Module):
        return {"returned": type(model).__name__}
    places = {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]}
    return {
        "returned": "Module",
        "epochs": watch.most_seen / len(x),
        "losses": torch.tensor(watch.losses),
        "devices": sorted(places),
    }


def progress(share, text):
    """Told how much of the budget is used up; something that shows it may take its place."""


def answers(student, x, device="cpu"):
    """What the trained model gives for images, in evaluation mode and without gradients."""
    [model] = _TRAINED
    model.eval()
    with torch.inference_mode():
        given = [model(part.to(device)) for part in x.split(250)]
    return torch.cat(given) if all(isinstance(part, torch.Tensor) for part in given) else given[0]


def losses_of_probabilities(student, name, x, y, seed, device="cpu"):
    """Train once more; how often cross-entropy was asked, and how often of probabilities."""
    spy = CrossEntropySpy()
    with spy:
        model = getattr(student, name)(x, y, seed=seed, device=device)
    _TRAINED[:] = [model]
    return spy.asked, spy.of_probabilities


def yardstick(x, y):
    """The CPU seconds that the handout's small recipe takes here and now."""
    with torch.random.fork_rng():
        started = time.process_time()
        small_recipe(x, y, seed=0)
        return time.process_time() - started


def small_recipe(x, y, *, seed):
    """The small recipe that the handout shows."""
    torch.manual_seed(seed)
    net = nn.Sequential(
        *[nn.Conv2d(1, 8, 5, stride=2, padding=2), nn.ReLU(), nn.MaxPool2d(2)],
        *[nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 7 * 7, 10)],
    )
    adam = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(2):
        for rows in torch.randperm(len(x)).split(64):
            adam.zero_grad()
            loss = F.cross_entropy(net(x[rows]), y[rows])
            loss.backward()
            adam.step()
    return net


class Watch:
    """Counts the samples, the losses and the time of a training, and ends one that takes more."""

    def __init__(self, name, samples, seconds):
        self.losses = []
        self._name = name
        self._allowed_samples, self._allowed_seconds = samples, seconds
        self._seen, self._depth, self._started = {}, 0, 0.0

    @property
    def most_seen(self):
        """The samples that one module has seen; of several, as in an ensemble, the most."""
        return max(self._seen.values(), default=0)

    @contextlib.contextmanager
    def watching(self):
        """Watch what is called meanwhile."""
        backward = torch.autograd.backward

        def spy(tensors, *args, **kwargs):
            if isinstance(tensors, torch.Tensor) and tensors.numel() == 1:
                self.losses.append(float(tensors.detach()))
            return backward(tensors, *args, **kwargs)

        hooks = [
            nn.modules.module.register_module_forward_pre_hook(self._before),
            nn.modules.module.register_module_forward_hook(self._after, always_call=True),
        ]
        torch.autograd.backward = spy
        self._started = time.process_time()
        try:
            yield
        finally:
            torch.autograd.backward = backward
            for hook in hooks:
                hook.remove()

    def _before(self, module, args):
        self._depth += 1
        if self._depth > 1 or not module.training or not torch.is_grad_enabled():
            return
        size = len(args[0]) if args and isinstance(args[0], torch.Tensor) and args[0].dim() else 0
        # a loss is a module too, which sees logits and no images
        if not isinstance(module, nn.modules.loss._Loss):
            self._seen[id(module)] = self._seen.get(id(module), 0) + size
        if self.most_seen > self._allowed_samples:
            raise TimeoutError(f"the budget of {EPOCHS} epochs is used up")
        seconds = time.process_time() - self._started
        share = max(self.most_seen / self._allowed_samples, seconds / self._allowed_seconds)
        progress(share, f"{self._name}: {share:.0%} of the budget")
        if seconds > self._allowed_seconds:
            raise TimeoutError(
                f"the budget of CPU time is used up, {TIMES} times what the small recipe takes"
            )

    def _after(self, module, args, output):
        self._depth -= 1


class CrossEntropySpy(TorchFunctionMode):
    """Notes what cross-entropy is asked of, under whichever name it is called."""

    def __init__(self):
        super().__init__()
        self.asked = self.of_probabilities = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        """Look at the input of `cross_entropy`, and let everything happen as it would."""
        kwargs = kwargs or {}
        if function is F.cross_entropy:
            given = (args[0] if args else kwargs["input"]).detach()
            sums = given.sum(1)
            self.asked += 1
            self.of_probabilities += bool((given >= 0).all() and (sums - 1).abs().max() < 1e-3)
        return function(*args, **kwargs)
