"""Which device trains: the first of CUDA, MPS, XPU, DirectML and the CPU that is there."""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch.accelerators import Accelerator

from models.runtime import multiplies_bfloat16
from retraining.training.settings import TrainConfig


class XpuAccelerator(Accelerator):
    """Intel graphics processors by torch's `xpu` device, which Lightning does not know."""

    def setup_device(self, device: torch.device) -> None:
        """Make `device` the current one."""
        torch.xpu.set_device(device)

    def get_device_stats(self, device: Any) -> dict[str, Any]:
        """Nothing is measured."""
        return {}

    def teardown(self) -> None:
        """Give its memory back."""
        torch.xpu.empty_cache()

    @staticmethod
    def parse_devices(devices: Any) -> list[int]:
        """The numbers of the first `devices` processors."""
        return list(range(int(devices)))

    @staticmethod
    def get_parallel_devices(devices: list[int]) -> list[torch.device]:
        """The processors of these numbers."""
        return [torch.device("xpu", number) for number in devices]

    @staticmethod
    def auto_device_count() -> int:
        """How many there are."""
        return int(torch.xpu.device_count())

    @staticmethod
    def is_available() -> bool:
        """Whether there is one."""
        return bool(torch.xpu.is_available())

    @staticmethod
    def name() -> str:
        """Its name for Lightning."""
        return "xpu"


class DirectmlAccelerator(XpuAccelerator):
    """Any graphics processor of Windows, where the package `torch_directml` is installed."""

    def setup_device(self, device: torch.device) -> None:
        """Nothing: DirectML has no current device."""

    def teardown(self) -> None:
        """Nothing: DirectML keeps no memory of its own."""

    @staticmethod
    def get_parallel_devices(devices: list[int]) -> list[torch.device]:
        """The processors of these numbers."""
        package = importlib.import_module("torch_directml")
        return [package.device(number) for number in devices]

    @staticmethod
    def auto_device_count() -> int:
        """How many there are."""
        return int(importlib.import_module("torch_directml").device_count())

    @staticmethod
    def is_available() -> bool:
        """Whether the package is installed and finds a processor."""
        if importlib.util.find_spec("torch_directml") is None:
            return False
        return bool(importlib.import_module("torch_directml").is_available())

    @staticmethod
    def name() -> str:
        """Its name for Lightning."""
        return "directml"


def choose_device(wanted: str) -> str:
    """The device for `wanted`, `auto` among them; ValueError where it is not there."""
    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "xpu": XpuAccelerator.is_available,
        "directml": DirectmlAccelerator.is_available,
        "cpu": lambda: True,
    }
    if wanted == "auto":
        return next(name for name, is_there in there.items() if is_there())
    if not there[wanted]():
        found = [name for name, is_there in there.items() if is_there()]
        raise ValueError(f"device {wanted} is not on this machine; there is {', '.join(found)}")
    return wanted


def torch_device(name: str) -> torch.device:
    """The first device of that name."""
    if name == "directml":
        return DirectmlAccelerator.get_parallel_devices([0])[0]
    return torch.device(name)


def trainer_arguments(config: TrainConfig) -> dict[str, Any]:
    """Accelerator, devices, strategy and precision for Lightning's Trainer."""
    device = choose_device(config.device)
    accelerator: Any = {"xpu": XpuAccelerator(), "directml": DirectmlAccelerator()}.get(
        device, device
    )
    return {
        "accelerator": accelerator,
        "devices": config.devices,
        "num_nodes": config.num_nodes,
        "strategy": "ddp" if config.processes > 1 else "auto",
        "sync_batchnorm": config.processes > 1 and device == "cuda",
        "precision": "bf16-mixed" if uses_bf16(config.precision, device) else "32-true",
    }


def uses_bf16(precision: str, device: str) -> bool:
    """Whether a precision of the settings means bfloat16 on a device."""
    return precision == "bf16" or (precision == "auto" and device in ("cpu", "cuda") and has_bf16())


def describe_device(name: str) -> str:
    """The processor's name where it can be asked for."""
    if name == "cuda":
        return f"cuda: {torch.cuda.get_device_name()}"
    if name == "cpu":
        return f"cpu: {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
    return name


def has_bf16() -> bool:
    """Whether bfloat16 is the faster arithmetic of the device."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    return multiplies_bfloat16()
