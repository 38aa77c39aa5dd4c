"""The wire: which values cross, what refuses to, and what happens to frames nobody encoded."""

from __future__ import annotations

import socket
import struct
import time
from collections import OrderedDict, deque, namedtuple
from enum import IntEnum
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.sandbox import wire


def frame(tree: Any, sizes: Any = (), body: bytes = b"") -> tuple[bytes, bytearray]:
    """A header and body as whoever sends them likes, not as `encode` would."""
    return msgspec.msgpack.encode([tree, list(sizes)]), bytearray(body)


def same(one: Any, other: Any) -> bool:
    """Equal in type, shape, dtype and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and bits(one) == bits(other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bits(one) == bits(other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    return bool(one == other)


def bits(values: Any) -> bytes:
    """The bytes of an array's or tensor's elements in order, whatever its layout."""
    if isinstance(values, torch.Tensor):
        dense = values.clone(memory_format=torch.contiguous_format)
        values = dense.reshape(-1).view(torch.uint8).numpy()
    return bytes(values.tobytes())


class TestPlainValuesCrossUnchanged:
    @pytest.mark.parametrize(
        "value",
        [
            None, True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, 2**64, -(2**200), 2**4000,
            0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), 5e-324,
            "", "λ → ∞", "a\0b", b"", b"\0\xff", "x" * 70_000,
            [], (), {}, [1, (2, [3.0, None])], ((),), {"a": {"b": (b"c", [True])}}, [b"1", b"22"],
            torch.float32, torch.bool, torch.complex128,
        ],
        ids=lambda value: f"{type(value).__name__} {value!r:.20}",
    )  # fmt: skip
    def test_value(self, value):
        """A plain value arrives with the type and the bits it had."""
        assert same(wire.roundtrip(value), value)

    def test_nesting_up_to_the_bound(self):
        """Lists may nest as deep as the bound allows, and a dict costs no more than a list."""
        deep: Any = 1
        for level in range(wire.MAX_DEPTH):
            deep = {"k": deep} if level % 2 else [deep]
        assert wire.roundtrip(deep) == deep

    def test_answers_do_not_share_buffers(self):
        """Each of several tensors in one value arrives as itself, at whatever offset it lies."""
        value = [torch.ones(3, dtype=torch.uint8), torch.arange(4.0), b"x", np.arange(3), b"yz"]
        assert same(wire.roundtrip(value), value)


class TestEncodedBefore:
    def test_arrives_as_the_value(self):
        """A value that was encoded before stands in a dict as if it were encoded there."""
        value = [torch.arange(4.0), (b"x", {"a": np.arange(3)}), 1 << 70, torch.ones(2, 3).t()]
        told = {"answer": "returned", "value": value, "mutated": ["x"]}
        encoded = told | {"value": wire.Encoded(value)}
        assert list(map(bytes, wire.encode(7, encoded))) == list(map(bytes, wire.encode(7, told)))
        assert same(wire.roundtrip(encoded), wire.roundtrip(told))

    def test_is_held_to_the_same_bounds(self):
        """It may nest as deep as a value in a dict, and is as large."""
        deep: Any = 1
        for _ in range(wire.MAX_DEPTH):
            deep = [deep]
        with pytest.raises(wire.UnsendableError, match="nested"):
            wire.Encoded(deep)
        assert wire.roundtrip({"k": wire.Encoded(deep[0])}) == {"k": deep[0]}
        with pytest.raises(wire.UnsendableError, match="MB"):
            wire.encode(0, {"k": wire.Encoded(b"xyz")}, most=2)

    def test_is_the_first_with_bulk_data(self):
        """Its references count from 0: behind another's data they would mean that."""
        with pytest.raises(wire.UnsendableError, match="after others"):
            wire.encode(0, [b"x", wire.Encoded(b"y")])


DTYPES = [
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.complex64, torch.complex128,
]  # fmt: skip
LAYOUTS = {
    "contiguous": lambda t: t,
    "transposed": lambda t: t.t(),
    "strided": lambda t: t[:, ::2],
    "offset": lambda t: t[1:, 1:],
    "expanded": lambda t: t[:1].expand(5, -1),
    "overlapping": lambda t: t.reshape(-1).unfold(0, 3, 1),
    "flipped": lambda t: t.flip(0),
    "0-dim": lambda t: t[0, 0],
    "empty": lambda t: t[:0],
    "empty and transposed": lambda t: t[:0].t(),
    "singleton": lambda t: t[:1, :1],
    "singleton of large stride": lambda t: t[0, ::3][:1],
}


class TestTensors:
    @pytest.mark.parametrize("dtype", DTYPES, ids=str)
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("keep_strides", [False, True])
    def test_dtype_and_layout(self, dtype, layout, keep_strides):
        """Every dtype crosses in every layout; the layout itself only where it is asked for."""
        tensor = LAYOUTS[layout](torch.arange(20).reshape(4, 5).to(dtype))
        arrived = wire.roundtrip(tensor, keep_strides=keep_strides)
        assert same(arrived, tensor)
        expected = keep_strides and not tensor.is_contiguous()
        assert arrived.is_contiguous() == (not expected)
        if expected:
            assert arrived.stride() == tensor.stride()

    @pytest.mark.parametrize(
        "tensor",
        [
            torch.nn.Parameter(torch.ones(2)),
            torch.ones(2, requires_grad=True) * 2,
            torch.tensor([1 + 2j, 3 - 4j]).conj(),
            torch.tensor([1 + 2j]).conj().imag,
            torch._neg_view(torch.ones(2)),
            torch.tensor([float("nan"), -0.0, float("inf")]),
            torch.arange(2.0).as_subclass(type("Fancy", (torch.Tensor,), {})),
        ],
        ids=["parameter", "with graph", "conj", "imag of conj", "neg", "special", "subclass"],
    )
    def test_arrives_as_a_plain_tensor(self, tensor):
        """A graph, a subclass or a lazy conjugation stays behind; the values arrive."""
        arrived = wire.roundtrip(tensor)
        assert type(arrived) is torch.Tensor
        assert not arrived.requires_grad
        assert not arrived.is_conj()
        assert not arrived.is_neg()
        plain = tensor.detach().as_subclass(torch.Tensor).resolve_conj().resolve_neg()
        assert same(arrived, plain)

    def test_owns_its_memory(self):
        """What arrived can be modified without a trace in what was sent, or in the frame."""
        tensor, array = torch.zeros(3), np.zeros(3)
        _, header, *buffers = wire.encode(0, [tensor, array])
        body = bytearray(b"".join(buffers))
        arrived, arrived_array = wire.decode(header, body)
        arrived += 1
        arrived_array += 1
        assert tensor.sum() == 0
        assert array.sum() == 0
        assert body == bytes(len(body))

    def test_bool_bytes_become_0_or_1(self):
        """A bool tensor never holds another byte than 0 and 1, whatever the frame said."""
        body = bytes([0, 1, 2, 255])
        header, body = frame(["T", "bool", [4], None, 0], [4], body)
        arrived = wire.decode(header, body)
        assert arrived.view(torch.uint8).tolist() == [0, 1, 1, 1]
        header, body = frame(["N", "bool", [4], 0], [4], body)
        assert wire.decode(header, body).view(np.uint8).tolist() == [0, 1, 1, 1]


CODES = ["?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]


class TestArrays:
    @pytest.mark.parametrize("code", CODES)
    @pytest.mark.parametrize("order", "<>")
    def test_dtype_and_byte_order(self, code, order):
        """Every dtype crosses; a big-endian array arrives with its values in our byte order."""
        array = np.arange(6).reshape(2, 3).astype(order + code)
        arrived = wire.roundtrip(array)
        assert arrived.dtype == np.dtype(code)
        assert arrived.dtype.isnative
        np.testing.assert_array_equal(arrived, array)

    @pytest.mark.parametrize(
        "array",
        [
            np.arange(6).reshape(2, 3).T,
            np.arange(6)[::-2],
            np.arange(6)[::3][:1],
            np.broadcast_to(np.float32(3), (4, 2)),
            np.zeros((0, 3)),
            np.array(7),
            np.array(True),
            np.array(1.5, dtype=">f8"),
            np.arange(4).view(type("Fancy", (np.ndarray,), {})),
        ],
        ids=[
            "T",
            "reversed",
            "one of stride 3",
            "broadcast",
            "empty",
            "0-dim",
            "0-dim bool",
            "0-dim >f8",
            "subclass",
        ],
    )
    def test_layout(self, array):
        """Views, broadcasts, empty and 0-dimensional arrays arrive as plain arrays."""
        arrived = wire.roundtrip(array)
        assert type(arrived) is np.ndarray
        assert arrived.shape == array.shape
        np.testing.assert_array_equal(arrived, array)

    @pytest.mark.parametrize(
        "scalar, value",
        [
            (np.True_, True),
            (np.int8(-3), -3),
            (np.uint64(2**64 - 1), 2**64 - 1),
            (np.float16(0.5), 0.5),
            (np.float64(2.5), 2.5),
            (np.str_("s"), "s"),
            (np.bytes_(b"b"), b"b"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_scalars_arrive_as_python_numbers(self, scalar, value):
        """A NumPy scalar arrives as the Python value it stands for."""
        assert same(wire.roundtrip(scalar), value)


class Level(IntEnum):
    HIGH = 3


class LyingInt(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class LyingStr(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__

    def __str__(self) -> str:
        return "another"


class TestLookAlikesBecomePlain:
    Pair = namedtuple("Pair", "a b")

    @pytest.mark.parametrize(
        "value, plain",
        [
            (Level.HIGH, 3),
            (LyingInt(4), 4),
            (type("F", (float,), {})(1.5), 1.5),
            (LyingStr("own"), "own"),
            (type("B", (bytes,), {})(b"b"), b"b"),
            (bytearray(b"ba"), b"ba"),
            (Pair(1, 2), (1, 2)),
            (torch.Size([2, 3]), (2, 3)),
            (type("L", (list,), {})([1]), [1]),
            (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
            ({LyingStr("key"): 1}, {"key": 1}),
            (range(3), [0, 1, 2]),
            (deque([1, (2,)]), [1, (2,)]),
            (iter([1, 2]), [1, 2]),
            (map(str, [1, 2]), ["1", "2"]),
            (zip("ab", (1, 2), strict=True), [("a", 1), ("b", 2)]),
            (enumerate("a"), [(0, "a")]),
            ((n * n for n in range(3)), [0, 1, 4]),
            ([(n for n in range(2)), iter(())], [[0, 1], []]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_subclass_or_lazy(self, value, plain):
        """Nothing with behaviour of its own crosses: subclasses and lazy values arrive plain."""
        assert same(wire.roundtrip(value), plain)

    @pytest.mark.parametrize("seed", [0, 7, -5, 2**64 - 1])
    def test_generator_arrives_with_its_seed(self, seed):
        """A generator arrives as a fresh one of the same seed, whatever was drawn from it."""
        generator = torch.Generator().manual_seed(seed)
        expected = torch.rand(3, generator=generator)
        arrived = wire.roundtrip(generator)
        assert torch.equal(torch.rand(3, generator=arrived), expected)


def endless():
    while True:
        yield 0


def cyclic() -> list[Any]:
    items: list[Any] = []
    items.append(items)
    return items


class TestUnsendableValuesAreNamed:
    @pytest.mark.parametrize(
        "value, words",
        [
            (object(), "type object"),
            (len, "type builtin_function_or_method"),
            ({1, 2}, "type set"),
            (1j, "type complex"),
            ({"a": 1}.keys(), "type dict_keys"),
            (torch.nn.Linear(1, 1), "type Linear"),
            (torch.device("cpu"), "type device"),
            ([1, {"a": (None, object())}], "type object"),
            ({1: "a"}, "key of type int"),
            ({b"a": 1}, "key of type bytes"),
            ("\ud800", "Unicode"),
            ({"\ud800": 1}, "Unicode"),
            (cyclic(), "nested"),
            (endless(), "iterator of more than"),
            (range(10**18), "iterator of more than"),
            (1 << 20_000, "bits"),
            (bytes(wire.MAX_BODY + 1), "256 MB"),
            ("x" * (wire.MAX_HEADER + 1), "1 MB"),
            (torch.zeros(1).expand(10**12), "(1000000000000,)"),
            (np.broadcast_to(np.float64(0), 10**12), "(1000000000000,)"),
            (torch.empty(0, 2**40), "(0, 1099511627776)"),
            (torch.zeros((1,) * 40), "40 dimensions"),
            (np.zeros((1,) * 40), "40 dimensions"),
            ([torch.Generator()] * 1000, "generators"),
            (torch.zeros(2, dtype=torch.float8_e4m3fn), "dtype torch.float8_e4m3fn"),
            (torch.float8_e4m3fn, "dtype torch.float8_e4m3fn"),
            (np.array([object()]), "dtype object"),
            (np.array(["a"]), "dtype <U1"),
            (np.array(["2020"], dtype="M8[Y]"), "dtype datetime64[Y]"),
            (np.zeros(2, dtype="i4,f4"), "dtype [("),
            (np.datetime64(5, "ns"), "dtype datetime64[ns]"),
            (np.longdouble(1), f"dtype {np.longdouble(1).dtype}"),
        ],
        ids=lambda value: f"{type(value).__name__}",
    )  # fmt: skip
    def test_named(self, value, words):
        """What doesn't cross is refused by the sender, in words that tell its author what it is."""
        with pytest.raises(wire.UnsendableError) as caught:
            wire.roundtrip(value)
        assert words in str(caught.value)

    @pytest.mark.filterwarnings("ignore::UserWarning")
    @pytest.mark.parametrize(
        "make, words",
        [
            (lambda: torch.zeros(3).to_sparse(), "sparse tensor"),
            (lambda: torch.eye(2).to_sparse_csr(), "sparse tensor"),
            (lambda: torch.zeros(3, device="meta"), "meta tensor"),
            (
                lambda: torch.quantize_per_tensor(torch.zeros(2), 1.0, 0, torch.qint8),
                "quantized tensor",
            ),
            (lambda: torch.nested.nested_tensor([torch.zeros(2)]), "nested tensor"),
        ],
        ids=["sparse", "sparse csr", "meta", "quantized", "nested"],
    )
    def test_tensor_without_plain_bytes(self, make, words):
        """A tensor that has no plain bytes of its own is refused by the name of its kind."""
        with pytest.raises(wire.UnsendableError, match=words):
            wire.roundtrip(make())


TENSOR = ["T", "float32", [2], None, 0]
LONG = 1 << 28


class TestMalformedFramesAreRefused:
    @pytest.mark.parametrize(
        "header",
        [
            b"", b"\xc1", b"\x92", b"\x90", b"\x93\xc0\x90\xc0", b"\xc0", b"\x80", b"\x92\xc0\xc0",
            b"\x92\xc0\x90\xc0",                # something after the message
            b"\x91" * 100_000,                  # nested beyond the interpreter's stack
            b"\xdd\xff\xff\xff\xff",            # promises 2**32 items, sends none
            b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
            b"\x92\xa2\xff\xfe\x90",            # a string that is not UTF-8
            b"\x92\xd4\x05\x00\x90",            # an extension type
            b"\x92\xd6\xff\x00\x00\x00\x00\x90",  # a timestamp
            b"\x92\xc4\x01a\x90",               # bytes inside the tree
            b"\x92\x80\x90",                    # a map without its tag
            b"\x92\x92\xa1d\x81\x01\x02\x90",   # a map with a key that is no string
            b"\x92\x92\xa1d\x81\x91\x01\x02\x90",
            b"\x92\x92\xa1d\x81\x80\x02\x90",
        ],
        ids=lambda header: header[:8].hex() or "nothing",
    )  # fmt: skip
    def test_header(self, header):
        """Bytes that are no message of ours are a WireError, whatever they promise."""
        with pytest.raises(wire.WireError):
            wire.decode(header, bytearray())

    @pytest.mark.parametrize(
        "tree",
        [
            [], ["?"], ["?", 1], [1], [None, 1], [["l"]], [{"d": 1}, 2], ["d"], ["d", 1], ["d", []],
            ["d", {}, {}], ["i"], ["i", 5], ["i", ""], ["i", "0x"], ["i", "xyz"], ["i", "f" * 5000],
            ["b"], ["b", 0], ["b", "0"], ["b", None], ["b", True], ["b", -1], ["b", 0.0],
            ["y", "float99"], ["y", "nn"], ["y", 3], ["y", ["float32"]],
            ["g", -1], ["g", 1 << 64 - 1, 2], ["g", 1.0], ["g", True], ["g", "1"], ["g", None],
            ["l"] + [["g", 0]] * 1000,
            ["T"], ["T", "float32", [2], None], ["T", "float32", [2], None, 0, 0], TENSOR,
            ["N", "float32", [2], 0], ["N"], ["N", "float32"],
        ],
        ids=lambda tree: f"{tree!r:.40}",
    )  # fmt: skip
    def test_tree_without_a_body(self, tree):
        """An unknown tag, a content of another type, a reference to no buffer: a WireError."""
        with pytest.raises(wire.WireError):
            wire.decode(*frame(tree))

    @pytest.mark.parametrize(
        "tree",
        [
            ["T", "object", [2], None, 0],
            ["T", "float32", [3], None, 0],
            ["T", "float64", [2], None, 0],
            ["T", "float32", [-2], None, 0],
            ["T", "float32", [2.0], None, 0],
            ["T", "float32", [True, 2], None, 0],
            ["T", "float32", 2, None, 0],
            ["T", "float32", None, None, 0],
            ["T", "float32", [1] * 40 + [2], None, 0],
            ["T", 32, [2], None, 0],
            ["T", ["float32"], [2], None, 0],
            ["T", "float32", [2], None, 1],
            ["T", "float32", [2], [1], 0],
            ["T", "float32", [2], "C", 0],
            ["N", "object", [2], 0],
            ["N", "O", [2], 0],
            ["N", ">f4", [2], 0],
            ["N", "float32", [3], 0],
            ["N", "float32", [-2], 0],
            ["N", "float32", [2, None], 0],
            ["N", "float32", [1 << 62, 4, 2], 0],
            ["N", "float32", [2], 1],
            ["b", 1],
            ["l", ["b", 0], ["b", 0]],
            None,
        ],
        ids=lambda tree: f"{tree!r:.40}",
    )
    def test_tree_that_does_not_fit_its_body(self, tree):
        """Eight bytes of body are a float32 tensor of shape [2], and nothing else passes for it."""
        wire.decode(*frame(TENSOR, [8], bytes(8)))
        with pytest.raises(wire.WireError):
            wire.decode(*frame(tree, [8], bytes(8)))

    @pytest.mark.parametrize(
        "sizes", [[7], [9], [8, 0], [0, 8], [-8], [8.0], ["8"], [None], [True], [1 << 62], []]
    )
    def test_sizes_that_do_not_fit(self, sizes):
        """The sizes of the buffers are those of the body exactly, each used once."""
        with pytest.raises(wire.WireError):
            wire.decode(*frame(TENSOR, sizes, bytes(8)))

    @pytest.mark.parametrize("tag", ["T", "N"])
    @pytest.mark.parametrize("shape", [[0, *[LONG] * 5], [*[LONG] * 5, 0], [LONG, 0, LONG, LONG]])
    def test_empty_of_a_shape_that_overflows(self, tag, shape):
        """An empty tensor whose strides would not fit an integer is a WireError."""
        tree = ["T", "float32", shape, None, 0] if tag == "T" else ["N", "float32", shape, 0]
        with pytest.raises(wire.WireError):
            wire.decode(*frame(tree, [0]))

    def test_one_buffer_for_many_values(self):
        """A small frame can't become a huge value by referring to one buffer again and again."""
        for value in (["b", 0], ["T", "uint8", [1 << 20], None, 0], ["N", "uint8", [1 << 20], 0]):
            with pytest.raises(wire.WireError):
                wire.decode(*frame(["l", *[value] * 2], [1 << 20], bytes(1 << 20)))

    def test_nesting_beyond_the_bound(self):
        """A tree deeper than any that is encoded is a WireError."""
        for wrap in (lambda tree: ["l", tree], lambda tree: ["d", {"k": tree}]):
            tree: Any = None
            for _ in range(wire.MAX_DEPTH + 2):
                tree = wrap(tree)
            with pytest.raises(wire.WireError):
                wire.decode(*frame(tree))

    @pytest.mark.parametrize(
        "strides", [[-1], [1, 1], [], ["1"], [1.0], [True], [1 << 40], [1 << 62], 1, {"0": 1}]
    )
    def test_strides_of_the_wrong_kind(self, strides):
        """Where a layout is wanted, it has to be one that the tensor can have."""
        tree = ["T", "float32", [2], strides, 0]
        with pytest.raises(wire.WireError):
            wire.decode(*frame(tree, [8], bytes(8)), allow_strides=True)

    @pytest.mark.parametrize("shape, size", [([1], 4), ([0], 0), ([1, 2], 8)])
    @pytest.mark.parametrize("stride", [1 << 62, 1 << 63, (1 << 64) - 1])
    def test_stride_of_a_single_element(self, shape, size, stride):
        """A stride that is never stepped has to fit an integer all the same."""
        tree = ["T", "float32", shape, [stride] + [2] * (len(shape) - 1), 0]
        with pytest.raises(wire.WireError):
            wire.decode(*frame(tree, [size], bytes(size)), allow_strides=True)

    def test_strides_are_refused_from_a_worker(self):
        """The grader takes no memory layout from a worker, not even one for an empty tensor."""
        for shape, size in (([2], 8), ([0], 0)):
            with pytest.raises(wire.WireError):
                wire.decode(*frame(["T", "float32", shape, [1], 0], [size], bytes(size)))


REAL_VALUES = [
    {"answer": "returned", "value": torch.arange(6.0).reshape(2, 3), "mutated": ["x"]},
    [1, -(2**70), 2.5, "text", b"bytes", (None, True)],
    {"a": np.arange(4, dtype="i2"), "b": torch.float16, "c": [torch.Generator().manual_seed(3)]},
    [torch.ones(2, dtype=torch.bool), torch.empty(0, 3), torch.tensor(1 + 2j)],
    (torch.arange(12).reshape(3, 4).t(), torch.ones(1).expand(4)),
]
REAL_FRAMES = [
    (bytes(header), b"".join(buffers))
    for value in REAL_VALUES
    for _, header, *buffers in [wire.encode(1, value, keep_strides=True)]
]


class TestMutatedFrames:
    @settings(
        max_examples=1500,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def test_gives_a_value_or_a_wire_error(self, data):
        """A real frame with bytes changed, cut or put in is a value or a WireError, never else."""
        header, body = map(bytearray, data.draw(st.sampled_from(REAL_FRAMES)))
        for _ in range(data.draw(st.integers(1, 4))):
            part = header if data.draw(st.integers(0, 5)) else body
            at = data.draw(st.integers(0, len(part)))
            length = data.draw(st.integers(0, 3))
            part[at : at + length] = data.draw(st.binary(max_size=4))
        for allow_strides in (False, True):
            try:
                value = wire.decode(bytes(header), bytearray(body), allow_strides=allow_strides)
            except wire.WireError:
                continue
            wire.encode(0, value)  # what was let in is made of nothing but plain values

    @settings(max_examples=1500, derandomize=True, database=None, deadline=None)
    @given(
        tree=st.recursive(
            st.sampled_from([None, True, 0, 1, -1, 8, LONG, 2**63, 1.0, "", "l", "float32", "ff"])
            | st.sampled_from(["t", "d", "i", "b", "T", "N", "y", "g"]).map(lambda tag: [tag]),
            lambda inner: (
                st.tuples(
                    st.sampled_from(["l", "t", "d", "i", "b", "T", "N", "y", "g"]),
                    st.lists(inner, max_size=4),
                ).map(lambda pair: [pair[0], *pair[1]])
                | st.lists(inner, max_size=4)
                | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
            ),
            max_leaves=12,
        ),
        sizes=st.lists(st.sampled_from([0, 1, 4, 8, -1, LONG]), max_size=3),
        length=st.integers(0, 8),
    )
    def test_trees_of_nonsense(self, tree, sizes, length):
        """Trees put together from the right words in the wrong order end in nothing worse."""
        try:
            value = wire.decode(*frame(tree, sizes, bytes(length)), allow_strides=True)
        except wire.WireError:
            return
        wire.encode(0, value)


@pytest.fixture
def ends():
    one, other = socket.socketpair()
    with one, other:
        yield wire.Channel(one), other


def soon() -> float:
    return time.monotonic() + 0.05


class TestChannel:
    def test_frames_arrive_whole_and_in_order(self, ends):
        """Frames sent one after the other are received one by one, each with its request's id."""
        channel, other = ends
        far = wire.Channel(other)
        values = [{"n": 1}, torch.arange(1000), [b"x", "y"]]
        for request, value in enumerate(values, start=1):
            far.send(wire.encode(request, value))
        for request, value in enumerate(values, start=1):
            answered, header, body = channel.receive(time.monotonic() + 5)
            assert answered == request
            assert same(wire.decode(header, body), value)

    @pytest.mark.parametrize(
        "prefix",
        [
            struct.pack("<4sQIQ", b"evil", 1, 1, 0),
            struct.pack("<4sQIQ", b"agw1", 1, wire.MAX_HEADER + 1, 0),
            struct.pack("<4sQIQ", b"agw1", 1, 0xFFFFFFFF, 0),
            struct.pack("<4sQIQ", b"agw1", 1, 1, wire.MAX_BODY + 1),
            struct.pack("<4sQIQ", b"agw1", 1, 1, 2**64 - 1),
            b"Hello, I am a print statement",
        ],
        ids=["magic", "header", "4 GB header", "body", "exabytes", "print"],
    )
    def test_prefix_beyond_the_bounds(self, ends, prefix):
        """A frame that is none, or promises too much, is refused before its content is read."""
        channel, other = ends
        other.sendall(prefix)
        with pytest.raises(wire.WireError):
            channel.receive(time.monotonic() + 5)

    def test_promise_of_much_costs_nothing(self, ends):
        """Memory grows with the bytes that arrive, not with those that are announced."""
        channel, other = ends
        other.sendall(struct.pack("<4sQIQ", b"agw1", 1, 1, wire.MAX_BODY) + b"\xc0" + bytes(100))
        other.shutdown(socket.SHUT_WR)
        import tracemalloc

        tracemalloc.start()
        with pytest.raises(wire.Closed):
            channel.receive(time.monotonic() + 5)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 16 << 20

    @pytest.mark.parametrize("sent", [0, 5, 24, 30])
    def test_silence_ends_at_the_deadline(self, ends, sent):
        """Who stops in the middle of a frame is cut off by the deadline."""
        channel, other = ends
        whole = b"".join(wire.encode(1, "a value of some length, to be cut"))
        other.sendall(whole[:sent])
        with pytest.raises(wire.Timeout):
            channel.receive(soon())

    @pytest.mark.parametrize("sent", [0, 5, 24, 30])
    def test_end_of_the_other_side(self, ends, sent):
        """Who leaves, also in the middle of a frame, is reported as gone."""
        channel, other = ends
        other.sendall(b"".join(wire.encode(1, "a value of some length, to be cut"))[:sent])
        other.close()
        with pytest.raises(wire.Closed):
            channel.receive(time.monotonic() + 5)
        with pytest.raises(wire.Closed):
            channel.send(wire.encode(2, bytes(1 << 20)), time.monotonic() + 5)

    def test_reader_that_never_reads(self, ends):
        """Sending to someone who does not read ends at the deadline."""
        channel, _ = ends
        with pytest.raises(wire.Timeout):
            channel.send(wire.encode(1, bytes(16 << 20)), soon())

    def test_deadline_in_the_past(self, ends):
        """A deadline that has passed is a time-out even where a frame is waiting."""
        channel, other = ends
        other.sendall(b"".join(wire.encode(1, None)))
        with pytest.raises(wire.Timeout):
            channel.receive(time.monotonic() - 1)
