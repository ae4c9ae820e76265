"""Flavours, images and room: what is asked of a cloud for a machine, and whether it can give it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.errors import Terminal
from reconciler.kinds.virtualcluster.spec import Machine
from reconciler.model import Reason
from reconciler.nearest import meant
from reconciler.ports import Image, Quota, Size


def size_for(machine: Machine, sizes: Sequence[Size]) -> Size:
    """The flavour named, or the cheapest that fits: price where it is known, then fewest GPUs, cores, RAM, disk.

    Raises Terminal when none does.
    """
    if machine.flavour is not None:
        named = next((s for s in sizes if machine.flavour in (s.name, s.id)), None)
        if named is None:
            said = _instead(machine.flavour, (s.name for s in sizes))
            raise Terminal(f"the cloud has no flavour {machine.flavour}{said}")
        return named
    fitting = [s for s in sizes if _fits(s, machine)]
    if not fitting:
        wanted = f"{machine.cpus} cpus, {machine.ramMiB} MiB RAM, {machine.diskGiB} GiB disk, {machine.gpus} GPUs"
        raise Terminal(f"no flavour of the cloud has {wanted}; it has {_listed(sizes)}")
    return min(fitting, key=_cost)


def _cost(size: Size) -> tuple[bool, float, int, int, int, int, str]:
    """What has a price goes before what has none: that may cost anything."""
    figures = (size.gpus, size.cpus, size.ram_mib, size.disk_gib, size.name)
    return size.price is None, size.price or 0.0, *figures


def _fits(size: Size, machine: Machine) -> bool:
    """A disk of 0 is one that the cloud sizes as the image needs."""
    disk = size.disk_gib == 0 or size.disk_gib >= machine.diskGiB
    return disk and size.cpus >= machine.cpus and size.ram_mib >= machine.ramMiB and size.gpus >= machine.gpus


def _listed(sizes: Sequence[Size]) -> str:
    shown = sorted(sizes, key=lambda s: (s.gpus, s.cpus, s.ram_mib))[-5:]
    return ", ".join(f"{s.name} ({s.cpus} cpus, {s.ram_mib} MiB, {s.disk_gib} GiB, {s.gpus} GPUs)" for s in shown)


def image_for(machine: Machine, images: Sequence[Image]) -> Image:
    """The image called as wanted. Raises Terminal naming the nearest."""
    found = next((i for i in images if machine.image in (i.name, i.id)), None)
    if found is None:
        raise Terminal(f"the cloud has no image {machine.image}{_instead(machine.image, (i.name for i in images))}")
    return found


def _instead(name: str, names: Iterable[str]) -> str:
    there = sorted(names)
    return "; " + meant(name, there, f"it has {', '.join(there[:8])}")


def check_room(quota: Quota, sizes: Sequence[Size]) -> None:
    """Raise Terminal with the numbers when machines of these sizes do not fit into what is left."""
    needs = {
        "instances": (len(sizes), quota.instances),
        "cpus": (sum(s.cpus for s in sizes), quota.cpus),
        "MiB RAM": (sum(s.ram_mib for s in sizes), quota.ram_mib),
    }
    over = [f"{need} {what}, {left} left" for what, (need, left) in needs.items() if left is not None and need > left]
    if over:
        raise Terminal(f"the quota does not suffice: needs {'; '.join(over)}", reason=Reason.QUOTA_EXCEEDED)
