"""Figures of the DyNet paper (Zhang, Zhang, Wang, Zhong: DyNet, ImageNet at 224x224).

Errors are the paper's "Top-1 err. (%)". Its "M" is 2^20 for its own networks; ShuffleNetV2's
146 is quoted there from that network's paper, in decimal millions.
"""

from dataclasses import dataclass

CITATION = (
    "Yikang Zhang, Jian Zhang, Qiang Wang, Zhao Zhong: "
    "*DyNet: Dynamic Convolution for Accelerating Convolutional Neural Networks*"
)


@dataclass(frozen=True)
class Figure:
    """One row of a table of the paper; `parameters` and `multiply_adds` in the paper's M."""

    network: str
    width: float
    g: int | None
    error: float
    multiply_adds: float
    parameters: float | None
    table: str

    @property
    def top1(self) -> float:
        """Top-1 accuracy in percent."""
        return round(100 - self.error, 2)


FIGURES = (
    Figure("dy-mobile", 1.0, 6, 28.27, 135, 7.36, "tables 1, 4, 5 and 6"),
    Figure("dy-mobile", 1.0, 4, 28.69, 133, 5.47, "table 5"),
    Figure("dy-mobile", 1.0, 2, 29.43, 131, 3.58, "table 5"),
    Figure("dy-mobile", 1.0, 1, 30.85, 131, 2.64, "table 6"),
    Figure("fix-mobile", 1.0, None, 33.57, 129, 2.16, "tables 4 and 5"),
    Figure("mobilenetv2", 1.0, None, 28.00, 298, None, "table 1"),
    Figure("dy-shuffle", 1.0, 6, 29.6, 92, None, "table 1"),
    Figure("dy-shuffle", 1.5, 6, 27.48, 180, 11.0, "table 4"),
    Figure("fix-shuffle", 1.5, None, 30.30, 171, 2.47, "table 4"),
    Figure("shufflenetv2", 1.0, None, 30.60, 146, None, "table 1"),
)

# The text of section 4.5 says 5.19 where table 4's two errors differ by 5.30.
STATED_GAIN_MOBILE = 5.19


def figure(network: str, width: float, g: int | None) -> Figure | None:
    """The paper's row of this network, or None where it has none; `g` None: fixed kernels."""
    for row in FIGURES:
        if (row.network, row.width, row.g) == (network, width, g):
            return row
    return None


def gain(first: Figure | None, second: Figure | None) -> float | None:
    """Top-1 points by which the paper has the first above the second."""
    if first is None or second is None:
        return None
    return round(second.error - first.error, 2)
