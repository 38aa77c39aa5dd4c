"""Brings files that are named like libraries and modules of the grader."""

import json
import os

import numpy
import torch

import autograder

for module in (json, torch, autograder, numpy):
    if os.path.dirname(__file__) in str(module.__file__):
        raise RuntimeError(f"BREACHED: {module}")


def blend(x):
    return x
