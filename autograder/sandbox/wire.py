"""The wire between grader and worker: plain values in length-prefixed frames, no pickle.

A frame is a fixed prefix, a header and a body. The header is msgpack: a tree of tagged lists in
which every tensor, array and byte string is a reference into the body, so bulk data is neither
escaped nor copied twice. Whoever decodes bounds every size before it allocates, and accepts
nothing but the values below.

========================  =======================================
value                     in the tree
========================  =======================================
None, bool, float, str    itself
int                       itself, or ``["i", hex]`` beyond 64 bits
list, tuple               ``["l", …]``, ``["t", …]``; a deque, range or iterator is a list
dict with str keys        ``["d", {…}]``
bytes                     ``["b", buffer]``
torch.Tensor              ``["T", dtype, shape, strides, buffer]``
numpy.ndarray             ``["N", dtype, shape, buffer]``
torch.dtype               ``["y", name]``
torch.Generator           ``["g", seed]``
========================  =======================================
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import msgspec
import numpy as np
import torch

_PREFIX = struct.Struct("<4sQIQ")  # magic, request id, bytes of header, bytes of body
_MAGIC = b"agw1"
MAX_HEADER = 1 << 20
MAX_BUFFERS = 10_000
MAX_BODY = 256 << 20
MAX_ANSWER = 64 << 20  # of a body that comes from a worker: decoding takes a few times as much
MAX_DEPTH = 32
MAX_ITEMS = 1_000_000  # of a lazy iterator, which may never end
MAX_DIMS = 32
MAX_GENERATORS = 64  # each costs kilobytes, and its seed no more than four bytes of the header
_INT64 = range(-(1 << 63), 1 << 63)
_LEAVES = frozenset({type(None), bool, int, float, str})  # what stands for itself
_MAX_INT_DIGITS = 4096

_TORCH_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
        torch.float16, torch.bfloat16, torch.float32, torch.float64,
        torch.complex64, torch.complex128,
    )
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in _TORCH_DTYPES.items()}
_NUMPY_CODES = (
    "?", "u1", "i1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16",
)  # fmt: skip
_NUMPY_DTYPES = {np.dtype(code).name: np.dtype(code) for code in _NUMPY_CODES}


class WireError(Exception):
    """A frame breaks the rules of the wire: whoever sent it can't be trusted any further."""


class UnsendableError(TypeError):
    """A value that doesn't cross the wire; the message names it for its author."""


class Closed(Exception):
    """The other end is gone."""


class Timeout(Exception):
    """The deadline passed before a whole frame was sent or received."""


# --- values to bytes -----------------------------------------------------------------------


class _Encoder:
    """Builds the tree of one value and collects the buffers it refers to."""

    def __init__(self, keep_strides: bool) -> None:
        self.keep_strides = keep_strides
        self.buffers: list[memoryview] = []
        self.generators = 0

    def tree(self, value: Any, depth: int = 0) -> Any:
        if depth > MAX_DEPTH:
            raise UnsendableError(f"a value nested more than {MAX_DEPTH} deep (or cyclic)")
        # The exact builtin types come first and are the fast path; what follows turns their
        # subclasses and look-alikes into them, so that nothing with behaviour of its own crosses.
        # By identity: looking a type up in a set would ask its metaclass, which may be a student's.
        kind = type(value)
        if value is None or kind is bool or kind is float or kind is str:
            return value
        if kind is int and value in _INT64:
            return value
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray):
            return self._array(value)
        if isinstance(value, np.generic):
            return self.tree(_unboxed(value), depth)
        if isinstance(value, bool | int):
            number = int(value)
            return number if number in _INT64 else ["i", _hex(number)]
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, bytes | bytearray):
            return ["b", self._buffer(memoryview(bytes(value)))]
        if isinstance(value, torch.dtype):
            name = str(value).removeprefix("torch.")
            if name not in _TORCH_DTYPES:
                raise UnsendableError(f"the dtype {value}")
            return ["y", name]
        if isinstance(value, torch.Generator):
            self.generators += 1
            if self.generators > MAX_GENERATORS:
                raise UnsendableError(f"more than {MAX_GENERATORS} generators")
            return ["g", value.initial_seed()]
        if isinstance(value, dict):
            return ["d", {_key(k): self.tree(v, depth + 1) for k, v in value.items()}]
        if isinstance(value, tuple):
            return ["t", *(self.tree(item, depth + 1) for item in value)]
        if isinstance(value, list):
            return ["l", *(self.tree(item, depth + 1) for item in value)]
        if isinstance(value, range | deque) or hasattr(type(value), "__next__"):
            return ["l", *(self.tree(item, depth + 1) for item in _bounded(value))]
        if type(value) is Encoded:
            return self._encoded(value)
        raise UnsendableError(f"a value of type {type(value).__name__}")

    def _encoded(self, value: Encoded) -> Any:
        if self.buffers:
            raise UnsendableError("an encoded value after others")  # its references start at 0
        self.buffers.extend(value.buffers)
        return value.tree

    def _buffer(self, data: memoryview) -> int:
        if len(self.buffers) >= MAX_BUFFERS:
            raise UnsendableError(f"a value with more than {MAX_BUFFERS:,} tensors or arrays in it")
        self.buffers.append(data)
        return len(self.buffers) - 1

    def _tensor(self, tensor: torch.Tensor) -> list[Any]:
        kind = _unusual_kind(tensor)
        if kind:
            raise UnsendableError(f"a {kind} tensor")
        plain = tensor.detach().as_subclass(torch.Tensor).cpu().resolve_conj().resolve_neg()
        name = _NAMES.get(plain.dtype)
        if name is None:
            raise UnsendableError(f"a tensor of dtype {plain.dtype}")
        _check_size("tensor", plain.shape, plain.element_size())
        strides = None
        if self.keep_strides and not plain.is_contiguous():
            strides = list(plain.stride())
        # as_strided, for a single element counts as contiguous with any stride, and view minds it
        dense = plain.contiguous().as_strided((plain.numel(),), (1,)).view(torch.uint8)
        return ["T", name, list(plain.shape), strides, self._buffer(dense.numpy().data)]

    def _array(self, array: np.ndarray[Any, Any]) -> list[Any]:
        plain = np.asarray(array)
        dtype = plain.dtype.newbyteorder("<")
        if dtype.name not in _NUMPY_DTYPES or dtype.hasobject:
            raise UnsendableError(f"a NumPy array of dtype {plain.dtype}")
        _check_size("NumPy array", plain.shape, dtype.itemsize)
        dense = np.ascontiguousarray(plain, dtype=dtype)
        buffer = self._buffer(dense.reshape(-1).view(np.uint8).data)
        return ["N", dtype.name, list(plain.shape), buffer]


class Encoded:
    """A value that `encode` takes as it is here, where it is the first with bulk data in a dict.

    Raises:
        UnsendableError: the value, or one in it, doesn't cross.
    """

    def __init__(self, value: Any) -> None:
        encoder = _Encoder(keep_strides=False)
        self.tree = encoder.tree(value, depth=1)
        self.buffers = encoder.buffers


def _unusual_kind(tensor: torch.Tensor) -> str | None:
    """What makes a tensor have no plain bytes of its own, None where it has."""
    if tensor.is_meta:
        return "meta"
    if tensor.is_quantized:
        return "quantized"
    if tensor.layout is not torch.strided:
        return "sparse"
    if tensor.is_nested:
        return "nested"
    return None


def _check_size(what: str, shape: Sequence[int], itemsize: int) -> None:
    """Refuse what no frame holds before it is copied: an expanded tensor is small until then."""
    if len(shape) > MAX_DIMS:
        raise UnsendableError(f"a {what} of {len(shape)} dimensions")
    if not _fits(shape, itemsize):
        raise UnsendableError(f"a {what} of shape {tuple(shape)}, which is too large")


def _fits(shape: Sequence[int], itemsize: int) -> bool:
    """Whether an array fits into a body; an empty one is held to the same bound.

    Of its dimensions but those of length 0, that is: their product makes strides, and has to
    fit an int64.
    """
    return prod(max(n, 1) for n in shape) * itemsize <= MAX_BODY


def _unboxed(scalar: np.generic[Any]) -> Any:
    value = scalar.item()
    # longdouble has no Python equivalent; dates and records have, but no plain one
    if isinstance(value, np.generic) or scalar.dtype.kind in "mMVO":
        raise UnsendableError(f"a NumPy scalar of dtype {scalar.dtype}")
    return value


def _hex(number: int) -> str:
    text = format(number, "x")
    if len(text) > _MAX_INT_DIGITS:
        raise UnsendableError("an int of more than 16,384 bits")
    return text


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise UnsendableError(f"a dict with a key of type {type(key).__name__} (only str crosses)")
    return str.__str__(key)


def _bounded(items: Any) -> Iterator[Any]:
    for count, item in enumerate(items):
        if count >= MAX_ITEMS:
            raise UnsendableError(f"an iterator of more than {MAX_ITEMS:,} items")
        yield item


def encode(
    request: int, value: Any, *, keep_strides: bool = False, most: int = MAX_BODY
) -> list[bytes | memoryview]:
    """One frame as the pieces to send, in order.

    Args:
        request: the id that the answer has to bear.
        value: a plain value, see the module's table.
        keep_strides: send the memory layout of non-contiguous tensors along. The grader does,
            so that a student's function meets the layout that the check drew.
        most: bytes that the body may have.

    Raises:
        UnsendableError: the value, or one in it, doesn't cross.
    """
    encoder = _Encoder(keep_strides)
    tree = encoder.tree(value)
    try:
        header = msgspec.msgpack.encode([tree, [buffer.nbytes for buffer in encoder.buffers]])
    except UnicodeEncodeError as error:
        raise UnsendableError("a string that is not valid Unicode") from error
    body = sum(buffer.nbytes for buffer in encoder.buffers)
    if len(header) > MAX_HEADER or body > most:
        raise UnsendableError(f"a value of {(len(header) + body) / 2**20:.0f} MB")
    return [_PREFIX.pack(_MAGIC, request, len(header), body), header, *encoder.buffers]


# --- bytes to values -----------------------------------------------------------------------


class _Decoder:
    """Rebuilds one value. Each buffer is used once and in order, as `encode` writes them.

    Were one buffer allowed to stand in many places, a small frame could become a huge value.
    """

    def __init__(self, sizes: list[Any], body: memoryview, allow_strides: bool) -> None:
        if len(sizes) > MAX_BUFFERS:
            raise WireError("too many buffers")
        self.sizes = sizes
        self.body = body
        self.allow_strides = allow_strides
        self.generators = 0
        self._used = 0  # buffers
        self._start = 0  # of the next buffer in the body

    def whole(self, tree: Any) -> Any:
        value = self.value(tree)
        if self._used != len(self.sizes) or self._start != len(self.body):
            raise WireError("a body with more in it than the value")
        return value

    def value(self, tree: Any, depth: int = 0) -> Any:
        if type(tree) in _LEAVES:
            return tree
        if type(tree) is not list or not tree or depth > MAX_DEPTH:
            raise WireError("a tree that is malformed or too deep")
        tag, *rest = tree
        if tag in ("l", "t") and _LEAVES.issuperset(map(type, rest)):
            return rest if tag == "l" else tuple(rest)  # lists of thousands of indices
        if tag == "l":
            return [self.value(item, depth + 1) for item in rest]
        if tag == "t":
            return tuple(self.value(item, depth + 1) for item in rest)
        if tag == "T" and len(rest) == 4:
            return self._tensor(*rest)
        if tag == "N" and len(rest) == 3:
            return self._array(*rest)
        if len(rest) == 1:
            return self._tagged(tag, rest[0], depth)
        raise WireError(f"an unknown tag {tag!r:.20}")

    def _tagged(self, tag: Any, content: Any, depth: int) -> Any:
        if tag == "d" and type(content) is dict and all(type(key) is str for key in content):
            return {key: self.value(item, depth + 1) for key, item in content.items()}
        if tag == "i" and type(content) is str and len(content) <= _MAX_INT_DIGITS + 1:
            try:
                return int(content, 16)
            except ValueError as error:
                raise WireError("an int that is none") from error
        if tag == "b":
            return bytes(self._take(content))
        if tag == "y" and type(content) is str and content in _TORCH_DTYPES:
            return _TORCH_DTYPES[content]
        if tag == "g" and type(content) is int and 0 <= content < 1 << 64:
            self.generators += 1
            if self.generators > MAX_GENERATORS:
                raise WireError("too many generators")
            return torch.Generator().manual_seed(content)
        raise WireError(f"an unknown tag {tag!r:.20}")

    def _take(self, index: Any) -> memoryview:
        if type(index) is not int or index != self._used or index >= len(self.sizes):
            raise WireError("a reference to no buffer, or not to the next")
        size = self.sizes[index]
        if type(size) is not int or not 0 <= size <= len(self.body) - self._start:
            raise WireError("a buffer beyond the body")
        self._used += 1
        self._start += size
        return self.body[self._start - size : self._start]

    def _shaped(self, shape: Any, itemsize: int, index: Any) -> tuple[tuple[int, ...], memoryview]:
        if (
            type(shape) is not list
            or len(shape) > MAX_DIMS
            or not all(type(n) is int and n >= 0 for n in shape)
            or not _fits(shape, itemsize)
        ):
            raise WireError("a shape that is none")
        data = self._take(index)
        if prod(shape) * itemsize != data.nbytes:
            raise WireError("a shape that doesn't fit its buffer")
        return tuple(shape), data

    def _tensor(self, name: Any, shape: Any, strides: Any, index: Any) -> torch.Tensor:
        dtype = _TORCH_DTYPES.get(name) if type(name) is str else None
        if dtype is None:
            raise WireError("an unknown tensor dtype")
        size, data = self._shaped(shape, dtype.itemsize, index)
        if data.nbytes == 0:
            tensor = torch.empty(size, dtype=dtype)
        elif dtype is torch.bool:  # any byte but 0 and 1 is undefined behaviour in a bool tensor
            tensor = torch.frombuffer(data, dtype=torch.uint8).ne(0).reshape(size)
        else:
            # a buffer may start at any offset of the body, and operators expect alignment
            tensor = torch.frombuffer(data, dtype=torch.uint8).clone().view(dtype).reshape(size)
        return tensor if strides is None else self._laid_out(tensor, strides)

    def _laid_out(self, tensor: torch.Tensor, strides: Any) -> torch.Tensor:
        """The same values in the memory layout that the sender's tensor had."""
        if (
            not self.allow_strides
            or type(strides) is not list
            or len(strides) != tensor.dim()
            or not all(type(stride) is int and 0 <= stride < 1 << 62 for stride in strides)
        ):
            raise WireError("strides that are not wanted")
        # a dimension of stride 0 is one element that was expanded: build that, then expand it
        one = tuple(slice(0, 1) if stride == 0 else slice(None) for stride in strides)
        source = tensor[one]
        span = 1 + sum((n - 1) * s for n, s in zip(source.shape, strides, strict=True))
        if span * tensor.element_size() > MAX_BODY:
            raise WireError("strides that span too much")
        base = torch.empty_strided(source.shape, strides, dtype=tensor.dtype)
        return base.copy_(source).expand(tensor.shape)

    def _array(self, name: Any, shape: Any, index: Any) -> np.ndarray[Any, Any]:
        dtype = _NUMPY_DTYPES.get(name) if type(name) is str else None
        if dtype is None:
            raise WireError("an unknown array dtype")
        size, data = self._shaped(shape, dtype.itemsize, index)
        flat = np.frombuffer(data, np.uint8 if dtype.kind == "b" else dtype)
        return (flat != 0 if dtype.kind == "b" else flat.copy()).reshape(size)


def decode(header: bytes, body: bytearray, *, allow_strides: bool = False) -> Any:
    """The value of one frame; the tensors and arrays in it own their memory.

    Raises:
        WireError: the frame is not one that `encode` makes.
    """
    try:
        message = msgspec.msgpack.decode(header)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError("a header that is no msgpack") from error
    if type(message) is not list or len(message) != 2 or type(message[1]) is not list:
        raise WireError("a header that is malformed")
    tree, sizes = message
    return _Decoder(sizes, memoryview(body), allow_strides).whole(tree)


def received(frame: list[bytes | memoryview], *, keep_strides: bool = False) -> Any:
    """What the other end would receive of a frame that was encoded."""
    _, header, *buffers = frame
    return decode(bytes(header), bytearray(b"".join(buffers)), allow_strides=keep_strides)


def roundtrip(value: Any, *, keep_strides: bool = False, most: int = MAX_BODY) -> Any:
    """What the other end would receive, without another end."""
    frame = encode(0, value, keep_strides=keep_strides, most=most)
    return received(frame, keep_strides=keep_strides)


# --- frames over a socket ------------------------------------------------------------------


class Channel:
    """Frames over a stream socket, each send and receive cut off by a deadline.

    Deadlines are readings of `time.monotonic`; None waits for ever.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock

    def send(self, frame: list[bytes | memoryview], deadline: float | None = None) -> None:
        """Send one encoded frame.

        Raises:
            Closed: the other end is gone.
            Timeout: it did not read in time.
        """
        self._arm(deadline)
        try:
            self.socket.sendall(b"".join(frame))
        except TimeoutError as error:
            raise Timeout from error
        except OSError as error:
            raise Closed from error

    def receive(
        self, deadline: float | None = None, *, most: int = MAX_BODY
    ) -> tuple[int, bytes, bytearray]:
        """One frame as request id, header and body (of `most` bytes), not yet decoded.

        Raises:
            Closed: the other end is gone.
            Timeout: no whole frame came in time.
            WireError: what came is no frame, or one beyond the bounds.
        """
        magic, request, header, body = _PREFIX.unpack(self._exactly(_PREFIX.size, deadline))
        if magic != _MAGIC or header > MAX_HEADER or body > most:
            raise WireError("a prefix that is malformed")
        return request, bytes(self._exactly(header, deadline)), self._exactly(body, deadline)

    def close(self) -> None:
        """Close this end."""
        self.socket.close()

    def _exactly(self, size: int, deadline: float | None) -> bytearray:
        # grown as the bytes come: a prefix that promises much and sends little costs little
        data = bytearray()
        while len(data) < size:
            self._arm(deadline)
            try:
                piece = self.socket.recv(min(size - len(data), 1 << 20))
            except TimeoutError as error:
                raise Timeout from error
            except OSError as error:
                raise Closed from error
            if not piece:
                raise Closed
            data += piece
        return data

    def _arm(self, deadline: float | None) -> None:
        if deadline is None:
            self.socket.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise Timeout
        self.socket.settimeout(left)


if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("autograder needs a little-endian machine: tensors cross the wire as bytes")
