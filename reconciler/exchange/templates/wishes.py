"""What a template does not say and its importer must: whose the cluster is, where it goes, how images are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the one who imports says."""

    vo: str
    site: str = "auto"
    namespace: str = ""
    """That of the VO's name when not given."""
    name: str = ""
    """Name of the cluster; the template's own when not given."""
    zone: str = ""
    """DNS zone of the names; the parent of each name when not given."""
    images: Mapping[str, str] = field(default_factory=dict)
    """What a template says of an image (a pattern) -> its name in the cloud; ``*`` -> the one for all others."""
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Values of a TOSCA template's inputs."""

    def image(self, said: str) -> str | None:
        """The image that is meant for what a template says; None where nobody said so."""
        fitting = [pattern for pattern in self.images if fnmatchcase(said, pattern)]
        return self.images[max(fitting, key=_closeness)] if fitting else None


def _closeness(pattern: str) -> tuple[int, bool]:
    """How much of it is said: the closest pattern counts."""
    return len(pattern.replace("*", "")), "*" not in pattern
