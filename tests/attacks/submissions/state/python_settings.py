"""Changes settings of the interpreter: limits, encodings, warnings, decimal, locale."""

import decimal
import locale
import sys
import warnings

import numpy

sys.setrecursionlimit(60)
sys.set_int_max_str_digits(0)
warnings.simplefilter("error")
numpy.seterr(all="raise")
decimal.getcontext().prec = 1
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass


def tally(numbers):
    return {"count": 0.0, "code": decimal.Decimal(977)}
