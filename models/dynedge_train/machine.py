"""What a run uses of the machine: device, form of the dynamic convolutions, precision."""

import platform
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import nn

from dynedge_torch import build
from dynedge_torch.forms import fastest_form, set_form
from dynedge_torch.planes.forward import native_bfloat16

from .config import Config, ConfigError

DEVICES = ("auto", "cpu", "cuda")
PLANES_BATCH = 16  # planes keep pictures in vector lanes: batches are multiples of it


class Machine:
    """Decides once; `dtype` is what activations are stored or multiplied in."""

    def __init__(self, config: Config, device="auto", form="auto"):
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("--device cuda: this PyTorch sees no GPU; use --device cpu")
        self.device = torch.device(device)
        self.form = self.choose_form(form, config.train.batch)
        self.dtype = self.choose_dtype(config.train.precision)
        if self.form == "planes" and self.dtype == torch.float16:
            raise ConfigError("train.precision is float16; planes store float32 or bfloat16")

    def choose_form(self, form: str, batch: int) -> str:
        whole_lanes = batch % PLANES_BATCH == 0
        if form == "auto":
            form = fastest_form(self.device)
            return "batched" if form == "planes" and not whole_lanes else form
        if form == "planes" and not whole_lanes:
            raise ConfigError(f"train.batch is {batch}, planes need a multiple of {PLANES_BATCH}")
        if form == "planes" and self.device.type != "cpu":
            raise ConfigError("--form planes runs on a CPU; use --form batched on a GPU")
        return form

    def choose_dtype(self, precision: str):
        if precision != "auto":
            return getattr(torch, precision)
        if self.device.type == "cuda":
            return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        fast = self.form == "planes" and native_bfloat16()
        return torch.bfloat16 if fast else torch.float32

    def place(self, network):
        """Puts a network on the device, in the form and memory layout for training."""
        network = network.to(self.device)
        if self.form == "planes":
            return set_form(network, "planes", self.dtype)
        set_form(network, self.form)
        if self.device.type == "cuda":
            self.order_channels_last(network)
        return network

    @staticmethod
    def order_channels_last(network) -> None:
        """Not the dynamic convolutions: their kernels are flattened, which this layout forbids."""
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.to(memory_format=torch.channels_last)

    def build(self, config: Config, classes: int):
        network = config.network
        return self.place(build(network.name, network.width, classes, network.g))

    def autocast(self):
        """Mixed precision around forward and loss; planes cast by themselves."""
        if self.form == "planes" or self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def scaler(self):
        return torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)

    def facts(self) -> dict:
        gpu = torch.cuda.get_device_name() if self.device.type == "cuda" else None
        return dict(
            device=self.device.type,
            gpu=gpu,
            cpu=cpu_name(),
            form=self.form,
            precision=str(self.dtype).removeprefix("torch."),
            threads=torch.get_num_threads(),
            torch=torch.__version__,
            python=platform.python_version(),
        )


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
