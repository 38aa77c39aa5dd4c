"""An autograder for neural-network assignments with PyTorch.

Importing the package loads nothing heavy: the sandbox's worker imports it beside student code,
and ``autograder --help`` has to answer at once.
"""

__version__ = "0.1.0"
