"""Where batches are computed: the processor, or a CUDA device where there is one."""

from pathlib import Path
from typing import Literal

Device = Literal["auto", "cpu", "cuda"]
DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")
"""What an NVIDIA driver leaves in /dev (the last under WSL): without any, torch need not be asked."""


class DeviceError(Exception):
    """A device was asked for that this machine does not have."""


def chosen_device(device: Device) -> Literal["cpu", "cuda"]:
    """The device to use. Torch is imported only where the answer hangs on it. Raises DeviceError for a CUDA device that
    was asked for and is not there."""
    if device == "cpu" or (device == "auto" and not any(Path(driver).exists() for driver in DRIVERS)):
        return "cpu"
    if has_cuda():
        return "cuda"
    if device == "auto":
        return "cpu"
    raise DeviceError('device = "cuda", but torch finds no CUDA device on this machine; use "auto" or "cpu"')


def has_cuda() -> bool:
    """Does torch see a device, and can it compute there?"""
    import torch

    return torch.cuda.is_available()
