"""Hidden checks of `models`: the reference with equal parameters, laws, torchvision's models.

Where the text of an exercise settles what a model computes, its parameters are set to numbers that
depend on their sizes only, and so not on the order or the names that a student gave them. Then
what comes out is the reference's, in float64.
"""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_printed,
    assert_raises,
    assert_that,
    exercise,
    given,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
PLACES = sampled_from([None, "before", "after"])

Shape = tuple[int, ...]


# --- programs that drive a model -------------------------------------------------------------

# each unit's numbers are so small that what comes out is about as large as what goes in
FAN_IN = "    fan_in = p[0].numel() if p.dim() else 1"
NUMBERS = "torch.randn(p.numel()).reshape(p.shape) / fan_in**0.5"
FILLED = [
    "for p in model.parameters():",
    FAN_IN,
    "    torch.manual_seed(9 + p.numel())",  # of no batch norm is a variance near 0 then
    f"    p.data.copy_({NUMBERS})",
]
POSITIVE = [*FILLED[:-1], f"    p.data.copy_(({NUMBERS}).abs())"]


def made(call: str, shape: Shape, dtype: torch.dtype = torch.float32) -> list[str]:
    """The lines that make a model in evaluation mode, and call it once with images of a shape."""
    lines = [
        "import torch",
        f"from models import {call.split('(')[0]}",
        "",
        f"model = {call}.eval()",
        f"model(torch.zeros{shape})  # a model may have lazy layers",
    ]
    return [*lines, "model.double()"] if dtype is torch.float64 else lines


def drawn(shape: Shape, dtype: torch.dtype, seed: int, name: str = "x") -> list[str]:
    """The lines that draw images."""
    double = ".double()" if dtype is torch.float64 else ""
    return ["", f"torch.manual_seed({seed})", f"{name} = torch.randn{shape}{double}"]


def passes(call: str, shape: Shape, modes: str, dtype: torch.dtype) -> list[str]:
    """The program that prints what a model with set parameters makes of x in some modes."""
    lines = [*made(call, shape, dtype), *FILLED, *drawn(shape, dtype, 0)]
    for mode in modes.split():
        lines += [f"model.{mode}()", "print(model(x))"]
    return lines


def assert_as_reference(student: Any, reference: Any, *case: Any, dtype: torch.dtype) -> None:
    """The program `passes(…)` prints what it prints with the reference in float64."""
    expected = reference.program(passes(*case, torch.float64))
    printed = student.program(passes(*case, dtype))
    assert_printed(printed, expected, dtype=dtype, terms=12)


def tensor_of(student: Any, lines: list[str], shape: Shape) -> torch.Tensor:
    """What a program prints, once it is known to be one tensor of this shape."""
    [got] = student.program(lines)
    is_right = isinstance(got, torch.Tensor) and tuple(got.shape) == shape
    assert_that(is_right, f"expected a tensor of shape {shape}", got)
    return got.double()


# --- mlp -------------------------------------------------------------------------------------


@st.composite
def perceptrons(draw: st.DrawFn) -> tuple[str, Shape]:
    """A call of mlp, and the shape of its samples: vectors or images."""
    n, hidden = draw(integers(1, 3)), draw(st.lists(integers(1, 9), max_size=4, unique=True))
    sizes = draw(st.tuples(integers(3, 9)) | st.tuples(*[integers(1, 3)] * 3))
    shape = n, *sizes
    features = torch.Size(sizes).numel()
    return f"mlp({hidden}, in_features={features}, num_classes={draw(integers(1, 9))})", shape


@exercise("mlp", weight=4)
@given(case=perceptrons(), mode=sampled_from(["eval", "train"]), dtype=FLOATS)
def test_mlp_matches_the_reference(student, reference, case, mode, dtype):
    """With the same parameters it is the reference's function, in either mode."""
    assert_as_reference(student, reference, *case, mode, dtype=dtype)


@exercise("mlp", weight=1)
def test_models_share_nothing(student):
    """A second model of the same sizes does not change with the first, nor does the list."""
    lines = [
        "import torch",
        "from models import mlp",
        "",
        "hidden = [4, 3]",
        "one, other = mlp(hidden, 5, 2), mlp(hidden, 5, 2)",
        "x = torch.ones(1, 5)",
        "before = one(x), other(x)",
        "for p in one.parameters():",
        "    p.data.fill_(1.0)",
        "print(hidden)",
        "print(one(x))",
        "print(torch.equal(other(x), before[1]))",
    ]
    expected = [[4, 3], torch.full((1, 2), 76.0), True]
    assert_printed(student.program(lines), expected, dtype=torch.float32)


# --- mnist_cnn -------------------------------------------------------------------------------


@exercise("mnist_cnn", weight=4)
@given(dropout=booleans(), n=sampled_from([1, 2]), dtype=FLOATS)
def test_mnist_cnn_matches_the_reference(student, reference, dropout, n, dtype):
    """With the same parameters it is the reference's function in evaluation."""
    case = f"mnist_cnn(dropout={dropout})", (n, 1, 28, 28), "eval"
    assert_as_reference(student, reference, *case, dtype=dtype)


@exercise("mnist_cnn", weight=1)
def test_mnist_cnn_without_dropout_in_training(student, reference):
    """Without dropout training makes no difference: it is the reference's function there too."""
    case = "mnist_cnn()", (1, 1, 28, 28), "train eval"
    assert_as_reference(student, reference, *case, dtype=torch.float32)


@exercise("mnist_cnn", weight=2)
def test_no_logit_is_dropped(student):
    """With dropout in training no logit is 0, and an image's do not depend on the one beside it."""
    shape = 16, 1, 28, 28
    lines = [*made("mnist_cnn(dropout=True)", (1, 1, 28, 28)), *FILLED]
    lines += ["model.train()", f"print(model(torch.ones{shape}))"]
    got = tensor_of(student, lines, (16, 10))
    assert_that(bool((got != 0).all()), "a logit is exactly 0 in training: was it dropped?")
    assert_that(bool((got != got[0]).any()), "16 equal images lost the same, all of them")


@exercise("mnist_cnn", weight=1)
def test_dropout_is_behind_the_pooling(student):
    """With dropout in training, nothing is lost of what the convolutions and the pooling read."""
    lines = [
        *made("mnist_cnn(dropout=True)", (1, 1, 28, 28), torch.float64),
        "for p in model.parameters():",
        "    p.data.fill_(1.0)",
        "    if p.numel() in (32 * 9, 64 * 32 * 9):  # of each kernel only the middle is not 0",
        "        p.data.copy_(torch.eye(9)[4].repeat(p.numel() // 9).reshape(p.shape))",
        "",
        "x = torch.ones(8, 1, 28, 28).double()",
        "x[:, :, 1::2, 1::2] = 2.0  # in each window of the pooling the lower right pixel",
        "model.train()",
        "model(x).sum().backward()",
        "for p in model.parameters():",
        "    if p.numel() == 64 * 32 * 9:",
        "        print(p.grad.reshape(64, 32, 9).sum(dim=0))",
    ]
    # This gradient is the sum of what the second convolution reads around each pixel that the
    # pooling passes on. Without dropout in front of it that is 2 + 1 in the middle and 1 + 1 around
    # it, in each channel; dropout behind the pooling weights pixels, but all nine places alike.
    got = tensor_of(student, lines, (32, 9))
    expected = torch.tensor([2.0, 2, 2, 2, 3, 2, 2, 2, 2]).double() * got[0, 0] / 2
    right = bool(((got - expected).abs() <= 1e-6 * got.abs().max()).all())
    problem = (
        "of an image in training the second convolution and the pooling do not see everything: is "
        "something dropped in front of them?"
    )
    assert_that(right, problem)


# --- small_cnn -------------------------------------------------------------------------------


@exercise("small_cnn", weight=5)
@given(batchnorm=PLACES, n=sampled_from([1, 2]), dtype=FLOATS)
def test_small_cnn_matches_the_reference(student, reference, batchnorm, n, dtype):
    """With the same parameters it is the reference's function: evaluated, trained, evaluated."""
    case = f"small_cnn(batchnorm={batchnorm!r})", (n, 1, 28, 28), "eval train eval"
    assert_as_reference(student, reference, *case, dtype=dtype)


@exercise("small_cnn", weight=2)
@given(name=sampled_from(["middle", "Before", "", "none"]))
def test_unknown_places_raise(student, name):
    """A place that there is not raises ValueError when the model is made."""
    lines = ["from models import small_cnn", f"small_cnn({name!r})"]
    assert_raises(ValueError, lambda: student.program(lines))


# --- two_conv_cnn ----------------------------------------------------------------------------


@exercise("two_conv_cnn", weight=3)
@given(in_px=sampled_from([8, 4, 12, 16]), n=sampled_from([1, 2]), dtype=FLOATS)
def test_two_conv_cnn_matches_the_reference(student, reference, in_px, n, dtype):
    """With the same parameters it is the reference's function, for any size."""
    case = f"two_conv_cnn({in_px})", (n, 1, in_px, in_px), "eval train"
    assert_as_reference(student, reference, *case, dtype=dtype)


@exercise("two_conv_cnn", weight=3)
@given(in_px=sampled_from([8, 12, 16]), n=sampled_from([2, 3]), dtype=FLOATS)
def test_batch_norm_of_two_conv_cnn(student, reference, in_px, n, dtype):
    """With batch norm it is the reference's function: evaluated, trained, evaluated.

    Or the one that has batch norm on the logits too.
    """
    call, shape = f"two_conv_cnn({in_px}, batchnorm=True)", (n, 1, in_px, in_px)
    modes = "eval train eval"
    count = ["print(sum(b.numel() for b in model.parameters()))"]
    expected = reference.program([*passes(call, shape, modes, torch.float64), *count])
    printed = student.program([*passes(call, shape, modes, dtype), *count])
    if printed[-1:] == [expected[-1] + 20]:
        expected = [*with_normalised_logits(expected[:3], 10), expected[-1] + 20]
    assert_printed(printed, expected, dtype=dtype, terms=16)


def with_normalised_logits(logits: list[torch.Tensor], classes: int) -> list[torch.Tensor]:
    """What an `nn.BatchNorm1d` makes of logits in evaluation, in training, in evaluation."""
    layer = torch.nn.BatchNorm1d(classes).double()
    for p in layer.parameters():
        torch.manual_seed(9 + p.numel())
        p.data.copy_(torch.randn(p.numel()))
    modes = False, True, False
    return [layer.train(mode)(y).detach() for mode, y in zip(modes, logits, strict=True)]


# --- ResidualBlock ---------------------------------------------------------------------------


@exercise("ResidualBlock", weight=4)
@given(x=tensors((1, 2, 3, 3), dtype=FLOATS, low=0, high=8, layouts=False))
def test_sum_is_not_weighted(student, x):
    """Without weights it is the identity for x ≥ 0 in float64 too, trained or not, with slope 1."""
    lines = [
        *made("ResidualBlock(2)", (1, 2, 3, 3), x.dtype),
        "for p in model.parameters():",
        "    p.data.zero_()",
        f"x = torch.tensor({x.tolist()}, dtype={x.dtype})",
        "print(model(x))",
        "print(model.train()(x))",
        "print(model.eval()(x))",
        "x = (x + 1).requires_grad_()",
        "model(x).sum().backward()",
        "print(x.grad)",
    ]
    expected = [x, x, x, torch.ones_like(x)]
    assert_printed(student.program(lines), expected, dtype=x.dtype)


@exercise("ResidualBlock", weight=2)
def test_sum_is_of_x_as_it_is(student):
    """Where f gives the same c > 0 for every x, the block makes c/2 of x = −c/2."""
    lines = [
        *made("ResidualBlock(2)", (1, 2, 3, 3), torch.float64),
        "for p in model.parameters():",
        "    p.data.fill_(1.0 if p.dim() < 2 else 0.0)  # biases (and scales) of 1 without weights",
        "x = torch.ones(1, 2, 3, 3).double()",
        "for size in (16, 4, 0.25):",
        "    c = model(size * x) - size * x",
        "    print(c)",
        "print(model(-c / 2))",
    ]
    *found, y = (plain(value, (1, 2, 3, 3)) for value in student.program(lines))
    c = found[-1]
    known = all(bool((other - c).abs().max() < 1e-9) for other in found) and bool((c > 0.01).all())
    if known:  # an f may have no biases, or more than those
        assert_close(y, c / 2, dtype=torch.float64, terms=8, scale=float(c.max()))


@exercise("ResidualBlock", weight=1)
def test_block_leaves_its_input_alone(student):
    """After a call x is what it was, also where it is negative."""
    lines = [
        *made("ResidualBlock(2)", (1, 2, 2, 2)),
        "x = torch.arange(-4.0, 4.0).reshape(1, 2, 2, 2)",
        "model(x)",
        "print(x)",
    ]
    x = torch.arange(-4.0, 4.0).reshape(1, 2, 2, 2)
    assert_printed(student.program(lines), [x], dtype=torch.float32)


@exercise("ResidualBlock", weight=3)
def test_f_is_not_linear(student):
    """f of a mean is not the mean of f, however the weights are, and f depends on x.

    Where what comes out is positive a ReLU behind the sum has done nothing.
    """
    shape, tries = (1, 8, 8, 8), 3
    lines = [
        *made("ResidualBlock(8)", shape),
        f"for start in range({tries}):",
        "    for p in model.parameters():",
        f"    {FAN_IN}",
        "        torch.manual_seed(1000 * start + p.numel())",
        f"        p.data.copy_({NUMBERS})",
        "    a, b = torch.randn(2, 1, 8, 8, 8)",
        "    for x in (a, b, (a + b) / 2):",
        "        x = x.reshape(1, 8, 8, 8)",
        "        print(x)",
        "        print(model(x))",
    ]
    printed = [plain(value, shape) for value in student.program(lines)]
    assert_that(len(printed) == 6 * tries, "expected a tensor for each image", printed)
    depends = bends = 0.0
    for start in range(0, 6 * tries, 6):
        a, y_a, b, y_b, _, y_mean = printed[start : start + 6]
        whole = (y_a > 0) & (y_b > 0) & (y_mean > 0)
        bend = torch.where(whole, y_mean - (y_a + y_b) / 2, 0.0).abs() / (1 + y_mean.abs())
        change = torch.where(whole, (y_a - a) - (y_b - b), 0.0).abs() / (1 + y_mean.abs())
        depends, bends = max(depends, float(change.max())), max(bends, float(bend.max()))
    assert_that(depends > 1e-3, "f(x) is the same for every x")
    problem = "f is linear: f((a + b) / 2) = (f(a) + f(b)) / 2. What is between its layers?"
    assert_that(bends > 1e-3, problem)


def plain(value: Any, shape: Shape) -> torch.Tensor:
    """A printed value, once it is known to be a tensor of this shape."""
    is_right = isinstance(value, torch.Tensor) and tuple(value.shape) == shape
    assert_that(is_right, f"expected a tensor of shape {shape}", value)
    return value.double()


@exercise("ResidualBlock", weight=2)
def test_f_sees_neighbours(student):
    """What f adds to a pixel depends on the pixels around it."""
    lines = [
        *made("ResidualBlock(2)", (1, 2, 5, 5), torch.float64),
        *POSITIVE,
        "torch.manual_seed(0)",
        "x = torch.rand(1, 2, 5, 5).double().requires_grad_()",
        "model(x)[0, :, 2, 2].sum().backward()",
        "print(x.grad[0].abs().sum(dim=0))",
    ]
    seen = tensor_of(student, lines, (5, 5))
    around = float(seen.sum() - seen[2, 2])
    assert_that(around > 0, "a pixel of f(x) depends on one pixel of x only")


@exercise("ResidualBlock", weight=3)
@given(batches=integers(1, 3), channels=integers(1, 4))
def test_each_norm_sees_a_batch_once(student, batches, channels):
    """After k batches in training each batch norm of the block has seen k batches."""
    assert_batches_seen(student, f"ResidualBlock({channels})", (2, channels, 3, 3), batches)


def assert_batches_seen(student: Any, call: str, shape: Shape, batches: int) -> None:
    """No batch norm serves two layers, and none is idle."""
    lines = [
        *made(call, shape),
        "model.train()",
        f"for _ in range({batches}):",
        f"    model(torch.ones{shape})",
        'print([int(b) for n, b in model.named_buffers() if n.endswith("num_batches_tracked")])',
    ]
    [seen] = student.program(lines)
    fine = isinstance(seen, list) and set(seen) <= {batches}
    problem = f"of {batches} in training its batch norms have seen {seen} batches"
    assert_that(fine, problem, seen)


@exercise("ResidualBlock", weight=1)
def test_images_of_a_block_are_apart(student):
    """In evaluation what comes of an image does not depend on the others of its batch."""
    assert_images_apart(student, "ResidualBlock(2)", (3, 2, 4, 4))


def assert_images_apart(student: Any, call: str, shape: Shape) -> None:
    """A batch gives what its images give one by one."""
    lines = [
        *made(call, shape),
        *FILLED,
        *drawn(shape, torch.float32, 0),
        "print(model(x))",
        "print(torch.cat([model(image[None]) for image in x]))",
    ]
    whole, apart = student.program(lines)
    is_whole = isinstance(whole, torch.Tensor)
    assert_that(is_whole, "expected a tensor", whole)
    assert_close(apart, whole, dtype=torch.float32, terms=16)


# --- replace_head ----------------------------------------------------------------------------

# name: (the lines that make it, the shape of its images, the features that its head reads)
NETWORKS: dict[str, tuple[list[str], Shape, int]] = {
    "shufflenet": (
        [
            "from torchvision.models import ShuffleNetV2",
            "model = ShuffleNetV2([1, 1, 1], [4, 4, 8, 8, 16], num_classes=5)",
        ],
        (2, 3, 32, 32),
        16,
    ),
    "densenet": (
        [
            "from torchvision.models import DenseNet",
            "model = DenseNet(4, (1, 1), num_init_features=8, num_classes=5)",
        ],
        (2, 3, 32, 32),
        10,
    ),
    "resnet": (
        [
            "from torchvision.models.resnet import BasicBlock, ResNet",
            "model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=5)",
        ],
        (2, 3, 16, 16),
        512,
    ),
    "like VGG": (
        [
            "model = nn.Sequential()",
            "model.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())",
            "model.pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())",
            "first, second = nn.Linear(16, 7), nn.Linear(7, 6)",
            "drop = nn.Dropout()",
            "model.classifier = nn.Sequential(",
            "    first, nn.ReLU(), drop, second, nn.ReLU(), drop, nn.Linear(6, 5)",
            ")",
        ],
        (2, 3, 8, 8),
        6,
    ),
    "something behind the head": (
        [
            "model = nn.Sequential(",
            "    nn.Flatten(), nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(),",
            "    nn.Sequential(nn.Sequential(nn.Linear(6, 5), nn.Identity()), nn.Dropout()),",
            ")",
        ],
        (2, 2, 2, 2),
        6,
    ),
    "names that mislead": (
        [
            "model = nn.Sequential(nn.Flatten())",
            "model.head, model.classifier, model.fc = (nn.Linear(n, 7) for n in (8, 7, 7))",
            "model.norm, model.relu = nn.BatchNorm1d(7), nn.ReLU()",
            "model.first = nn.Linear(7, 5)",
        ],
        (2, 2, 2, 2),
        7,
    ),
    "nothing but a head": (
        ["model = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 5))"],
        (2, 4),
        4,
    ),
}
SMALL = sampled_from([name for name in NETWORKS if name != "resnet"])
ANY = sampled_from(list(NETWORKS))


def network(name: str, dtype: torch.dtype = torch.float32) -> list[str]:
    """The lines that make a network of five classes with an x, in evaluation mode."""
    lines, shape, _ = NETWORKS[name]
    double = ".double()" if dtype is torch.float64 else ""
    return [
        "import torch",
        "from torch import nn",
        "from models import replace_head",
        "",
        "torch.manual_seed(0)",
        *lines,
        f"model(torch.randn{(8, *shape[1:])} + 1)  # its batch norms have measured something",
        f"model{double}.eval()",
        f"x = torch.randn{shape}{double}",
    ]


OLD_HEAD = [
    "old = [p.detach().clone() for p in list(model.parameters())[-2:]]",
    "before = model(x).detach()",
]


def same_head(source: str) -> list[str]:
    """The lines that give the head, all that requires a gradient, the numbers of another."""
    return [
        "for p in model.parameters():",
        "    if p.requires_grad:",
        f"        p.data.copy_({source}[0] if p.dim() == 2 else {source}[1])",
    ]


@exercise("replace_head", weight=2)
@given(name=ANY, classes=integers(1, 6))
def test_trainable_are_two_parameters(student, name, classes):
    """Only the weight and the bias of the new head require a gradient, wherever it sits."""
    trained = "sorted(list(p.shape) for p in model.parameters() if p.requires_grad)"
    lines = [
        *network(name),
        f"model = replace_head(model, {classes})",
        f"print({trained})",
        "print(tuple(model.eval()(x).shape))",
    ]
    features, n = NETWORKS[name][2], NETWORKS[name][1][0]
    expected = [sorted([[classes, features], [classes]]), (n, classes)]
    assert_printed(student.program(lines), expected)


@exercise("replace_head", weight=3)
@given(name=ANY, dtype=FLOATS)
def test_answers_are_kept_with_the_old_head(student, name, dtype):
    """With the numbers of the old head in the new one the answers are the old ones."""
    lines = [
        *network(name, dtype),
        *OLD_HEAD,
        "",
        "model = replace_head(model, 5)",
        *same_head("old"),
        "print((model.eval()(x) - before).abs().max())",
    ]
    assert_nothing_between(student.program(lines), dtype)


def assert_nothing_between(printed: Any, dtype: torch.dtype) -> None:
    """A program printed how far its answers are from what they were."""
    expected = [torch.tensor(0.0, dtype=torch.float64)] * len(printed)
    assert_printed(printed, expected, dtype=dtype, terms=20, scale=8)


@exercise("replace_head", weight=3)
@given(name=SMALL, frozen=booleans())
def test_training_changes_the_head_only(student, name, frozen):
    """Steps of an optimizer in training mode change the head, and nothing but the head.

    Whether the body was frozen before or not.
    """
    shape = NETWORKS[name][1]
    lines = [
        *network(name),
        *(["model.requires_grad_(False)"] if frozen else []),
        "model = replace_head(model, 4)",
        "head = [p for p in model.parameters() if p.requires_grad]",
        "start = sorted([p.detach().clone() for p in head], key=lambda p: -p.dim())",
        "before = model.eval()(x).detach()",
        "",
        "model.train()",
        "optimizer = torch.optim.SGD(model.parameters(), lr=1.0, weight_decay=0.5)",
        "for _ in range(3):",
        f"    model(3 * torch.randn{(4, *shape[1:])} + 2).sum().backward()",
        "    optimizer.step()",
        "print(bool((model.eval()(x) - before).abs().max() > 0.01))",
        "",
        *same_head("start"),
        "print((model(x) - before).abs().max())",
    ]
    printed = student.program(lines)
    assert_equal(printed[0], True)
    assert_nothing_between(printed[1:], torch.float32)


@exercise("replace_head", weight=3)
@given(name=SMALL, batches=integers(1, 3))
def test_running_statistics_stand_still(student, name, batches):
    """Batches that only pass through it in training mode change nothing in evaluation."""
    shape = NETWORKS[name][1]
    lines = [
        *network(name),
        *OLD_HEAD,
        "",
        "model = replace_head(model, 5)",
        "model.train()",
        f"for _ in range({batches}):",
        f"    model(3 * torch.randn{(4, *shape[1:])} + 2)",
        "",
        *same_head("old"),
        "print((model.eval()(x) - before).abs().max())",
    ]
    assert_nothing_between(student.program(lines), torch.float32)


# --- patchify --------------------------------------------------------------------------------


@st.composite
def patched(draw: st.DrawFn) -> tuple[torch.Tensor, int]:
    """Images, not always square, and a patch that they can be cut into."""
    n, c, patch = draw(integers(1, 3)), draw(integers(1, 3)), draw(integers(1, 4))
    rows, columns = draw(integers(1, 4)), draw(integers(1, 3))
    return draw(tensors((n, c, rows * patch, columns * patch), dtype=FLOATS)), patch


@exercise("patchify", weight=3)
@given(case=patched())
def test_patches_match_the_reference(student, reference, case):
    """The patches are the reference's; x, however it lies in memory, is left as it was."""
    x, patch = case
    assert_equal(student.again.patchify(x, patch), reference.patchify(x, patch))


@exercise("patchify", weight=3)
@given(case=patched(), data=integers(0, 2))
def test_images_match_the_reference(student, reference, case, data):
    """Of any patches unpatchify makes the reference's images, and leaves the patches alone."""
    x, patch = case
    n, c, h, w = x.shape
    # any numbers, in a layout that was drawn: not only those that patchify gives
    patches = x.reshape(n, h // patch * (w // patch), c * patch * patch)
    patches = [patches, patches.mT.contiguous().mT, patches.repeat_interleave(2, 0)[::2]][data]
    expected = reference.unpatchify(patches, patch, (n, c, h, w))
    assert_equal(student.again.unpatchify(patches, patch, (n, c, h, w)), expected)


@exercise("patchify", weight=1)
@given(
    sizes=sampled_from(
        [
            *[(4, 6, 4), (6, 4, 4), (5, 5, 2), (3, 6, 2), (2, 2, 4), (4, 4, 0), (2, 2, -1)],
            *[(3, 4, 2), (2, 8, 4), (8, 2, 4)],  # with pixels enough
        ]
    )
)
def test_patches_that_do_not_fill_raise(student, sizes):
    """A patch below 1, or one that H or W cannot be divided by, raises ValueError, both ways."""
    h, w, patch = sizes
    assert_raises(ValueError, lambda: student.patchify(torch.zeros(1, 4, h, w), patch))
    parts = (h * w // patch**2 or 1) if patch else 1
    patches = torch.zeros(1, parts, 4 * h * w // parts)
    assert_raises(ValueError, lambda: student.unpatchify(patches, patch, (1, 4, h, w)))


# --- TinyUNet --------------------------------------------------------------------------------

ZERO_BIASES = [
    "for name, p in model.named_parameters():",
    "    if name.endswith('bias'):",
    "        p.data.zero_()",
]


@exercise("TinyUNet", weight=6)
@given(seed=integers(0, 2))
def test_unet_has_a_skip_at_half_size(student, seed):
    """If nothing passes at a quarter of the size, details still pass at half of it.

    Then an answer does not move along with its image by a single pixel: in what was halved pixels
    belong together that do not any more. At full size alone, all would move along.
    """
    lines = [
        *made("TinyUNet(1, 3, width=4)", (1, 1, 32, 32)),
        *POSITIVE,
        "    if p.shape[:1] == (16,):  # what gives 4·width channels",
        "        p.data.zero_()",
        *ZERO_BIASES,
        "",
        f"torch.manual_seed({seed})",
        "image = torch.rand(1, 1, 33, 32) ** 4",
        "print(model(image[:, :, :-1])[0, :, 12:20, 12:20])",
        "print(model(image[:, :, 1:])[0, :, 11:19, 12:20])",
    ]
    one, other = (plain(value, (3, 8, 8)) for value in student.program(lines))
    apart = float((one - other).abs().max())
    problem = "nothing reaches the answer from half the size: what carries the details there?"
    assert_that(apart > 1e-4 * float(one.abs().max()), problem)


@exercise("TinyUNet", weight=3)
@given(seed=integers(0, 2))
def test_unet_goes_down_to_a_quarter(student, seed):
    """What was found at a quarter of the size comes back up, and changes the answer."""
    lines = [
        *made("TinyUNet(1, 3, width=4)", (1, 1, 16, 16)),
        *POSITIVE,
        *drawn((1, 1, 16, 16), torch.float32, seed),
        "print(model(x.abs()))",
        "for p in model.parameters():",
        "    if p.shape[:1] == (16,):  # what gives 4·width channels",
        "        p.data.zero_()",
        "print(model(x.abs()))",
    ]
    one, other = (plain(value, (1, 3, 16, 16)) for value in student.program(lines))
    apart = float((one - other).abs().max())
    problem = (
        "without what gives 4·width channels, at a quarter of the size, the answer is the same"
    )
    assert_that(apart > 1e-4 * float(one.abs().max()), problem)


@exercise("TinyUNet", weight=3)
@given(width=integers(5, 8), default=booleans())
def test_unet_has_its_widths(student, width, default):
    """There are width channels at full size, 2·width at half and 4·width at a quarter."""
    width, option = (8, "") if default else (width, f", width={width}")
    lines = [
        *made(f"TinyUNet(2, 3{option})", (1, 2, 8, 8)),
        "sizes = [tuple(p.shape) for p in model.parameters() if p.dim()]",
        "print(sorted({size[0] for size in sizes if len(size) == 1}))",
        "print(sorted({size[0] for size in sizes if len(size) > 1}))",
    ]
    biases, weights = (value if isinstance(value, list) else [] for value in student.program(lines))
    right = [width, 2 * width, 4 * width]
    fine = set(biases) <= {1, 3, *right}  # 1: a PReLU's, say
    assert_that(fine, f"biases and scales have {biases} channels, not only {[3, *right]}")
    missing = [channels for channels in right if channels not in weights]
    assert_that(not missing, f"no convolution gives {missing} channels")


@exercise("TinyUNet", weight=2)
def test_images_of_a_unet_are_apart(student):
    """In evaluation what comes of an image does not depend on the others of its batch."""
    assert_images_apart(student, "TinyUNet(2, 3, width=4)", (2, 2, 8, 12))


@exercise("TinyUNet", weight=2)
@given(dtype=FLOATS, n=integers(1, 2))
def test_unet_has_its_parameters_dtype(student, dtype, n):
    """After double() it makes float64 of float64; in training mode the shapes are the same."""
    shape = n, 1, 8, 12
    lines = [
        *made("TinyUNet(1, 2, width=3)", shape, dtype),
        *drawn(shape, dtype, 0),
        "for mode in (False, True):",
        "    y = model.train(mode)(x)",
        "    print(tuple(y.shape), str(y.dtype))",
    ]
    assert_printed(student.program(lines), [((n, 2, 8, 12), str(dtype))] * 2)


@exercise("TinyUNet", weight=3)
@given(batches=integers(1, 2))
def test_each_norm_of_a_unet_sees_a_batch_once(student, batches):
    """After k batches in training each batch norm of the model has seen k batches."""
    assert_batches_seen(student, "TinyUNet(1, 2, width=3)", (2, 1, 8, 8), batches)
