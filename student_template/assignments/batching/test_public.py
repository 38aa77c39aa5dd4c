"""Public checks of stage `batching`: against PyTorch's own samplers, and laws of an epoch."""

import torch
from hypothesis.strategies import integers, sampled_from
from torch.utils.data import BatchSampler

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_that,
    dims,
    exercise,
    generators,
    given,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])


# --- what came back, in the form that the checks use -----------------------------------------


def index_tensors(answer, what="batch"):
    """A list of 1-dimensional int64 tensors, in whatever sequence they came."""
    batches = list(answer) if isinstance(answer, torch.Tensor) and answer.dim() == 2 else answer
    assert_that(isinstance(batches, list | tuple), "expected a list of index tensors", answer)
    for i, batch in enumerate(batches):
        is_index = isinstance(batch, torch.Tensor) and batch.dtype == torch.int64
        assert_that(
            is_index and batch.dim() == 1,
            f"{what} {i} is no 1-dimensional tensor of dtype torch.int64",
            answer,
        )
    return batches


def joined(batches):
    """All indices of an epoch, in the order of the visit."""
    return [i for batch in batches for i in batch.tolist()]


def pair(answer, what):
    """The two tensors of a pair, in whatever sequence they came."""
    is_pair = isinstance(answer, list | tuple) and len(answer) == 2
    is_pair = is_pair and all(isinstance(item, torch.Tensor) for item in answer)
    assert_that(is_pair, f"expected two tensors, {what}", answer)
    return answer


def visited(epoch, x, y):
    """The batches of an epoch, and the numbers of the samples in the order of the visit.

    Sample i has ``y[i] == i`` and a row ``x[i]`` of its own.
    """
    batches = [pair(batch, f"(x_batch, y_batch), as batch {k}") for k, batch in enumerate(epoch)]
    order = []
    for k, (x_batch, y_batch) in enumerate(batches):
        shapes = tuple(x_batch.shape), tuple(y_batch.shape)
        assert_that(
            y_batch.dim() == 1 and shapes[0] == (len(y_batch), *x.shape[1:]),
            f"batch {k} has the shapes {shapes[0]} and {shapes[1]}, "
            f"the data {tuple(x.shape)} and {tuple(y.shape)}",
        )
        dtypes = x_batch.dtype, y_batch.dtype
        assert_that(
            dtypes == (x.dtype, y.dtype),
            f"batch {k} has the dtypes {dtypes[0]} and {dtypes[1]}, "
            f"the data {x.dtype} and {y.dtype}",
        )
        numbers = y_batch.tolist()
        strange = [i for i in numbers if i not in range(len(y))]
        assert_that(not strange, f"batch {k}: y has no element {strange[:1]}")
        for i, row in zip(numbers, x_batch, strict=True):
            assert_that(
                torch.equal(row, x[i]),
                f"batch {k} has y = {i} beside the x of another sample",
            )
        order += numbers
    return batches, order


def numbered(n):
    """A data set of n samples that can be told apart: row i of x belongs to y = i."""
    y = torch.arange(n)
    return torch.stack([y * 2.0, y * 2.0 + 1], dim=1), y


# --- num_batches -----------------------------------------------------------------------------


@exercise("num_batches", weight=2)
@given(n=integers(1, 60), batch_size=integers(1, 12))
def test_last_partial_batch_counts(student, n, batch_size):
    """A last batch that is not full counts, as in PyTorch's BatchSampler."""
    expected = len(BatchSampler(range(n), batch_size, drop_last=False))
    assert_equal(student.num_batches(n, batch_size), expected)


@exercise("num_batches", weight=1)
@given(n=integers(1, 60), batch_size=integers(1, 12))
def test_drop_last_counts_full_batches(student, n, batch_size):
    """With drop_last only full batches count, as in PyTorch's BatchSampler."""
    expected = len(BatchSampler(range(n), batch_size, drop_last=True))
    assert_equal(student.num_batches(n, batch_size, drop_last=True), expected)


# --- minibatches -----------------------------------------------------------------------------


@exercise("minibatches", weight=2)
@given(n=integers(1, 30), batch_size=integers(1, 8), generator=generators())
def test_every_sample_is_in_one_batch(student, n, batch_size, generator):
    """The batches of an epoch hold every index 0..n−1 exactly once."""
    answer = student.minibatches(n, batch_size, generator=generator)
    indices = joined(index_tensors(answer))
    assert_that(
        sorted(indices) == list(range(n)),
        f"expected each of 0..{n - 1} once; together and sorted the batches hold {sorted(indices)}",
        answer,
    )


@exercise("minibatches", weight=1)
@given(n=integers(1, 30), batch_size=integers(1, 8), generator=generators())
def test_only_the_last_batch_is_shorter(student, n, batch_size, generator):
    """Every batch has batch_size indices; only the last one may have fewer."""
    answer = student.minibatches(n, batch_size, generator=generator)
    sizes = [len(batch) for batch in index_tensors(answer)]
    expected = [len(batch) for batch in BatchSampler(range(n), batch_size, drop_last=False)]
    assert_that(sizes == expected, f"the batches have the sizes {sizes}, not {expected}", answer)


@exercise("minibatches", weight=1)
@given(n=integers(1, 30), batch_size=integers(1, 8), generator=generators())
def test_unshuffled_indices_are_in_order(student, n, batch_size, generator):
    """Without shuffle the batches hold 0, 1, …, n−1 in this order."""
    answer = student.minibatches(n, batch_size, shuffle=False, generator=generator)
    expected = [torch.tensor(batch) for batch in BatchSampler(range(n), batch_size, False)]
    assert_equal(list(index_tensors(answer)), expected)


@exercise("minibatches", weight=1)
@given(generator=generators())
def test_shuffles_unless_told_otherwise(student, generator):
    """The order is random unless shuffle=False is asked for."""
    # a random order of 32 is the sorted one with probability 1/32! < 1e-35
    answer = student.minibatches(32, 5, generator=generator)
    in_order = joined(index_tensors(answer)) == list(range(32))
    assert_that(not in_order, "the 32 samples come in order, though shuffle is the default", answer)


# --- train_val_split -------------------------------------------------------------------------


@exercise("train_val_split", weight=2)
@given(n_train=integers(1, 20), n_val=integers(1, 20), generator=generators())
def test_parts_are_disjoint_and_complete(student, n_train, n_val, generator):
    """Every sample is either for training or for validation, n_val of them for validation."""
    n = n_train + n_val
    answer = student.train_val_split(n, n_val, generator)
    train, val = index_tensors(pair(answer, "(train, validation)"), "item")
    sizes = len(train), len(val)
    assert_that(
        sizes == (n_train, n_val),
        f"{sizes[0]} samples to train and {sizes[1]} to validate, not {n_train} and {n_val}",
        answer,
    )
    both = sorted(set(train.tolist()) & set(val.tolist()))
    assert_that(not both, f"{both} are in both parts", answer)
    indices = sorted(joined([train, val]))
    assert_that(
        indices == list(range(n)),
        f"expected each of 0..{n - 1} once; together and sorted the parts hold {indices}",
        answer,
    )


@exercise("train_val_split", weight=1)
@given(generator=generators())
def test_validation_samples_are_drawn_at_random(student, generator):
    """The validation samples are drawn from everywhere, not cut off at one end."""
    # 32 of 64 at random are one end's with probability 2 / C(64, 32) < 2e-18
    answer = student.train_val_split(64, 32, generator)
    _, val = index_tensors(pair(answer, "(train, validation)"), "item")
    ends = set(range(32)), set(range(32, 64))
    assert_that(
        set(val.tolist()) not in ends, "the validation samples are one end of the data", answer
    )


# --- normalize, denormalize ------------------------------------------------------------------


@exercise("normalize", weight=2)
@given(images=tensors(dims(3, 1, 6), dtype=torch.uint8, low=0, high=255))
def test_levels_are_evenly_spaced(student, images):
    """Level k of 0..255 becomes the k-th of 256 evenly spaced numbers from −1 to 1."""
    levels = torch.linspace(-1, 1, 256, dtype=torch.float64)
    expected = levels[images.long()].unsqueeze(1)
    assert_close(student.normalize(images), expected, dtype=torch.float32, terms=2, scale=1)


@exercise("normalize", weight=1)
@given(shape=sampled_from([(1, 16, 16), (16, 16, 1), (16, 1, 16), (4, 8, 8)]))
def test_denormalize_inverts_exactly(student, shape):
    """denormalize(normalize(images)) is images again, for each of the 256 levels."""
    images = torch.arange(256).to(torch.uint8).reshape(shape)
    x = student.normalize(images)
    assert_that(isinstance(x, torch.Tensor), "expected a tensor", x)
    assert_equal(student.denormalize(x), images)


# --- sse -------------------------------------------------------------------------------------


@exercise("sse", weight=2)
@given(shape=dims(2, 1, 9), dtype=FLOATS, data=tensors((2, 9, 9), dtype=torch.float64))
def test_is_the_squared_distance(student, shape, dtype, data):
    """The sum of squared errors is the squared Euclidean distance, as torch.dist measures it."""
    y, y_hat = (part[: shape[0], : shape[1]].to(dtype) for part in data)
    expected = torch.dist(y.double(), y_hat.double()) ** 2
    size = float(y.double().norm() ** 2 + y_hat.double().norm() ** 2)
    assert_close(student.sse(y, y_hat), expected, dtype=dtype, terms=y.numel(), scale=size)


@exercise("sse", weight=1)
@given(data=tensors((2, 12), low=-9, high=9, layouts=False), batch_size=integers(1, 11))
def test_losses_of_the_batches_add_up(student, data, batch_size):
    """The losses of the batches add up to the loss of the whole."""
    y, y_hat = data
    parts = zip(y.split(batch_size), y_hat.split(batch_size), strict=True)
    losses = [student.sse(*part) for part in parts]
    for loss in losses:
        number = isinstance(loss, float | int) and not isinstance(loss, bool)
        scalar = isinstance(loss, torch.Tensor) and loss.dim() == 0
        assert_that(number or scalar, "expected a scalar", loss)
    # whole numbers: no rounding
    assert_close(student.sse(y, y_hat), float(sum(map(float, losses))), terms=12)


# --- BatchLoader -----------------------------------------------------------------------------


@exercise("BatchLoader", weight=2)
@given(n=integers(1, 20), batch_size=integers(1, 7), generator=generators())
def test_epoch_visits_every_sample_once(student, n, batch_size, generator):
    """An epoch visits every sample once, each x together with its own y."""
    x, y = numbered(n)
    [epoch] = student.probe.epochs(x, y, batch_size, generator=generator)
    _, order = visited(epoch, x, y)
    assert_that(
        sorted(order) == list(range(n)),
        f"expected each of the samples 0..{n - 1} once; sorted, {sorted(order)} were visited",
    )


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 30), batch_size=integers(1, 8))
def test_len_is_the_number_of_batches(student, n, batch_size):
    """len(loader) is the number of batches in an epoch, as in PyTorch's BatchSampler."""
    for drop_last in (False, True):
        expected = len(BatchSampler(range(n), batch_size, drop_last))
        assert_equal(student.probe.length(*numbered(n), batch_size, drop_last=drop_last), expected)


@exercise("BatchLoader", weight=2)
@given(generator=generators())
def test_every_epoch_has_a_new_order(student, generator):
    """Every epoch visits the samples in a new random order."""
    epochs = student.probe.orders(32, 5, 8, generator=generator)
    orders = [[i for batch in epoch for i in batch] for epoch in epochs]
    # Two of 8 random orders of 32 are equal with probability 28/32!. Even where each epoch draws
    # only a seed of 31 bits, three coincidences have a probability below (28/2³¹)³ < 3e-24.
    different = len({tuple(order) for order in orders})
    assert_that(different > 5, f"8 epochs, but only {different} different orders")
    assert_that(list(range(32)) not in orders, "the samples come in the order of the data")


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 20), batch_size=integers(1, 7))
def test_unshuffled_batches_are_in_order(student, n, batch_size):
    """Without shuffle every epoch serves the data in their order, batch_size at a time."""
    x, y = numbered(n)
    expected = list(zip(x.split(batch_size), y.split(batch_size), strict=True))
    for epoch in student.probe.epochs(x, y, batch_size, 2, shuffle=False):
        visited(epoch, x, y)
        assert_equal(epoch, expected)


# --- sgd_line --------------------------------------------------------------------------------


def slope(answer):
    """The answer as a number; a 0-dimensional tensor is one too."""
    tensor = isinstance(answer, torch.Tensor) and answer.dim() == 0 and answer.is_floating_point()
    return float(answer) if tensor else answer


@exercise("sgd_line", weight=2)
@given(
    data=tensors((2, 6), low=1, high=3, dtype=FLOATS, layouts=False),
    n=integers(1, 6),
    more=integers(0, 2),
    epochs=integers(1, 4),
    lr=sampled_from([1 / 64, 1 / 32, 1 / 16]),
    generator=generators(),
)
def test_one_batch_is_gradient_descent(student, data, n, more, epochs, lr, generator):
    """With all data in one batch, the distance to the best slope shrinks by 1 − 2·lr·mean(x²)."""
    x, y = data[:, :n]
    # With one batch there is no chance in it: w_E = w* (1 − (1 − 2·lr·mean(x²))^E), where
    # w* = mean(xy) / mean(x²) is the slope with the smallest error.
    best = float((x * y).double().mean() / (x * x).double().mean())
    shrink = 1 - 2 * lr * float((x * x).double().mean())
    w = student.sgd_line(x, y, lr=lr, batch_size=n + more, epochs=epochs, generator=generator)
    assert_close(slope(w), best * (1 - shrink**epochs), terms=n * epochs, scale=4)


@exercise("sgd_line", weight=2)
@given(k=sampled_from([-3.0, 0.5, 2.0]), generator=generators())
def test_finds_the_slope(student, k, generator):
    """On points that lie on a line through the origin, w becomes its slope."""
    x = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.5, 2.0, -0.5, 1.5])
    # A batch multiplies the error of w by 1 − m/8 with m its mean of x², at most e^(−m/8). In an
    # epoch the m add up to 23/3 or more: after 10 epochs the error is below 3·e^(−9.58) < 0.0003.
    w = student.sgd_line(x, k * x, lr=1 / 16, batch_size=3, epochs=10, generator=generator)
    near = isinstance(slope(w), float) and abs(slope(w) - k) < 0.001
    assert_that(near, f"the points lie on y = {k}·x, so the slope should come close to {k}", w)
