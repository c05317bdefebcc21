"""Builds planes.cpp on first use; needs a C++ compiler and ninja."""

from functools import cache
from pathlib import Path
from shutil import which

FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-std=c++20", "-Wno-psabi"]


def available() -> bool:
    return which("c++") is not None and which("ninja") is not None


@cache
def kernels():
    from torch.utils.cpp_extension import load

    source = Path(__file__).with_name("planes.cpp")
    return load("dynedge_planes", [str(source)], extra_cflags=FLAGS)
