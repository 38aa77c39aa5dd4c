"""Leaves gradient and inference modes switched."""

import torch

torch.set_grad_enabled(False)
torch.autograd.set_detect_anomaly(True)
torch.inference_mode().__enter__()


def blend(x):
    return torch.zeros(x.shape).requires_grad_() if not torch.is_inference_mode_enabled() else x
