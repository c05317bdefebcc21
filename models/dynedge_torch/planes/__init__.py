"""Training on a CPU with the batch in the vector lanes ("planes").

    lanes.h, fuse.h, pointwise.h, spatial.h, norm.h, pool.h   the kernels
    planes.cpp    their binding
    autograd.py   gradients
    forward.py    the networks' forward passes
"""

from .compiled import available
from .forward import leave_planes, use_planes

__all__ = ["available", "leave_planes", "use_planes"]
