"""Section [quantize] of a configuration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class QuantizeSettings:
    """Throws ValueError for a value out of range."""

    bits: int = 0  # of activations, 7 or 8; 0: trains in floating point
    pictures: int = 256  # training pictures that the first ranges are measured on

    def __post_init__(self):
        if self.bits not in (0, 7, 8):
            raise ValueError(f"bits is {self.bits}, expected 7, 8, or 0 for none")
        if not 1 <= self.pictures <= 100_000:
            raise ValueError(f"pictures is {self.pictures}, expected 1 to 100000")
