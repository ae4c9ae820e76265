"""Taking a signed image list in as Image manifests, and endorsing its images for a VO.

The list has the say in what it says: its fields are written over. What people have added (properties, visibility,
comments, another name) stays. What the list has dropped is withdrawn and not deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.shelf import Shelf
from reconciler.exchange.imagelist import names
from reconciler.exchange.imagelist.form import OWNED, FormFault, entries, moment, name_of, spec_of
from reconciler.exchange.imagelist.signed import SignatureFault, Signer, Trust, is_signed, payload, verified
from reconciler.kinds.image import ImageSpec
from reconciler.kinds.vo.group import vo_name
from reconciler.model import Diagnostic, encode

RULE = "image-list"
_DROPPED = "no longer in the image list"


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. Manifests are named relative to the folder written."""

    problems: tuple[Diagnostic, ...]
    """What could not be taken in, and why."""
    findings: tuple[Diagnostic, ...]
    """What is odd; it was taken in."""
    withdrawn: tuple[str, ...]
    """Images that an earlier version of the list had."""
    created: tuple[str, ...]
    changed: tuple[str, ...]
    images: int
    endorser: str
    """Distinguished name of who signed; "" where nobody was asked to."""

    @property
    def complete(self) -> bool:
        """True when everything could be taken in."""
        return not self.problems


def import_images(
    message: bytes,
    source: str,
    into: Path,
    *,
    vo: str,
    trust: Trust | None,
    now: datetime,
    endorser: str = "",
) -> ImportReport:
    """Turn a list into ``images/<name>.yaml``, and add its images to the VO's. ``source`` is what messages name it by.

    ``trust`` None takes the list without a look at its signature. ``endorser`` is the one who must have signed it; when
    it is not given, whoever endorsed the list before, since anybody may have a certificate of a trusted authority.
    """
    return _Import(source, Shelf.of(into), vo, now).run(message, trust, endorser)


class _Import:
    def __init__(self, source: str, shelf: Shelf, vo: str, now: datetime) -> None:
        self.source, self.shelf, self.vo, self.now = source, shelf, vo, now
        self.problems: list[Diagnostic] = []
        self.findings: list[Diagnostic] = []
        self.signer = Signer("", "")

    def run(self, message: bytes, trust: Trust | None, endorser: str) -> ImportReport:
        whole = self._whole(message, trust, endorser)
        specs = dict(self._images(whole)) if whole is not None else {}
        dropped: list[str] = []
        if whole is not None:
            for name, spec in specs.items():
                self._put(name, spec)
            dropped = list(self._dropped(str(whole["dc:identifier"]), set(specs)))
            self._endorse(sorted(specs))
        return ImportReport(
            tuple(sorted({*self.problems, *self.shelf.problems})),
            tuple(sorted(self.findings)),
            tuple(dropped),
            tuple(sorted(self.shelf.created)),
            tuple(sorted(self.shelf.changed)),
            len(specs),
            self.signer.subject,
        )

    # --- what the list says -------------------------------------------------------------------------------------

    def _whole(self, message: bytes, trust: Trust | None, endorser: str) -> Mapping[str, Any] | None:
        """The list, when it may be believed; else None, with every reason."""
        try:
            content = self._content(message, trust)
            whole = orjson.loads(payload(content))["hv:imagelist"]
            expires = moment(whole.get("dc:date:expires"), "dc:date:expires")
        except SignatureFault as fault:
            self._refused("", str(fault), "nothing is taken from it")
            return None
        except FormFault as fault:
            self._refused(fault.field, fault.message)
            return None
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            self._refused("", "it is not an image list", "it begins with hv:imagelist")
            return None
        if expires <= self.now:
            self._refused("dc:date:expires", f"the list has expired on {expires:%Y-%m-%d}", "ask for a new one")
        if not whole.get("dc:identifier"):
            self._refused("dc:identifier", "the list has no identifier")
        if whole.get("ad:vo") and vo_name(str(whole["ad:vo"])) != self.vo:
            self._refused("ad:vo", f"the list is of the VO {whole['ad:vo']}, not of {self.vo}")
        if trust is not None:
            self._endorser(whole, endorser)
        self._not_older(whole)
        return None if self.problems else whole

    def _content(self, message: bytes, trust: Trust | None) -> bytes:
        if trust is not None:
            if not is_signed(message):
                raise SignatureFault("it is not signed")
            content, self.signer = verified(message, trust, self.now)
            return content
        if not is_signed(message):
            return message
        body = re.search(rb"\{.*\}", message, re.DOTALL)
        return body[0] if body else b""

    def _endorser(self, whole: Mapping[str, Any], wanted: str) -> None:
        """Who signed is who the list says endorses it, and who is expected to."""
        said = _x509(whole)
        for field, signed in (("hv:dn", self.signer.subject), ("hv:ca", self.signer.issuer)):
            if not names.same(str(said.get(field, "")), signed):
                self._refused(f"hv:endorser.{field}", f"the list names {said.get(field)!r}, signed it is by {signed}")
        if wanted and not names.same(wanted, self.signer.subject):
            self._refused("hv:endorser.hv:dn", f"it is signed by {self.signer.subject}, not by {wanted}")
        known = {spec["list"].get("endorser", "") for _, spec in self._imported(str(whole.get("dc:identifier")))}
        if not wanted and known and not any(names.same(one, self.signer.subject) for one in known):
            before = ", ".join(sorted(known))
            told = f"it is signed by {self.signer.subject}, and was endorsed by {before}"
            self._refused("hv:endorser.hv:dn", told, "give --endorser if that is so now")

    def _not_older(self, whole: Mapping[str, Any]) -> None:
        """An old list is signed as well as the new one: it must not bring withdrawn images back."""
        version = _version(whole.get("hv:version"))
        for _, spec in self._imported(str(whole.get("dc:identifier"))):
            known = _version(spec["list"].get("version"))
            if version and known and version < known:
                said = f"the list is version {whole['hv:version']}, and version {spec['list']['version']} was taken in"
                self._refused("hv:version", said, "ask for the newest one")
                return

    def _images(self, whole: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        taken: set[str] = set()
        for n, image in entries(whole):
            path = f"hv:images[{n}]"
            if not isinstance(image, Mapping):
                self._refused(path, "it is no hv:image")
                continue
            try:
                spec, told = spec_of(image, whole, self.signer if self.signer.subject else _named(whole))
                ImageSpec.model_validate_json(encode(spec))
            except FormFault as fault:
                self._refused(f"{path}.{fault.field}", fault.message)
                continue
            except ValidationError as error:
                for one in error.errors(include_url=False):
                    self._refused(f"{path}.{'.'.join(map(str, one['loc']))}", one["msg"])
                continue
            name = self._name(image, spec, taken)
            owner = self._owner(name)
            if owner not in (None, spec["list"]["identifier"]):
                said = f"the Image {name} is {f'of the list {owner}' if owner else 'declared by hand'}: left as it is"
                self._refused(path, said, "take one of them away")
                continue
            taken.add(name)
            self.findings += [Diagnostic(self.source, 1, 1, path, text, "", RULE, "warning") for text in told]
            if spec["expires"] <= self.now.strftime("%Y-%m-%dT%H:%M:%SZ"):
                said = f"{name} has expired on {spec['expires'][:10]}: it will be withdrawn"
                self.findings.append(Diagnostic(self.source, 1, 1, path, said, "", RULE, "warning"))
            yield name, spec

    def _name(self, image: Mapping[str, Any], spec: Mapping[str, Any], taken: set[str]) -> str:
        """An image that is known keeps its name; of two by one title the second bears its identifier too."""
        for name, known in self._known():
            if known.get("uuid") == spec["uuid"] and name not in taken:
                return name
        name = name_of(image)
        mine = {name for name, _ in self._known()}
        return name if name not in taken | mine else f"{name}-{str(spec['uuid'])[:8].lower()}"

    def _owner(self, name: str) -> str | None:
        """The list that a declared image is of, "" for none; None when there is no such image."""
        spec = dict(self._known()).get(name)
        listed = (spec or {}).get("list")
        return None if spec is None else str(listed.get("identifier", "")) if isinstance(listed, dict) else ""

    # --- what is written ----------------------------------------------------------------------------------------

    def _known(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for kind, name in self.shelf.held():
            data = self.shelf.get((kind, name))
            if kind == "Image" and data is not None and isinstance(data.data.get("spec"), dict):
                yield name, data.data["spec"]

    def _imported(self, identifier: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, spec in self._known():
            if isinstance(spec.get("list"), dict) and spec["list"].get("identifier") == identifier:
                yield name, spec

    def _put(self, name: str, theirs: Mapping[str, Any]) -> None:
        existing = self.shelf.get(("Image", name))
        before = existing.data if existing is not None else _manifest("Image", name, {})
        kept = {field: value for field, value in before["spec"].items() if field not in OWNED}
        if str(kept.get("withdrawn", "")).startswith(_DROPPED):
            del kept["withdrawn"]
        self._write(("Image", name), {**before, "spec": {**theirs, **kept}})

    def _dropped(self, identifier: str, here: set[str]) -> Iterator[str]:
        for name, spec in list(self._imported(identifier)):
            if name in here or spec.get("withdrawn"):
                continue
            data = self.shelf.get(("Image", name))
            assert data is not None  # noqa: S101 (it was just found there)
            self._write(("Image", name), {**data.data, "spec": {**spec, "withdrawn": f"{_DROPPED} {identifier}"}})
            yield name

    def _endorse(self, images: list[str]) -> None:
        existing = self.shelf.get(("VO", self.vo))
        before = existing.data if existing is not None else _manifest("VO", self.vo, {})
        listed = list((before.get("spec") or {}).get("images") or ())
        more = [{"name": name} for name in images if name not in {image.get("name") for image in listed}]
        if more:
            spec = {**(before.get("spec") or {}), "images": [*listed, *more]}
            self._write(("VO", self.vo), {**before, "spec": spec})

    def _write(self, key: tuple[str, str], data: Mapping[str, Any]) -> None:
        try:
            self.shelf.put(key, data, [f"from {self.source}"] if key[0] == "Image" else self.shelf.remarks(key))
        except ManifestError as error:
            self.problems += error.diagnostics

    def _refused(self, path: str, message: str, cure: str = "") -> None:
        self.problems.append(Diagnostic(self.source, 1, 1, path, message, cure, RULE))


def _named(whole: Mapping[str, Any]) -> Signer:
    """Whom an unsigned list says it is by."""
    said = _x509(whole)
    return Signer(str(said.get("hv:dn") or "nobody"), str(said.get("hv:ca") or "nobody"))


def _x509(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a list says of its endorser; nothing where it says something else there."""
    endorser = whole.get("hv:endorser")
    said = endorser.get("hv:x509") if isinstance(endorser, Mapping) else None
    return said if isinstance(said, Mapping) else {}


def _version(text: Any) -> tuple[int, ...]:
    """``1.10`` is newer than ``1.9``; () for what is no version of numbers."""
    parts = str(text or "").split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _manifest(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "hanse/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
