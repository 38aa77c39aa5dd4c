"""Hidden checks of stage `batching`: the reference, the edges, and what chance may and may not do.

What chance does is judged by `assert_equally_likely` and `assert_even`. Either refuses a right
solution with a probability of at most FALSE_ALARM, whatever it makes of a seed, and no check asks
them more than four times: that is below 1e-9 for a check.
"""

from collections import Counter
from itertools import combinations, permutations
from math import log, sqrt

import torch
from hypothesis.strategies import booleans, integers, sampled_from

from autograder.checks import (
    assert_close,
    assert_equal,
    assert_raises,
    assert_that,
    dims,
    exercise,
    generators,
    given,
    seeds,
    tensors,
)

FLOATS = sampled_from([torch.float32, torch.float64])
BELOW_ONE = integers(-3, 0)
DRAWS = 300  # of a few samples, where each outcome is counted
ORDERS = 2500  # of more samples, where what they have in common is small
FALSE_ALARM = 1e-10


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


def order_of(answer):
    """All indices of an epoch, in the order of the visit."""
    return tuple(i for batch in index_tensors(answer) for i in batch.tolist())


def pair(answer, what):
    """The two tensors of a pair, in whatever sequence they came."""
    is_pair = isinstance(answer, list | tuple) and len(answer) == 2
    is_pair = is_pair and all(isinstance(item, torch.Tensor) for item in answer)
    assert_that(is_pair, f"expected two tensors, {what}", answer)
    return answer


def split(answer):
    """The indices of the two parts of a split."""
    return index_tensors(pair(answer, "(train, validation)"), "item")


def visited(epoch, x, y):
    """The numbers of the samples in the order of the visit; `epoch` is checked on the way.

    Sample i is the only one with the row ``x[i]``; ``y[i]`` has to stand beside it.
    """
    number = {tuple(row.flatten().tolist()): i for i, row in enumerate(x)}
    order = []
    for k, batch in enumerate(epoch):
        x_batch, y_batch = pair(batch, f"(x_batch, y_batch), as batch {k}")
        for name, ours, theirs in (("x", x, x_batch), ("y", y, y_batch)):
            assert_that(
                theirs.dim() > 0 and theirs.shape[1:] == ours.shape[1:],
                f"{name}_batch {k} has the shape {tuple(theirs.shape)}, "
                f"the data {tuple(ours.shape)}",
            )
            assert_that(
                theirs.dtype == ours.dtype,
                f"{name}_batch {k} has dtype {theirs.dtype}, the data {ours.dtype}",
            )
        assert_that(
            len(x_batch) == len(y_batch),
            f"batch {k} has {len(x_batch)} rows of x, but {len(y_batch)} of y",
        )
        for x_row, y_row in zip(x_batch, y_batch, strict=True):
            i = number.get(tuple(x_row.flatten().tolist()))
            assert_that(i is not None, f"x_batch {k} has a row that is none of the data")
            same = torch.equal(y_row, y[i])
            assert_that(same, f"batch {k} has x[{i}] beside the y of another sample")
            order.append(i)
    return tuple(order)


def numbered(n):
    """A data set of n samples that can be told apart."""
    return torch.arange(n, dtype=torch.float64) / 2, torch.arange(n) + 100


def flat(epoch):
    """The order of an epoch of the probe `orders`."""
    return tuple(i for batch in epoch for i in batch)


def seeded(seed):
    """A generator, as `train_val_split` and the others take it."""
    return torch.Generator().manual_seed(seed)


def assert_equally_likely(seen, expected, what):
    """Every outcome of chance was seen about as often as any other, and nothing else was."""
    seen, expected = Counter(seen), set(expected)
    strange = sorted(seen.keys() - expected)
    assert_that(not strange, f"{what}: {strange[:3]} cannot be")
    draws, fair = seen.total(), 1 / len(expected)
    for outcome in sorted(expected):
        # Chernoff: an outcome of probability p has a share of s or more (for s below p, of s or
        # less) in k independent draws with a probability of at most exp(−k·KL(s, p)), where
        # KL(s, p) = s·log(s/p) + (1 − s)·log((1 − s)/(1 − p)). Two sides for each outcome.
        share = seen[outcome] / draws
        divergence = sum(s * log(s / p) for s, p in ((share, fair), (1 - share, 1 - fair)) if s)
        assert_that(
            draws * divergence <= log(2 * len(expected) / FALSE_ALARM),
            f"{what}: {outcome} came {seen[outcome]} times in {draws} draws, though each of "
            f"{len(expected)} outcomes should be equally likely",
        )


def assert_even(correlations, n, what):
    """Correlations of random orders of n samples with the order of the data are 0 on average."""
    # Where all orders are equally likely, the correlation of an order with any n numbers has mean
    # 0 and variance 1/(n − 1), and it is never beyond ±1. Bernstein: the mean of k independent ones
    # is t or more away from 0 with a probability of at most 2·exp(−k·t²/2 / (1/(n − 1) + t/3)). It
    # is FALSE_ALARM at this t.
    a = log(2 / FALSE_ALARM) / (3 * len(correlations))
    limit = a + sqrt(a * a + 6 * a / (n - 1))
    mean = sum(correlations) / len(correlations)
    assert_that(
        abs(mean) <= limit,
        f"{what}: {mean:+.3f} on average of {len(correlations)} draws, where it is 0 ± {limit:.3f} "
        f"if every order of {n} samples is equally likely",
    )


def numbers(n):
    """The numbers of n samples, less their mean."""
    return torch.arange(n, dtype=torch.float64) - (n - 1) / 2


def with_place(orders):
    """The correlation of a sample's number with its place, for each of some orders."""
    centred = numbers(len(orders[0]))
    places = torch.tensor(orders, dtype=torch.float64)
    return (places @ centred / centred.square().sum()).tolist()


# --- num_batches -----------------------------------------------------------------------------


@exercise("num_batches", weight=2)
@given(n=integers(1, 1_000_000), batch_size=integers(1, 1024), drop_last=booleans())
def test_large_data_sets(student, reference, n, batch_size, drop_last):
    """The number is right for large data sets too, and an int."""
    expected = reference.num_batches(n, batch_size, drop_last)
    assert_equal(student.num_batches(n, batch_size, drop_last), expected)


@exercise("num_batches", weight=1)
@given(batches=integers(1, 20), batch_size=integers(2, 12), drop_last=booleans())
def test_next_batch_begins_when_the_last_is_full(student, batches, batch_size, drop_last):
    """A sample more than fills the batches starts another one; a sample less leaves one short."""
    n = batches * batch_size
    exact = student.num_batches(n, batch_size, drop_last=drop_last)
    assert_equal(exact, batches)
    more = student.num_batches(n + 1, batch_size, drop_last=drop_last)
    assert_equal(more, batches if drop_last else batches + 1)
    less = student.num_batches(n - 1, batch_size, drop_last=drop_last)
    assert_equal(less, batches - 1 if drop_last else batches)


@exercise("num_batches", weight=1)
@given(n=integers(1, 20), batch_size=BELOW_ONE, drop_last=booleans())
def test_count_refuses_a_batch_size_below_one(student, n, batch_size, drop_last):
    """A batch size below 1 raises ValueError."""
    assert_raises(ValueError, lambda: student.num_batches(n, batch_size, drop_last))


# --- minibatches -----------------------------------------------------------------------------


@exercise("minibatches", weight=1)
@given(n=integers(1, 30), batch_size=integers(1, 8), shuffle=booleans(), generator=generators())
def test_drop_last_leaves_out_the_partial_batch(
    student, reference, n, batch_size, shuffle, generator
):
    """With drop_last all batches are full, and no sample comes twice."""
    options = {"shuffle": shuffle, "drop_last": True, "generator": generator}
    answer = student.minibatches(n, batch_size, **options)
    sizes = [len(batch) for batch in index_tensors(answer)]
    expected = [len(batch) for batch in reference.minibatches(n, batch_size, **options)]
    assert_that(sizes == expected, f"the batches have the sizes {sizes}, not {expected}", answer)
    order = order_of(answer)
    assert_that(len(set(order)) == len(order), "a sample comes twice", answer)
    assert_that(set(order) <= set(range(n)), f"an index is not in 0..{n - 1}", answer)
    if not shuffle:
        assert_that(order == tuple(range(len(order))), "the samples are not in order", answer)


@exercise("minibatches", weight=1)
@given(n=integers(1, 30), batch_size=integers(1, 8))
def test_generator_may_be_left_out(student, n, batch_size):
    """Without a generator the batches are random and complete all the same."""
    answer = student.minibatches(n + 32, batch_size)
    order = order_of(answer)
    assert_that(sorted(order) == list(range(n + 32)), f"not each of 0..{n + 31} once", answer)
    # a random order of 33 is the sorted one with probability 1/33!
    assert_that(order != tuple(range(n + 32)), "the samples come in order", answer)
    # as in the public check of BatchLoader: below 3e-24 even with seeds of 31 bits
    epochs = student.probe.minibatches_repeatedly(8, n + 32, batch_size, None)
    different = len({order_of(epoch) for epoch in epochs})
    assert_that(different > 5, f"8 calls without a generator, but {different} different orders")


@exercise("minibatches", weight=1.5)
def test_every_order_occurs(student):
    """Every order of the samples is equally likely, across the borders of batches too."""
    orders = [order_of(student.minibatches(3, 2, generator=seeded(s))) for s in range(DRAWS)]
    assert_equally_likely(orders, permutations(range(3)), "orders of 3 samples in batches of 2")
    # what favours some orders a little does so more clearly among more samples
    orders = [
        order_of(epoch)
        for seed in range(ORDERS // 250)
        for epoch in student.probe.minibatches_repeatedly(250, 16, 6, seeded(seed))
    ]
    for order in orders:
        assert_that(sorted(order) == list(range(16)), "not each of 0..15 once")
    assert_even(with_place(orders), 16, "correlation of an index with its place in the epoch")


@exercise("minibatches", weight=1)
def test_drop_last_drops_any_sample(student):
    """With shuffle and drop_last, chance decides which samples are left out."""
    orders = [
        order_of(student.minibatches(3, 2, drop_last=True, generator=seeded(s)))
        for s in range(DRAWS)
    ]
    assert_equally_likely(orders, permutations(range(3), 2), "the full batch of 2 among 3 samples")


@exercise("minibatches", weight=1.5)
@given(n=integers(20, 40), batch_size=integers(1, 8), seed=seeds(), drop_last=booleans())
def test_order_comes_from_the_generator_alone(student, n, batch_size, seed, drop_last):
    """The same seed of the generator gives the same batches, whatever the global seeds are."""
    orders = {
        order_of(
            student.probe.call_with_global_seed(
                global_seed,
                "minibatches",
                n=n,
                batch_size=batch_size,
                drop_last=drop_last,
                generator=seeded(seed),
            )
        )
        for global_seed in (1, 2, 1)
    }
    assert_that(len(orders) == 1, "one seed of the generator, but different batches")


@exercise("minibatches", weight=1)
@given(generator=generators())
def test_generator_is_drawn_from(student, generator):
    """Calling again with the same generator object gives another order."""
    epochs = student.probe.minibatches_repeatedly(8, 32, 5, generator)
    # as in the public check of BatchLoader: below 3e-24 even with seeds of 31 bits
    different = len({order_of(epoch) for epoch in epochs})
    assert_that(different > 5, f"8 calls with one generator, but {different} different orders")


@exercise("minibatches", weight=1)
@given(n=integers(1, 20), batch_size=BELOW_ONE, shuffle=booleans(), generator=generators())
def test_batches_refuse_a_size_below_one(student, n, batch_size, shuffle, generator):
    """A batch size below 1 raises ValueError."""
    options = {"shuffle": shuffle, "generator": generator}
    assert_raises(ValueError, lambda: student.minibatches(n, batch_size, **options))


# --- train_val_split -------------------------------------------------------------------------


@exercise("train_val_split", weight=1)
@given(n=integers(1, 20), all_for_validation=booleans(), generator=generators())
def test_a_part_may_be_empty(student, n, all_for_validation, generator):
    """With n_val = 0 or n_val = n one part is empty and the other has everything."""
    answer = student.train_val_split(n, n if all_for_validation else 0, generator)
    train, val = split(answer)
    full, empty = (val, train) if all_for_validation else (train, val)
    assert_that(len(empty) == 0, "one part should be empty", answer)
    assert_that(sorted(full.tolist()) == list(range(n)), f"not each of 0..{n - 1} once", answer)


@exercise("train_val_split", weight=1)
def test_every_choice_occurs(student):
    """Every choice of the validation samples is equally likely."""
    chosen = []
    for seed in range(DRAWS):
        train, val = split(student.train_val_split(5, 2, seeded(seed)))
        chosen.append(tuple(sorted(val.tolist())))
        assert_that(
            sorted([*train.tolist(), *val.tolist()]) == list(range(5)), "not each of 0..4 once"
        )
    assert_equally_likely(chosen, combinations(range(5), 2), "choices of 2 among 5 to validate")
    # what favours some samples a little does so more clearly among more of them
    correlations = []
    for seed in range(ORDERS):
        train, val = split(student.train_val_split(8, 4, seeded(seed)))
        assert_that(
            sorted([*train.tolist(), *val.tolist()]) == list(range(8)), "not each of 0..7 once"
        )
        part = torch.full((8,), -1.0, dtype=torch.float64)
        part[val] = 1
        correlations.append(float(part @ numbers(8) / (part.norm() * numbers(8).norm())))
    assert_even(correlations, 8, "correlation of an index with being one of 4 to validate")


@exercise("train_val_split", weight=1)
@given(n=integers(30, 40), n_val=integers(10, 20), seed=seeds())
def test_split_comes_from_the_generator_alone(student, n, n_val, seed):
    """The same seed of the generator gives the same split, whatever the global seeds are."""
    splits = []
    for global_seed in (1, 2, 1):
        answer = student.probe.call_with_global_seed(
            global_seed, "train_val_split", n=n, n_val=n_val, generator=seeded(seed)
        )
        splits.append([part.tolist() for part in split(answer)])
    same = splits[0] == splits[1] == splits[2]
    assert_that(same, "one seed of the generator, but different splits")


@exercise("train_val_split", weight=1)
@given(n=integers(1, 20), beyond=integers(1, 5), above=booleans(), generator=generators())
def test_refuses_an_impossible_split(student, n, beyond, above, generator):
    """n_val below 0 or above n raises ValueError."""
    n_val = n + beyond if above else -beyond
    assert_raises(ValueError, lambda: student.train_val_split(n, n_val, generator))


# --- normalize, denormalize ------------------------------------------------------------------


@exercise("normalize", weight=2)
@given(images=tensors(dims(3, 1, 8), dtype=torch.uint8, low=0, high=255))
def test_pixels_become_inputs(student, reference, images):
    """0 becomes −1, 255 becomes 1, what is between keeps its place; float32 (N, 1, H, W)."""
    expected = reference.normalize(images)
    answer = student.normalize(images)
    assert_close(answer, expected, dtype=torch.float32, terms=2, scale=1)
    # a second call sees what a first one has done to its argument
    assert_close(student.again.normalize(images), expected, dtype=torch.float32, terms=2, scale=1)


@exercise("normalize", weight=2)
@given(images=tensors(dims(3, 1, 8), dtype=torch.uint8, low=0, high=255))
def test_inputs_become_pixels(student, reference, images):
    """denormalize gives back the pixels that were normalized, shape and dtype too."""
    x = reference.normalize(images)
    assert_equal(student.denormalize(x), images)
    assert_equal(student.again.denormalize(x), images)
    # other right ways to normalize round otherwise, in float64 or one step of float32 up or down
    pixels, one = images.unsqueeze(1), torch.tensor(1.0)
    for other in (pixels * (2 / 255) - 1, (pixels.double() * (2 / 255) - 1).float()):
        for rounded in (other.nextafter(-one), other, other.nextafter(one)):
            assert_equal(student.denormalize(rounded.clamp(-1, 1)), images)


# --- sse -------------------------------------------------------------------------------------


@exercise("sse", weight=2)
@given(shape=sampled_from([(1,), (7,), (3, 4), (2, 3, 5), (1, 40)]), dtype=FLOATS, seed=seeds())
def test_sums_over_all_elements(student, reference, shape, dtype, seed):
    """It is the sum over all elements, whatever their shape, in the dtype of the data."""
    y, y_hat = torch.randn((2, *shape), generator=seeded(seed), dtype=torch.float64).to(dtype)
    expected = reference.sse(y.double(), y_hat.double())
    size = float(y.double().norm() ** 2 + y_hat.double().norm() ** 2)
    assert_close(student.sse(y, y_hat), expected, dtype=dtype, terms=y.numel(), scale=size)


@exercise("sse", weight=1)
@given(data=tensors((2, 3, 4), low=-9, high=9, dtype=FLOATS), factor=sampled_from([-4.0, 0.5, 3.0]))
def test_scales_with_the_square(student, data, factor):
    """Errors c times as large make a loss c² times as large; the order of y and ŷ is all one."""
    y, y_hat = data
    error = float(((y - y_hat) ** 2).sum())
    scale = float((y * y + y_hat * y_hat).sum()) + 1
    scaled = student.sse(factor * y, factor * y_hat)
    assert_close(scaled, factor**2 * error, dtype=y.dtype, terms=12, scale=factor**2 * scale)
    assert_close(student.sse(y_hat, y), error, dtype=y.dtype, terms=12, scale=scale)


@exercise("sse", weight=1)
@given(data=tensors((2, 5), low=-9, high=9, dtype=FLOATS))
def test_sse_leaves_its_inputs_alone(student, reference, data):
    """A second call with the same tensors gives the same loss: the first has not changed them."""
    y, y_hat = data
    scale = float((y * y + y_hat * y_hat).sum()) + 1
    expected = reference.sse(y.double(), y_hat.double())
    assert_close(student.again.sse(y, y_hat), expected, dtype=y.dtype, terms=5, scale=scale)


# --- BatchLoader -----------------------------------------------------------------------------


@exercise("BatchLoader", weight=1)
@given(
    n=integers(1, 20),
    batch_size=integers(1, 7),
    drop_last=booleans(),
    shuffle=booleans(),
    generator=generators(),
)
def test_batches_have_the_right_sizes(student, n, batch_size, drop_last, shuffle, generator):
    """All batches are full but the last; drop_last leaves out the one that is not."""
    x, y = numbered(n)
    options = {"shuffle": shuffle, "drop_last": drop_last, "generator": generator}
    full, rest = divmod(n, batch_size)
    expected = [batch_size] * full + ([rest] if rest and not drop_last else [])
    for epoch in student.probe.epochs(x, y, batch_size, 2, **options):
        order = visited(epoch, x, y)
        sizes = [len(batch[0]) for batch in epoch]
        assert_that(sizes == expected, f"the batches have the sizes {sizes}, not {expected}")
        assert_that(len(set(order)) == len(order), "a sample comes twice in an epoch")
        if not shuffle:
            in_order = order == tuple(range(len(order)))
            assert_that(in_order, "without shuffle, the samples are not in the order of the data")


@exercise("BatchLoader", weight=1)
@given(
    x_dtype=sampled_from([torch.float32, torch.float64, torch.uint8]),
    y_dtype=sampled_from([torch.int64, torch.float32, torch.float64, torch.bool]),
    x_sizes=sampled_from([(), (1,), (2, 3), (1, 2, 2)]),
    y_sizes=sampled_from([(), (1,), (3,)]),
    shuffle=booleans(),
)
def test_data_keep_their_shape_and_dtype(student, x_dtype, y_dtype, x_sizes, y_sizes, shuffle):
    """x and y of any shape and dtype are served as they are."""
    n = 9
    numbers = torch.arange(1, n + 1)
    x = numbers.reshape(n, *(1 for _ in x_sizes)).expand(n, *x_sizes).to(x_dtype)
    y = (numbers % 5).reshape(n, *(1 for _ in y_sizes)).expand(n, *y_sizes).to(y_dtype)
    [epoch] = student.probe.epochs(x, y, 4, shuffle=shuffle)
    assert_that(sorted(visited(epoch, x, y)) == list(range(n)), "not every sample once")


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 16), batch_size=integers(1, 5), taken=integers(1, 4), seed=seeds())
def test_a_broken_off_epoch_is_forgotten(student, n, batch_size, taken, seed):
    """After a loop that was broken off, the next one is a whole epoch again, in a new order."""
    x, y = numbered(n)
    epoch = student.probe.epoch_after_a_break(x, y, batch_size, taken, generator=seeded(seed))
    order = visited(epoch, x, y)
    assert_that(
        sorted(order) == list(range(n)),
        f"the loop after a break visited the samples {sorted(order)}, not each of 0..{n - 1} once",
    )
    x, y = numbered(32)
    repeated = []
    for other in range(seed, seed + 3):
        [first] = student.probe.orders(32, 5, generator=seeded(other))
        epoch = student.probe.epoch_after_a_break(x, y, 5, taken, generator=seeded(other))
        repeated.append(visited(epoch, x, y) == flat(first))
    # all three by chance: below 30·2^(−31·3) < 4e-27 even where only 31 bits are drawn
    assert_that(not all(repeated), "the loop after a break repeats the order of the one before")


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 12), other=integers(1, 12), batch_size=integers(1, 5), shuffle=booleans())
def test_two_loaders_do_not_disturb_each_other(student, n, other, batch_size, shuffle):
    """Two loaders used in turns, such as those for training and validation, are independent."""
    first, second = numbered(n), tuple(part + 1000 for part in numbered(other))
    served = student.probe.two_loaders(first, second, batch_size, shuffle=shuffle)
    for epoch, (x, y) in zip(served, (first, second), strict=True):
        order = visited(epoch, x, y)
        assert_that(
            sorted(order) == list(range(len(x))),
            f"of the samples 0..{len(x) - 1} the loader served {sorted(order)}",
        )


@exercise("BatchLoader", weight=1)
@given(n=integers(32, 36), batch_size=integers(4, 9))
def test_shuffles_without_a_generator(student, n, batch_size):
    """Without a generator, too, every epoch is complete and in a new random order."""
    orders = [flat(epoch) for epoch in student.probe.orders(n, batch_size, 8)]
    for order in orders:
        assert_that(sorted(order) == list(range(n)), "an epoch does not visit every sample once")
    # as in the public check: below 3e-24 even with seeds of 31 bits
    different = len(set(orders))
    assert_that(different > 5, f"8 epochs, but only {different} different orders")
    assert_that(tuple(range(n)) not in orders, "the samples come in the order of the data")


@exercise("BatchLoader", weight=1)
@given(n=integers(20, 30), batch_size=integers(1, 7), seed=seeds())
def test_epochs_come_from_the_generator_alone(student, n, batch_size, seed):
    """The same seed of the generator gives the same epochs, whatever the global seeds are."""
    runs = [
        student.probe.orders_with_global_seed(global_seed, n, batch_size, 2, generator=seeded(seed))
        for global_seed in (1, 2, 1)
    ]
    same = runs[0] == runs[1] == runs[2]
    assert_that(same, "one seed of the generator, but different epochs")
    # all four equal by chance: below 50·2^(−31·4) < 3e-36 even where only 31 bits are drawn
    options = [{"generator": seeded(seed + other)} for other in range(1, 5)]
    others = [student.probe.orders(n, batch_size, 2, **option) for option in options]
    assert_that(
        any(other != runs[0] for other in others),
        "other seeds of the generator, but the same epochs",
    )


@exercise("BatchLoader", weight=1)
@given(drop_last=booleans())
def test_every_order_of_an_epoch_occurs(student, drop_last):
    """Every order of the samples is equally likely in every epoch, with drop_last too."""
    options = {"drop_last": drop_last}
    epochs = student.probe.orders(3, 2, DRAWS, **options, generator=seeded(1))
    expected = permutations(range(3), 2 if drop_last else 3)
    assert_equally_likely(map(flat, epochs), expected, "orders of 3 samples in batches of 2")
    # what favours some orders a little does so more clearly among more samples
    orders = [
        flat(epoch)
        for seed in range(ORDERS // 250)
        for epoch in student.probe.orders(16, 4, 250, **options, generator=seeded(seed))
    ]
    for order in orders:
        assert_that(sorted(order) == list(range(16)), "an epoch visits not every sample once")
    assert_even(with_place(orders), 16, "correlation of a sample's number with its place")


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 16), batch_size=integers(1, 5), generator=generators())
def test_loader_leaves_the_data_alone(student, n, batch_size, generator):
    """The data are the same after some epochs as before."""
    x, y = numbered(n)
    after = student.probe.data_after_epochs(x, y, batch_size, 2, generator=generator)
    assert_equal(after, (x, y))


@exercise("BatchLoader", weight=1)
@given(n=integers(1, 12), batch_size=BELOW_ONE, shuffle=booleans())
def test_loader_refuses_a_batch_size_below_one(student, n, batch_size, shuffle):
    """A batch size below 1 raises ValueError."""
    x, y = numbered(n)
    assert_raises(ValueError, lambda: student.probe.epochs(x, y, batch_size, shuffle=shuffle))


# --- sgd_line --------------------------------------------------------------------------------


def slope(answer):
    """The answer as a number; a 0-dimensional tensor is one too."""
    tensor = isinstance(answer, torch.Tensor) and answer.dim() == 0 and answer.is_floating_point()
    return float(answer) if tensor else answer


LEARNING_RATES = sampled_from([1 / 64, 1 / 32, 1 / 16])


@exercise("sgd_line", weight=2)
@given(
    xs=tensors((6,), low=1, high=3, dtype=FLOATS, layouts=False),
    n=integers(1, 6),
    k=sampled_from([-3.0, 0.5, 2.0]),
    lr=LEARNING_RATES,
    epochs=integers(1, 3),
    generator=generators(),
)
def test_each_sample_shrinks_the_error(student, xs, n, k, lr, epochs, generator):
    """One by one, each sample of y = k·x shrinks the error of w by 1 − 2·lr·x², in any order."""
    x = xs[:n]
    left = float((1 - 2 * lr * x.double() ** 2).prod()) ** epochs
    w = student.sgd_line(x, k * x, lr=lr, batch_size=1, epochs=epochs, generator=generator)
    # a float does not say what it was computed in: that has to be the dtype of the data
    assert_close(slope(w), k * (1 - left), dtype=x.dtype, terms=n * epochs, scale=4)


@exercise("sgd_line", weight=2)
@given(
    n=integers(1, 7),
    batch_size=integers(1, 4),
    epochs=integers(1, 3),
    point=sampled_from([(1.0, 2.0), (-2.0, 3.0), (3.0, -1.0), (2.0, 0.5)]),
    signs=seeds(),
    lr=LEARNING_RATES,
    generator=generators(),
)
def test_every_batch_is_one_step(student, n, batch_size, epochs, point, signs, lr, generator):
    """Where all samples agree, each batch is the same step, the last partial one too."""
    # Samples (x, y) and (−x, −y) have the same gradient, so whichever a batch holds, it makes the
    # step of its mean: w_S = y/x · (1 − (1 − 2·lr·x²)^S) after S batches.
    sign = torch.randint(2, (n,), generator=seeded(signs)) * 2.0 - 1
    x, y = point[0] * sign, point[1] * sign
    steps = epochs * -(-n // batch_size)
    expected = point[1] / point[0] * (1 - (1 - 2 * lr * point[0] ** 2) ** steps)
    w = student.sgd_line(x, y, lr=lr, batch_size=batch_size, epochs=epochs, generator=generator)
    assert_close(slope(w), expected, terms=n * epochs, scale=4)


def descend(batches):
    """w after these batches of targets y, all at x = 1, with lr = 1/4: w ← w/2 + mean(y)/2."""
    w = 0.0
    for batch in batches:
        w = w / 2 + sum(batch) / len(batch) / 2
    return w


def slopes_of(student, y, draws, **options):
    """The slopes for some seeds of the generator, all samples at x = 1."""
    x, y = torch.ones(len(y)), torch.tensor(y)
    found = [
        slope(student.sgd_line(x, y, lr=1 / 4, generator=seeded(seed), **options))
        for seed in range(draws)
    ]
    for w in found:
        assert_that(isinstance(w, float), "expected a float", w)
    return [round(w, 4) for w in found]  # single outcomes are exact in binary, and apart


@exercise("sgd_line", weight=1)
def test_every_epoch_has_an_order_of_its_own(student):
    """Each epoch takes all samples, every order of them equally likely, whatever the others did."""
    a, b = [4.0], [-4.0]
    orders = [(a, b), (b, a)]
    expected = {descend([*first, *second]) for first in orders for second in orders}
    found = slopes_of(student, [4.0, -4.0], DRAWS, batch_size=1, epochs=2)
    assert_equally_likely(found, expected, "slopes of (1, 4), (1, −4) after two epochs, lr = 1/4")
    # What favours some orders a little does so more clearly among more samples. After four batches
    # w is the sum of the y, each times a weight that tells the place of its batch: over the norms
    # of the weights, less their mean, and of the y, it is their correlation.
    y = numbers(8)
    weight = torch.tensor([1 / 32, 1 / 16, 1 / 8, 1 / 4], dtype=torch.float64).repeat_interleave(2)
    norm = float((weight - weight.mean()).norm() * y.norm())
    found = slopes_of(student, y.tolist(), ORDERS // 2, batch_size=2, epochs=1)
    what = "correlation of y with the place in the epoch, as slopes of 8 samples tell it"
    assert_even([w / norm for w in found], 8, what)


@exercise("sgd_line", weight=1)
def test_partial_batch_is_a_step_of_its_own_mean(student):
    """Of four samples in batches of three, any may be the one that makes the last step alone."""
    y = [12.0, -12.0, 24.0, -48.0]
    expected = {descend([[*y[:k], *y[k + 1 :]], [y[k]]]) for k in range(4)}
    found = slopes_of(student, y, DRAWS, batch_size=3, epochs=1)
    assert_equally_likely(found, expected, f"slopes of y = {y} at x = 1, lr = 1/4")


@exercise("sgd_line", weight=1)
@given(data=tensors((2, 20)), batch_size=integers(1, 7), seed=seeds())
def test_slope_comes_from_the_generator_alone(student, data, batch_size, seed):
    """The same seed of the generator gives the same slope, whatever the global seeds are."""
    slopes = [
        slope(
            student.probe.call_with_global_seed(
                global_seed,
                "sgd_line",
                x=data[0],
                y=data[1],
                lr=1 / 16,
                batch_size=batch_size,
                epochs=2,
                generator=seeded(seed),
            )
        )
        for global_seed in (1, 2, 1)
    ]
    assert_that(isinstance(slopes[0], float), "expected a float", slopes[0])
    same = slopes[0] == slopes[1] == slopes[2]
    assert_that(same, f"one seed of the generator, but the slopes {slopes}")


@exercise("sgd_line", weight=0.5)
@given(data=tensors((2, 4), low=1, high=3), epochs=integers(1, 3), generator=generators())
def test_fit_leaves_the_data_alone(student, reference, data, epochs, generator):
    """A second fit to the same tensors finds the same slope: the first has not changed them."""
    options = {"lr": 1 / 32, "batch_size": 4, "epochs": epochs, "generator": generator}
    expected = reference.sgd_line(*data.double(), **options)
    assert_close(slope(student.again.sgd_line(*data, **options)), expected, terms=12, scale=1)


@exercise("sgd_line", weight=0.5)
@given(data=tensors((2, 5)), batch_size=BELOW_ONE, generator=generators())
def test_fit_refuses_a_batch_size_below_one(student, data, batch_size, generator):
    """A batch size below 1 raises ValueError."""
    options = {"lr": 0.125, "batch_size": batch_size, "epochs": 2, "generator": generator}
    assert_raises(ValueError, lambda: student.sgd_line(*data, **options))
