"""What calls `numerical_gradient` with a function, and what looks at arguments after a call.

A probe gets the module as `student` and returns plain values. In a message it is shown as
`probe.name(…)` with the arguments after `student`.
"""

FUNCTIONS = {
    "linear": lambda x, w: (w * x).sum(),
    "squares": lambda x, w: (w * x * x).sum(),
    "cubes": lambda x, w: (w * x * x * x).sum(),
    "sines": lambda x, w: (w * x.sin()).sum(),
    "square of a sum": lambda x, w: (w * x).sum() ** 2,
    "log of a sum": lambda x, w: (w * w * x.exp() + 1).sum().log(),
}


def numerical_gradient(student, function, x, weights, as_float=False, **options):
    """``numerical_gradient(f, x, **options)`` for the named f(x), which has `weights` in it.

    With `as_float`, f returns a Python float instead of a tensor.
    """
    return student.numerical_gradient(_function(function, weights, as_float), x, **options)


def numerical_gradient_and_x(student, function, x, weights, as_float=False, **options):
    """``numerical_gradient(f, x, **options)``, and `x` as it is after the call."""
    return numerical_gradient(student, function, x, weights, as_float, **options), x


def result_and_arguments(student, function, **arguments):
    """``function(**arguments)``, and the arguments as they are after the call."""
    return getattr(student, function)(**arguments), arguments


def _function(name, weights, as_float):
    function = FUNCTIONS[name]

    def f(x):
        value = function(x, weights)
        return float(value) if as_float else value

    return f
