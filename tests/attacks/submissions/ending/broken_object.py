"""Corrupts objects of the interpreter until it falls over."""

import ctypes


def blend(x):
    for address in range(id(None), id(None) + 256, 8):
        ctypes.c_size_t.from_address(address).value = 0


def tally(numbers):
    ctypes.pythonapi.Py_DecRef.restype = None
    for _ in range(10**6):
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(()))
