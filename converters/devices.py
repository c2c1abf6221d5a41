"""Graphics processors that people have: what their makers say of them.

A peak is what the maker's own count of units and clock gives: units * clock * 2, a multiply-add
being two operations. Clocks are those that the maker calls boost or game clock. Where a maker
counts operations that seldom come in pairs (AMD's dual issue), they are left out.

Sources, by letter:
    n: nvidia.com, product pages of the GeForce series named, and the white papers "NVIDIA Turing
       GPU Architecture", "NVIDIA Ampere GA102 GPU Architecture", "NVIDIA Ada GPU Architecture" and
       "NVIDIA RTX Blackwell GPU Architecture": cores, boost clock, memory bandwidth, and tensor
       cores at float16 with sums in float32 (of float32's rate: Turing 4, Ampere and later 2).
    h: "NVIDIA H200 Tensor Core GPU" datasheet, SXM: 67 TFLOPS of float32, 989 of float16 without
       sparsity, 4.8 TB/s.
    a: amd.com, product pages of the Radeon named: stream processors, boost clock, bandwidth.
    i: intel.com (ark), product pages: vector engines or execution units of 8 lanes, graphics clock;
       memory as a laptop of that kind has it.
    m: apple.com, technical specifications: GPU cores and memory bandwidth. Apple states the
       operations of M1 (2.6 TFLOPS of 8 cores) and M2 (3.6 of 10); of others they are scaled by
       cores, of M3 with the clock of M2. 128 lanes a core.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Half = Literal["storage", "vector", "matrix", "same"]


@dataclass(frozen=True, slots=True)
class Device:
    """
    Attributes:
        units: that do one float32 multiply-add a cycle.
        clock_ghz: that they run at under load.
        gigabytes_per_s: to and from memory, at best.
        half: what float16 is to it: "storage" saves bytes alone, "vector" runs twice as fast in the
            same units, "matrix" in units of its own, "same" saves bytes and runs as fast.
        matrix_rate: of those units, times the float32 rate.
        source: a letter of this file's head.
    """

    name: str
    units: int
    clock_ghz: float
    gigabytes_per_s: float
    half: Half
    source: str
    matrix_rate: float = 1.0

    @property
    def float32_per_s(self) -> float:
        """Operations, at best."""
        return self.units * self.clock_ghz * 2e9

    @property
    def float16_per_s(self) -> float:
        """Operations, at best, with float32 sums where there are units for it."""
        rate = {"storage": 1.0, "same": 1.0, "vector": 2.0, "matrix": self.matrix_rate}
        return self.float32_per_s * rate[self.half]


DEVICES = (
    Device("Intel Iris Xe (laptop)", 768, 1.35, 68, "vector", "i"),
    Device("Radeon 780M (laptop)", 768, 2.70, 90, "vector", "a"),
    Device("GeForce GTX 1050 Ti", 768, 1.392, 112, "storage", "n"),
    Device("GeForce GTX 1070", 1920, 1.683, 256, "storage", "n"),
    Device("GeForce GTX 1660", 1408, 1.785, 192, "vector", "n"),
    Device("GeForce RTX 2060", 1920, 1.680, 336, "matrix", "n", 4),
    Device("GeForce RTX 3060", 3584, 1.777, 360, "matrix", "n", 2),
    Device("GeForce RTX 3070", 5888, 1.725, 448, "matrix", "n", 2),
    Device("GeForce RTX 3080", 8704, 1.710, 760, "matrix", "n", 2),
    Device("GeForce RTX 4060", 3072, 2.460, 272, "matrix", "n", 2),
    Device("GeForce RTX 4070", 5888, 2.475, 504, "matrix", "n", 2),
    Device("GeForce RTX 4090", 16384, 2.520, 1008, "matrix", "n", 2),
    Device("GeForce RTX 5090", 21760, 2.407, 1792, "matrix", "n", 2),
    Device("Radeon RX 6700 XT", 2560, 2.581, 384, "vector", "a"),
    Device("Radeon RX 7900 XTX", 6144, 2.500, 960, "vector", "a"),
    Device("Intel Arc A770", 4096, 2.100, 560, "vector", "i"),
    Device("Apple M1 (8 cores)", 1024, 1.278, 68, "same", "m"),
    Device("Apple M2 Pro (19 cores)", 2432, 1.398, 200, "same", "m"),
    Device("Apple M3 Max (40 cores)", 5120, 1.398, 400, "same", "m"),
    Device("NVIDIA H200", 16896, 1.980, 4800, "matrix", "h", 14.8),
)

BY_NAME = {device.name: device for device in DEVICES}
COMMON = BY_NAME["GeForce RTX 3060"]
"""What a card tells of: a middling one that many have."""
