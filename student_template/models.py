"""Stage 11, `models`: layers put together to networks, from a perceptron to a small U-Net.

A model here is an `nn.Module` made of PyTorch's layers (`nn.Linear`, `nn.Conv2d`, …), all of which
it knows: their parameters are among `parameters()`, so that an optimizer finds them. It may be an
`nn.Sequential` or a class of your own, its attributes may have any names, and its layers may be
lazy: a model is called once before its parameters are counted. Layers have PyTorch's defaults,
biases included, where nothing else is said.

What comes out are logits: the last layer's numbers, with neither softmax nor log-softmax behind
them. `cross_entropy` does the rest. A flattened image is read channel by channel and row by row,
as `nn.Flatten` does it. N is 1 or more everywhere, and the model takes the dtype that its
parameters have, so after `.double()` float64.
"""

import torch
from torch import Tensor, nn


def mlp(hidden: list[int], in_features: int = 784, num_classes: int = 10) -> nn.Module:
    """A multi-layer perceptron: dense layers with a ReLU between any two of them.

    Args:
        hidden: how many features each hidden layer has, from first to last; it may be empty, and
            then there is but one dense layer.
        in_features: how many numbers a sample has, at least 1.
        num_classes: how many logits come out, at least 1.

    Returns:
        A model from `(N, in_features)` or from images `(N, C, H, W)` with C·H·W = in_features to
        logits `(N, num_classes)`.
    """
    raise NotImplementedError("mlp")


def mnist_cnn(dropout: bool = False) -> nn.Module:
    """The network of S0 and S1: two convolutions, one pooling, two dense layers.

    Convolution 3×3 to 32 channels, ReLU, convolution 3×3 to 64 channels, ReLU, maximum over 2×2,
    flatten, dense to 128 features, ReLU, dense to 10. Nothing is padded, and there are 1,199,882
    parameters.

    Args:
        dropout: whether there is dropout, in training only. It is between the pooling and the last
            dense layer, once or twice, element by element or by channel, with probabilities of your
            own from 0.1 to 0.9 (PyTorch's example has 0.25 behind the pooling and 0.5 behind the
            last ReLU). No logit is ever dropped.

    Returns:
        A model from images `(N, 1, 28, 28)` to logits `(N, 10)`.
    """
    raise NotImplementedError("mnist_cnn")


def small_cnn(batchnorm: str | None = None) -> nn.Module:
    """The network of S3: two convolutions that are pooled, and one dense layer.

    Convolution 3×3 with padding 1 to 4 channels, ReLU, maximum over 2×2; the same again to 8
    channels; flatten; dense to 10. There are 4,266 parameters, with batch norm 4,290.

    Args:
        batchnorm: where each convolution's channels are normalised, by `nn.BatchNorm2d`: None,
            nowhere; "before", between convolution and ReLU; "after", between ReLU and pooling.

    Returns:
        A model from images `(N, 1, 28, 28)` to logits `(N, 10)`.

    Raises:
        ValueError: `batchnorm` is none of the three, when the model is made.
    """
    raise NotImplementedError("small_cnn")


def two_conv_cnn(in_px: int, batchnorm: bool = False) -> nn.Module:
    """The network of S4: two wide convolutions that are pooled, and one dense layer.

    Convolution 5×5 with padding 2 to 16 channels, ReLU, maximum over 2×2; the same again to 32
    channels; flatten; dense to 10. At 16 pixels there are 18,378 parameters.

    Args:
        in_px: height and width of the images, divisible by 4.
        batchnorm: whether the channels are normalised by `nn.BatchNorm2d` before each ReLU: 18,474
            parameters then. S4 normalises the logits too, by an `nn.BatchNorm1d` that has the last
            word: 18,494. Both are right.

    Returns:
        A model from images `(N, 1, in_px, in_px)` to logits `(N, 10)`.
    """

    raise NotImplementedError("two_conv_cnn")


class ResidualBlock(nn.Module):
    """A block that learns what to add to its input: f(x) + x.

    f keeps the shape. It has two or more convolutions, at least one of them 3×3 or larger, and
    something that is not linear between two of them. All else is yours: batch norm or none, biases
    or none, a ReLU behind the sum or none. But what f is made of is its own at each place: a batch
    norm has statistics of one layer, and cannot serve two.

    If all its parameters are 0, f gives 0, and the block gives back every x ≥ 0 as it was.

    Source: He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385.
    """

    def __init__(self, channels: int) -> None:
        """Make a block.

        Args:
            channels: C, of the input as of the output, at least 1.
        """
        super().__init__()
        raise NotImplementedError("ResidualBlock.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """f(x) + x.

        Args:
            x: `(N, C, H, W)`; it is left as it was.

        Returns:
            A tensor of x's shape and dtype.
        """
        raise NotImplementedError("ResidualBlock.forward")


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    """Prepare a trained model for other classes: freeze it, and give it a new last layer.

    The last `nn.Linear` in the order of `model.modules()`, wherever it sits, gives place to a new
    one with as many inputs and `num_classes` outputs, of the same dtype and on the same device. Its
    weight and bias are the only parameters that train from now on: no other requires a gradient.
    Nothing else of what the model computes in evaluation changes, now or later: also in training
    mode, after `train()`, the running means and variances of its batch norms stand still.

    Args:
        model: has at least one `nn.Linear` in it, and is none itself. Its last one has a bias. It
            may be changed in place or left as it was.
        num_classes: how many logits come out, at least 1.

    Returns:
        The model with its new head, the same object or another. Only this one is judged.
    """
    raise NotImplementedError("replace_head")


def patchify(x: Tensor, patch: int) -> Tensor:
    """Cut images into square patches, as a vision transformer does before it reads them.

    Patches come row by row, from the upper left to the lower right. Within a patch its numbers come
    as in the image: by channel, then by row, then by column.

    Source: Dosovitskiy et al., "An Image is Worth 16×16 Words", 2020, arXiv:2010.11929.

    Args:
        x: `(N, C, H, W)`, float32 or float64.
        patch: p, height and width of a patch.

    Returns:
        `(N, H/p · W/p, C·p·p)`, of x's dtype.

    Raises:
        ValueError: `patch` is below 1, or does not divide H and W.
    """
    raise NotImplementedError("patchify")


def unpatchify(patches: Tensor, patch: int, shape: tuple[int, int, int, int]) -> Tensor:
    """Put patches together to the images that `patchify` made them of.

    Args:
        patches: `(N, H/p · W/p, C·p·p)`, float32 or float64.
        patch: p, height and width of a patch.
        shape: `(N, C, H, W)`, the shape of the images.

    Returns:
        The images, of that shape and of the dtype of `patches`.

    Raises:
        ValueError: `patch` is below 1, or does not divide H and W.
    """
    raise NotImplementedError("unpatchify")


class TinyUNet(nn.Module):
    """Says for each pixel which class it belongs to: down to a quarter of the size, and up again.

    There are three resolutions. At full size the layers give `width` channels, at half 2·width, at
    a quarter 4·width. On the way down each halving is a pooling or a convolution with stride 2; on
    the way up each doubling is a transposed convolution or an upsampling. What was found on the way
    down at full and at half size joins what comes up to the same size: these are the skip
    connections. They concatenate (only then are there more channels for a moment, and a convolution
    brings them back) or they add. At the end a convolution with a bias makes `num_classes` logits.

    All else is yours: how many convolutions there are (at least one at each size, with a ReLU or
    the like behind it), batch norm or none. A batch norm that is there serves one place only.

    Source: Ronneberger et al., "U-Net", 2015, arXiv:1505.04597.
    """

    def __init__(self, in_channels: int, num_classes: int, width: int = 8) -> None:
        """Make a model.

        Args:
            in_channels: C of the images, at least 1.
            num_classes: K, how many logits a pixel has, at least 1.
            width: the number of channels at full size, at least 1.
        """
        super().__init__()

        raise NotImplementedError("TinyUNet.__init__")

    def forward(self, x: Tensor) -> Tensor:
        """The logits of each pixel.

        Args:
            x: `(N, C, H, W)`, H and W divisible by 4.

        Returns:
            `(N, K, H, W)`, of x's dtype.
        """
        raise NotImplementedError("TinyUNet.forward")
