"""Giving the federation's files back: the same data that was taken in, and what was changed in the manifests since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from reconciler.errors import ManifestError
from reconciler.exchange.fedcloud.form import DRIVER, site_file_of
from reconciler.exchange.fedcloud.importer import FILE_NOTE
from reconciler.exchange.fedcloud.shelf import manifest_files, replace_file
from reconciler.exchange.fedcloud.source import MAPPINGS
from reconciler.kinds.site import SiteSpec, share_name
from reconciler.kinds.vo import VOSpec
from reconciler.manifest.roundtrip import dump, load_documents, update
from reconciler.model import Diagnostic, Resource, encode


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote. Files are relative to the folder."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[str, ...]
    """Clouds that the format cannot tell of, with the reason."""
    problems: tuple[Diagnostic, ...]


class _Declared(NamedTuple):
    name: str
    spec: SiteSpec | VOSpec
    annotations: Mapping[str, str]


def export_fedcloud(
    manifests: Path | Iterable[Resource], out: Path, made: Callable[[], Mapping[str, str]] = dict
) -> ExportReport:
    """Write ``sites/*.yaml`` and ``vo-mappings.yaml`` from a folder of manifests, or from resources.

    ``made`` gives the ids of the projects that Hanse has made, by the name of their Share; it is asked when a cloud is
    onboarded and a share of it has no project in the manifest.
    """
    problems: list[Diagnostic] = []
    if isinstance(manifests, Path):
        declared = list(_from_folder(manifests, problems))
    else:
        declared = [
            _Declared(r.ref.name, r.spec, r.annotations or {}) for r in manifests if r.ref.kind in ("Site", "VO")
        ]
    files: dict[str, Any] = {}
    skipped: list[str] = []
    for site in declared:
        if isinstance(site.spec, SiteSpec):
            files |= _site_files(site, site.spec, skipped, made)
    mapped = {d.spec.group or d.name: d.spec.entitlement() for d in declared if isinstance(d.spec, VOSpec)}
    files[MAPPINGS] = {"vos": {g: e for g, e in sorted(mapped.items(), key=lambda m: m[0].strip("/").lower()) if e}}
    written = [name for name, data in files.items() if _write(out / name, data)]
    unchanged = [name for name in files if name not in written]
    return ExportReport(tuple(sorted(written)), tuple(sorted(unchanged)), tuple(skipped), tuple(problems))


def _from_folder(folder: Path, problems: list[Diagnostic]) -> Iterator[_Declared]:
    for path in manifest_files(folder):
        file = path.relative_to(folder).as_posix()
        try:
            documents = load_documents(path.read_bytes().decode(), file)
        except ManifestError as error:
            problems += error.diagnostics
        except UnicodeDecodeError as error:
            problems.append(Diagnostic(file, 1, 1, "", f"cannot be read: {error}"))
        else:
            for document in documents:
                yield from _checked(document.data if isinstance(document.data, dict) else {}, file, problems)


def _checked(data: Mapping[str, Any], file: str, problems: list[Diagnostic]) -> Iterator[_Declared]:
    models: dict[Any, type[SiteSpec] | type[VOSpec]] = {"Site": SiteSpec, "VO": VOSpec}
    model = models.get(data.get("kind"))
    if model is None:
        return
    metadata = data.get("metadata") or {}
    try:
        spec = model.model_validate_json(encode(data.get("spec") or {}))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            path = ".".join(("spec", *(str(part) for part in fault["loc"])))
            problems.append(Diagnostic(file, 1, 1, path, fault["msg"]))
        return
    yield _Declared(metadata.get("name", ""), spec, metadata.get("annotations") or {})


def _site_files(
    site: _Declared, spec: SiteSpec, skipped: list[str], made: Callable[[], Mapping[str, str]]
) -> Iterator[tuple[str, Any]]:
    for cloud in spec.clouds:
        if cloud.driver != DRIVER:
            skipped.append(f"Site/{site.name}: the cloud {cloud.name} has the driver {cloud.driver}, not {DRIVER}")
            continue
        name = site.annotations.get(FILE_NOTE + cloud.name, f"{cloud.name}.yaml")
        data = cloud.model_dump(mode="json", exclude_unset=True)
        if cloud.onboarding is not None:
            for n, share in enumerate(cloud.shares):
                project = share.projectId or made().get(share_name(site.name, cloud, share))
                data["shares"][n] |= {"projectId": project} if project else {}
        yield f"sites/{name}", site_file_of(site.name, data)


def _write(path: Path, data: Any) -> bool:
    """Write what is new; a file that says the same stays, and one that says something else is edited."""
    old = path.read_bytes().decode() if path.exists() else ""
    text = update(old, data, path.name) if old else "---\n" + dump(data)
    if text == old:
        return False
    replace_file(path, text)
    return True
