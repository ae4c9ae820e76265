"""The two forms of a VO's name: the group, which may be a path (``/biomed/vip``), and the manifest's name."""

from __future__ import annotations


def vo_name(group: str) -> str:
    """The name of the VO's manifest: ``/biomed/vip`` is ``biomed_vip``. A manifest's name is its own.

    The group itself stands in the manifest as ``spec.group``.
    """
    return group.strip("/").replace("/", "_")
