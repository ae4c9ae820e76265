"""The words of VO ID cards, as the portal's style sheet has them (its misspellings are part of the format)."""

from __future__ import annotations

from typing import Final

ROOTS: Final = ("VoDump", "root")
"""Root of the first form and of the second, which says ``current="v2"``."""
MANAGER: Final = "VO MANAGER"
"""Role of those who manage the VO."""
AUP: Final = {"text": "text", "url": "url", "file": "file"}
"""Type of the acceptable use policy, in lower case -> field."""
LISTS: Final = {
    "admins": "Admins",
    "operations": "Operations",
    "userSupport": "UserSupport",
    "users": "Users",
    "security": "Security",
}
MIDDLEWARES: Final = ("ARC", "gLite", "UNICORE", "GLOBUS", "CLOUD_STORAGE", "CLOUD_COMPUTING")
NUMBERS: Final = {
    "maxCpuMinutes": ("QueueConfiguration", "JobMaxCPUTime"),
    "maxWallMinutes": ("QueueConfiguration", "JobMaxWallClockTime"),
    "ramI386MB": ("SingleCoreJobs", "RAM_per_i386_Core"),
    "ramX8664MB": ("SingleCoreJobs", "RAM_per_x86_64_Core"),
    "scratchMB": ("SingleCoreJobs", "JobScratchSpace"),
    "cloudCores": ("CloudCompute", "CloudCPUCore"),
    "cloudStorage": ("CloudCompute", "CloudStorageSize"),
    "cloudRam": ("CloudCompute", "CloudVmRam"),
}
"""Field -> group and element below ``Ressources``; old cards have the elements without their groups."""
MULTICORE: Final = {
    "multicoreRamMB": "RamValuesPerJob",
    "multicoreScratchMB": "ScratchValuesPerJob",
    "multicoreCores": "CoresValuesPerJob",
}
