"""What must hold for an image beyond the types of its fields."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.kinds.base import Fault, Rule
from reconciler.kinds.siteimage import marks
from reconciler.kinds.siteimage.spec import SiteImageSpec
from reconciler.model import Ref


def own_properties(properties: dict[str, str]) -> Iterator[Fault]:
    """Properties that follow from other fields, or that are Hanse's."""
    for name in sorted(properties):
        if name in marks.OURS or name.startswith("hanse_"):
            yield Fault(f"spec.properties.{name}", f"{name} is written by Hanse itself", "take it out")


def _observed(_ref: Ref, spec: SiteImageSpec) -> Iterator[Fault]:
    if spec.hidden:
        yield Fault("spec.hidden", "hidden is observed, never wanted", "leave it out; withdrawn withdraws it")
    if spec.leftovers:
        yield Fault("spec.leftovers", "leftovers are observed, never wanted", "leave them out")
    if spec.checksum is None:
        yield Fault("spec.checksum", "without a checksum nothing is fetched", "give sha512")


def _visibility(_ref: Ref, spec: SiteImageSpec) -> Iterator[Fault]:
    if spec.visibility not in ("private", "shared"):
        yield Fault("spec.visibility", f"{spec.visibility} is not a visibility of a VO's image", "private or shared")


RULES = (
    Rule("siteimage-observed", "What is observed is not written, and a checksum is.", _observed),
    Rule("siteimage-visibility", "An image of a VO is private or shared.", _visibility),
    Rule(
        "siteimage-properties",
        "Properties that Hanse writes are not given by hand.",
        lambda _ref, spec: own_properties(spec.properties),
    ),
)
