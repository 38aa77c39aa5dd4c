"""Public checks of `models`: counts, laws, PyTorch's own layers, and the handout's examples.

Models are driven by short programs; what one prints is judged. Each can be pasted into a file
beside yours. A model is called once before anything else, so that lazy layers are built, and then
its parameters are often set to numbers that let you tell by hand what has to come out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import (
    assert_equal,
    assert_printed,
    assert_raises,
    assert_that,
    exercise,
    given,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
FLOAT32 = {"dtype": torch.float32, "terms": 8}
BIASES = torch.linspace(-4, 5, 10)  # of ten classes, of either sign

Shape = tuple[int, ...]


# --- programs that drive a model -------------------------------------------------------------


def made(call: str, *shape: int) -> list[str]:
    """The lines that make a model in evaluation mode, and call it once with images of a shape."""
    return [
        "import torch",
        f"from models import {call.split('(')[0]}",
        "",
        f"model = {call}.eval()",
        f"model(torch.zeros{shape})  # a model may have lazy layers",
    ]


COUNTED = ["print(sum(p.numel() for p in model.parameters()))"]


def all_set_to(number: float) -> list[str]:
    """The lines that set every parameter to a number."""
    return ["for p in model.parameters():", f"    p.data.fill_({number})"]


def only_the_last_bias(classes: int, low: float, high: float) -> list[str]:
    """The lines that set all parameters to 0 but those that can only be the last layer's bias."""
    return [
        "for p in model.parameters():",
        "    p.data.zero_()",
        f"    if p.shape == ({classes},):",
        f"        p.data.copy_(torch.linspace({low}, {high}, {classes}))",
    ]


def assert_program(student: Any, lines: list[str], *expected: Any) -> None:
    """A program prints what is expected, in float32 where it is no whole number."""
    assert_printed(student.program(lines), list(expected), **FLOAT32)


def assert_learns(student: Any, lines: list[str], x: str) -> None:
    """Of a model's parameters, of which there are some, each gets a gradient."""
    lines = [
        *lines,
        f"model({x}).sum().backward()",
        "print([p.grad is not None for p in model.parameters()])",
    ]
    [got] = student.program(lines)
    assert_that(
        isinstance(got, list) and bool(got), "the model has no parameters: which are to learn?", got
    )
    assert_that(all(got), "a parameter gets no gradient: what comes out must depend on it", got)


# --- mlp -------------------------------------------------------------------------------------


@st.composite
def perceptrons(draw: st.DrawFn) -> tuple[list[int], int, int]:
    """(hidden, in_features, num_classes), no two of these numbers equal."""
    sizes = draw(st.lists(integers(1, 12), min_size=2, max_size=5, unique=True))
    return sizes[2:], sizes[0], sizes[1]


EQUAL_SIZES = sampled_from([([6, 6, 6], 6, 6), ([4, 4], 9, 3)])  # of layers that share nothing


@exercise("mlp", weight=1.5)
@given(sizes=perceptrons() | EQUAL_SIZES)
def test_mlp_has_its_parameters(student, sizes):
    """A dense layer from m to n features has m·n weights and n biases: nothing else is there."""
    hidden, features, classes = sizes
    widths = [features, *hidden, classes]
    count = sum((m + 1) * n for m, n in pairwise(widths))
    assert_program(student, [*made(f"mlp{sizes}", 1, features), *COUNTED], count)


@exercise("mlp", weight=1.5)
@given(sizes=perceptrons(), n=integers(1, 3))
def test_mlp_ends_with_logits(student, sizes, n):
    """If only the last layer's biases are not 0, they come out as they are, for each sample."""
    _, features, classes = sizes
    lines = [
        *made(f"mlp{sizes}", 1, features),
        *only_the_last_bias(classes, -3, 2),
        f"print(model(torch.ones({n}, {features})))",
    ]
    assert_program(student, lines, torch.linspace(-3, 2, classes).expand(n, classes))


@exercise("mlp", weight=1)
def test_mlp_by_hand(student):
    """With ones as parameters (1, 2) becomes three 4s, then 13; of (−3, 1) ReLU leaves nothing."""
    x = "torch.tensor([[1.0, 2.0], [-3.0, 1.0]])"
    lines = [*made("mlp([3], 2, 4)", 1, 2), *all_set_to(1), f"print(model({x}))"]
    assert_program(student, lines, torch.tensor([[13.0] * 4, [1.0] * 4]))


@exercise("mlp", weight=1)
def test_mlp_takes_images(student):
    """Without sizes it is for images of 28×28 and ten classes; a batch stays a batch."""
    lines = made("mlp([30])", 1, 1, 28, 28)
    lines += [*COUNTED, "print(tuple(model(torch.ones(3, 1, 28, 28)).shape))"]
    assert_program(student, lines, 784 * 30 + 30 + 30 * 10 + 10, (3, 10))


@exercise("mlp", weight=2)
def test_mlp_learns(student):
    """Each of its parameters gets a gradient."""
    assert_learns(student, made("mlp([4, 3], 5, 2)", 1, 5), "torch.ones(2, 5)")


# --- mnist_cnn -------------------------------------------------------------------------------


@exercise("mnist_cnn", weight=2)
@given(dropout=booleans())
def test_mnist_cnn_has_its_parameters(student, dropout):
    """It has 1,199,882 parameters, with dropout or without."""
    lines = [*made(f"mnist_cnn(dropout={dropout})", 1, 1, 28, 28), *COUNTED]
    assert_program(student, lines, 1_199_882)


@exercise("mnist_cnn", weight=2)
@given(n=sampled_from([1, 3]))
def test_mnist_cnn_ends_with_logits(student, n):
    """If only the last layer's biases are not 0, they come out as they are, for each image."""
    lines = [
        *made("mnist_cnn()", 1, 1, 28, 28),
        *only_the_last_bias(10, -4, 5),
        f"print(model(torch.ones({n}, 1, 28, 28)))",
    ]
    assert_program(student, lines, BIASES.expand(n, 10))


@exercise("mnist_cnn", weight=1)
def test_mnist_cnn_by_hand(student):
    """If each parameter is 1/8, an image of ones becomes 1.25, 45.125, 51,984.125, 831,746.125."""
    lines = [
        *made("mnist_cnn()", 1, 1, 28, 28),
        *all_set_to(0.125),
        "print(model(torch.ones(1, 1, 28, 28)))",
    ]
    assert_program(student, lines, torch.full((1, 10), 831_746.125))


@exercise("mnist_cnn", weight=3)
@given(dropout=booleans())
def test_dropout_is_for_training(student, dropout):
    """Two calls differ with dropout in training; they are equal in evaluation, or without it."""
    lines = [
        *made(f"mnist_cnn(dropout={dropout})", 1, 1, 28, 28),
        "x = torch.ones(8, 1, 28, 28)",
        "print(torch.equal(model(x), model(x)))",
        "",
        "model.train()",
        "print(torch.equal(model(x), model(x)))",
    ]
    assert_program(student, lines, True, not dropout)


@exercise("mnist_cnn", weight=1)
def test_mnist_cnn_learns(student):
    """Each of its parameters gets a gradient."""
    assert_learns(student, made("mnist_cnn()", 1, 1, 28, 28), "torch.ones(2, 1, 28, 28)")


# --- small_cnn -------------------------------------------------------------------------------


@exercise("small_cnn", weight=2)
@given(batchnorm=sampled_from([None, "before", "after"]))
def test_small_cnn_has_its_parameters(student, batchnorm):
    """It has 4,266 parameters, and 4,290 with batch norm, wherever that is."""
    lines = [*made(f"small_cnn({batchnorm!r})", 1, 1, 28, 28), *COUNTED]
    assert_program(student, lines, 4290 if batchnorm else 4266)


@exercise("small_cnn", weight=2)
@given(batchnorm=sampled_from([None, "before", "after"]), n=sampled_from([1, 3]))
def test_small_cnn_ends_with_logits(student, batchnorm, n):
    """If only the last layer's biases are not 0, they come out as they are, for each image."""
    lines = [
        *made(f"small_cnn({batchnorm!r})", 1, 1, 28, 28),
        *only_the_last_bias(10, -4, 5),
        f"print(model(torch.ones({n}, 1, 28, 28)))",
    ]
    assert_program(student, lines, BIASES.expand(n, 10))


@exercise("small_cnn", weight=1)
def test_small_cnn_by_hand(student):
    """With ones as parameters an image of ones becomes 10, then 361, and 392·361 + 1 at the end."""
    lines = [
        *made("small_cnn()", 1, 1, 28, 28),
        *all_set_to(1),
        "print(model(torch.ones(1, 1, 28, 28)))",
    ]
    assert_program(student, lines, torch.full((1, 10), 392.0 * 361 + 1))


@exercise("small_cnn", weight=2)
@given(batchnorm=sampled_from(["before", "after"]))
def test_place_of_batch_norm_by_hand(student, batchnorm):
    """With −1 as each parameter a ReLU before batch norm leaves 0, one behind it leaves all."""
    lines = [
        *made(f"small_cnn({batchnorm!r})", 1, 1, 28, 28),
        *all_set_to(-1),
        "print(model(torch.ones(1, 1, 28, 28)))",
    ]
    root = (1 + 1e-5) ** 0.5  # the running variance is still 1
    if batchnorm == "before":  # the pooling sees nothing of the border
        first = 10 / root - 1
        second = (36 * first + 1) / root - 1
        expected = -392 * second - 1
    else:  # the second convolution's 35 inside, 23 at the edges, 15 in the corners; 8 channels
        expected = 8 * (25 * (35 / root + 1) + 20 * (23 / root + 1) + 4 * (15 / root + 1)) - 1
    # 392 equal numbers, none of which is exact: their rounding errors all go one way
    expected = torch.full((1, 10), expected, dtype=torch.float64)
    assert_printed(student.program(lines), [expected], dtype=torch.float32, terms=50)


@exercise("small_cnn", weight=1)
def test_small_cnn_learns(student):
    """Each of its parameters gets a gradient."""
    assert_learns(student, made("small_cnn('after')", 1, 1, 28, 28), "torch.ones(2, 1, 28, 28)")


# --- two_conv_cnn ----------------------------------------------------------------------------


@exercise("two_conv_cnn", weight=2)
@given(in_px=sampled_from([16, 4, 8, 12, 28]), batchnorm=booleans())
def test_two_conv_cnn_has_its_parameters(student, in_px, batchnorm):
    """At 16 pixels 18,378, with batch norm 96 more (or 116, with that of the logits)."""
    call = f"two_conv_cnn({in_px}, batchnorm={batchnorm})"
    [count] = student.program([*made(call, 1, 1, in_px, in_px), *COUNTED])
    expected = 18_378 + 10 * 32 * ((in_px // 4) ** 2 - 16)
    if batchnorm and count == expected + 116:
        return
    assert_equal(count, expected + 96 * batchnorm)


@exercise("two_conv_cnn", weight=2)
@given(in_px=sampled_from([16, 4, 8]), n=sampled_from([1, 3]))
def test_two_conv_cnn_ends_with_logits(student, in_px, n):
    """If only the last layer's biases are not 0, they come out as they are, for each image."""
    lines = [
        *made(f"two_conv_cnn({in_px})", 1, 1, in_px, in_px),
        *only_the_last_bias(10, -4, 5),
        f"print(model(torch.ones({n}, 1, {in_px}, {in_px})))",
    ]
    assert_program(student, lines, BIASES.expand(n, 10))


@exercise("two_conv_cnn", weight=1)
def test_two_conv_cnn_by_hand(student):
    """With ones as parameters a 4×4 image of ones becomes 17, then 1089, and 34,849 at the end."""
    lines = [
        *made("two_conv_cnn(4)", 1, 1, 4, 4),
        *all_set_to(1),
        "print(model(torch.ones(1, 1, 4, 4)))",
    ]
    assert_program(student, lines, torch.full((1, 10), 34_849.0))


@exercise("two_conv_cnn", weight=1)
def test_two_conv_cnn_learns(student):
    """Each of its parameters gets a gradient."""
    head = made("two_conv_cnn(8, batchnorm=True)", 1, 1, 8, 8)
    assert_learns(student, head, "torch.ones(2, 1, 8, 8)")


# --- ResidualBlock ---------------------------------------------------------------------------


@exercise("ResidualBlock", weight=1)
@given(shape=st.tuples(integers(1, 3), integers(1, 5), integers(2, 6), integers(2, 6)))
def test_block_keeps_the_shape(student, shape):
    """What comes out has the shape of x, whatever that is."""
    lines = [*made(f"ResidualBlock({shape[1]})", *shape)]
    lines += [f"print(tuple(model(torch.ones{shape}).shape))"]
    assert_program(student, lines, shape)


@exercise("ResidualBlock", weight=5)
@given(x=tensors((2, 3, 2, 3), low=0, high=8, layouts=False), mode=sampled_from(["eval", "train"]))
def test_block_without_weights_is_the_identity(student, x, mode):
    """If every parameter is 0, each x ≥ 0 comes back as it was, in either mode."""
    lines = [
        *made("ResidualBlock(3)", 1, 3, 2, 3),
        *all_set_to(0),
        f"model.{mode}()",
        f"print(model(torch.tensor({x.tolist()})))",
    ]
    assert_program(student, lines, x)


@exercise("ResidualBlock", weight=1)
def test_block_learns(student):
    """Each of its parameters gets a gradient, and it has some."""
    assert_learns(student, made("ResidualBlock(3)", 1, 3, 4, 4), "torch.ones(2, 3, 4, 4)")


@exercise("ResidualBlock", weight=2)
def test_block_has_a_batch_norm_for_each_place(student):
    """After one batch in training each of its batch norms, if it has any, has seen one batch."""
    assert_one_batch_each(student, made("ResidualBlock(3)", 1, 3, 4, 4), "torch.ones(2, 3, 4, 4)")


def assert_one_batch_each(student: Any, lines: list[str], x: str) -> None:
    """No batch norm serves two layers."""
    lines = [
        *lines,
        "model.train()",
        f"model({x})",
        'print([int(b) for n, b in model.named_buffers() if n.endswith("num_batches_tracked")])',
    ]
    [seen] = student.program(lines)
    fine = isinstance(seen, list) and set(seen) <= {1}
    problem = "one batch went through the model, and a batch norm in it has seen more, or none"
    assert_that(fine, f"{problem}: {seen}", seen)


# --- replace_head ----------------------------------------------------------------------------

NETWORKS = {
    "a classifier at the end": [
        "model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))",
    ],
    "a nested classifier": [
        "body = nn.Sequential(nn.Linear(2, 5), nn.BatchNorm1d(5), nn.ReLU())",
        "head = nn.Sequential(nn.Dropout(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))",
        "model = nn.Sequential(body, head)",
    ],
    "a hidden layer called fc": [
        "model = nn.Sequential()",
        "model.fc, model.relu, model.last = nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)",
    ],
}


def headed(network: str, classes: int) -> list[str]:
    """The lines that make a network with three classes and two inputs, and replace its head."""
    return [
        "import torch",
        "from torch import nn",
        "from models import replace_head",
        "",
        "torch.manual_seed(0)",
        *NETWORKS[network],
        "model(torch.randn(8, 2) + 1)  # a batch norm has measured something",
        "model.eval()",
        "x = torch.tensor([[1.0, 2.0], [-3.0, 4.0]])",
        f"model = replace_head(model, {classes})",
    ]


NETWORK = sampled_from(sorted(NETWORKS))


@exercise("replace_head", weight=2)
@given(network=NETWORK, classes=integers(1, 6))
def test_only_the_head_trains(student, network, classes):
    """Exactly a weight (num_classes, 4) and a bias (num_classes,) require a gradient."""
    trained = "[list(p.shape) for p in model.parameters() if p.requires_grad]"
    lines = [*headed(network, classes), f"print(sorted({trained}))"]
    assert_program(student, lines, sorted([[classes, 4], [classes]]))


@exercise("replace_head", weight=1)
@given(network=NETWORK, classes=integers(1, 6))
def test_new_head_has_new_classes(student, network, classes):
    """There are num_classes logits."""
    lines = [*headed(network, classes), "print(tuple(model.eval()(x).shape))"]
    assert_program(student, lines, (2, classes))


@exercise("replace_head", weight=2)
@given(network=NETWORK)
def test_with_the_old_head_it_is_the_old_model(student, network):
    """With the numbers of the old head in the new one, the answers are the old ones."""
    lines = headed(network, 3)
    last = lines.pop()
    lines += [
        "old = list(model.parameters())[-2:]  # weight and bias of the last layer",
        "before = model(x).detach()",
        "",
        last,
        "for p in model.parameters():",
        "    if p.requires_grad:",
        "        p.data.copy_(old[0] if p.dim() == 2 else old[1])",
        "print((model.eval()(x) - before).abs().max())",
    ]
    assert_close_to_zero(student.program(lines))


@exercise("replace_head", weight=2)
def test_body_stands_still_in_training(student):
    """After batches in training mode and steps of an optimizer the body is what it was."""
    lines = [
        *headed("a nested classifier", 3),
        "head = [p for p in model.parameters() if p.requires_grad]",
        "start = [p.detach().clone() for p in head]",
        "before = model.eval()(x).detach()",
        "",
        "model.train()",
        "optimizer = torch.optim.SGD(model.parameters(), lr=1.0)",
        "for _ in range(3):",
        "    (model(torch.randn(8, 2) + 5) ** 2).sum().backward()",
        "    optimizer.step()",
        "",
        "for p, value in zip(head, start):",
        "    p.data.copy_(value)  # the head as it was",
        "print((model.eval()(x) - before).abs().max())",
    ]
    assert_close_to_zero(student.program(lines))


def assert_close_to_zero(printed: Any) -> None:
    """A program printed how far its answers are from what they were."""
    assert_printed(printed, [torch.tensor(0.0)], dtype=torch.float32, terms=20, scale=4)


# --- patchify --------------------------------------------------------------------------------


@st.composite
def patched(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    """Images, and a patch that they can be cut into."""
    n, c, patch = draw(integers(1, 3)), draw(integers(1, 3)), draw(integers(1, 3))
    rows, columns = draw(integers(1, 3)), draw(integers(1, 4))
    return draw(tensors((n, c, rows * patch, columns * patch), dtype=FLOATS)), patch


@exercise("patchify", weight=2)
@given(case=patched())
def test_patches_are_the_columns_of_unfold(student, case):
    """They are the columns of PyTorch's F.unfold, whose windows do not overlap here."""
    x, patch = case
    assert_equal(student.patchify(x, patch), F.unfold(x, patch, stride=patch).mT)


@exercise("patchify", weight=2)
@given(case=patched())
def test_patches_are_put_together(student, case):
    """unpatchify makes of these columns the images that they came from."""
    x, patch = case
    patches = F.unfold(x, patch, stride=patch).mT
    assert_equal(student.unpatchify(patches, patch, tuple(x.shape)), x)


@exercise("patchify", weight=1)
def test_patches_by_hand(student):
    """A row of an image is shared by the patches that lie side by side."""
    x = torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8]]).reshape(1, 1, 2, 4)
    expected = torch.tensor([[[1.0, 2, 5, 6], [3, 4, 7, 8]]])
    assert_equal(student.patchify(x, 2), expected)
    assert_equal(student.unpatchify(expected, 2, (1, 1, 2, 4)), x)


@exercise("patchify", weight=1)
@given(
    sizes=sampled_from(
        [(4, 6, 4), (6, 4, 4), (5, 5, 2), (2, 2, 3), (3, 6, 2), (3, 4, 2), (8, 2, 4)]
    )
)
def test_patches_fill_the_image(student, sizes):
    """If patch does not divide the height or the width, ValueError is raised."""
    h, w, patch = sizes
    assert_raises(ValueError, lambda: student.patchify(torch.zeros(1, 2, h, w), patch))


@exercise("patchify", weight=0)
def test_patches_would_run_on_a_gpu(student):
    """It would run on a GPU: new tensors are made where the input is."""
    student.portable.patchify(torch.ones(1, 2, 4, 4), 2)
    student.portable.unpatchify(torch.ones(1, 4, 8), 2, (1, 2, 4, 4))


# --- TinyUNet --------------------------------------------------------------------------------


@exercise("TinyUNet", weight=1)
@given(
    n=integers(1, 2), c=integers(1, 3), classes=integers(1, 4), h=integers(2, 4), w=integers(2, 4)
)
def test_unet_has_logits_for_each_pixel(student, n, c, classes, h, w):
    """Height and width stay, for whatever is divisible by 4; the channels become the classes."""
    shape = n, c, 4 * h, 4 * w
    lines = made(f"TinyUNet({c}, {classes}, width=4)", *shape)
    lines += [f"print(tuple(model(torch.ones{shape}).shape))"]
    assert_program(student, lines, (n, classes, 4 * h, 4 * w))


@exercise("TinyUNet", weight=4)
@given(classes=integers(2, 5), shape=sampled_from([(1, 2, 8, 8), (2, 1, 12, 8)]))
def test_unet_ends_with_logits(student, classes, shape):
    """If only the last layer's biases are not 0, they come out as they are, at each pixel."""
    n, c, h, w = shape
    lines = [
        *made(f"TinyUNet({c}, {classes}, width=6)", *shape),
        *only_the_last_bias(classes, -3, 2),
        f"print(model(torch.ones{shape}))",
    ]
    biases = torch.linspace(-3, 2, classes)[:, None, None]
    assert_program(student, lines, biases.expand(n, classes, h, w))


@exercise("TinyUNet", weight=7)
def test_unet_has_a_skip_at_full_size(student):
    """If nothing passes below full size, two images still give two answers."""
    lines = [
        *made("TinyUNet(1, 3, width=4)", 1, 1, 8, 8),
        "for p in model.parameters():",
        "    p.data.fill_(0.125)",
        "    if p.shape[:1] in ((8,), (16,)):  # what gives 2·width or 4·width channels",
        "        p.data.zero_()",
        "image = torch.arange(64.0).reshape(1, 1, 8, 8) / 8",
        "print((model(image) - model(image**2)).abs().max())",
    ]
    [apart] = student.program(lines)
    assert_that(
        isinstance(apart, torch.Tensor) and bool(apart > 1e-3),
        "with nothing below full size the answers are equal: what carries the details there?",
        apart,
    )


@exercise("TinyUNet", weight=1)
def test_unet_learns(student):
    """Each of its parameters gets a gradient."""
    assert_learns(student, made("TinyUNet(2, 3, width=4)", 1, 2, 8, 8), "torch.ones(2, 2, 8, 8)")


@exercise("TinyUNet", weight=3)
def test_unet_has_a_batch_norm_for_each_place(student):
    """After one batch in training each of its batch norms, if it has any, has seen one batch."""
    lines = made("TinyUNet(2, 3, width=4)", 1, 2, 8, 8)
    assert_one_batch_each(student, lines, "torch.ones(2, 2, 8, 8)")
