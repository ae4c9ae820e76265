"""Templates in, manifests and remarks out; one file of manifests for each import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.errors import ManifestError, SourceError
from reconciler.exchange.templates.cluster import kinds_of, manifests
from reconciler.exchange.templates.draft import Draft
from reconciler.exchange.templates.items import Account, Item, merged, read
from reconciler.exchange.templates.radl import as_items, radl_draft
from reconciler.exchange.templates.tosca import tosca_draft
from reconciler.exchange.templates.wishes import Wishes
from reconciler.manifest.roundtrip import dump
from reconciler.model import Diagnostic

_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class TemplateReport:
    """What an import made, and what it says. Places are those of the template."""

    problems: tuple[Diagnostic, ...] = ()
    """Why no manifest could be made; empty when one was."""
    unmapped: tuple[Diagnostic, ...] = ()
    changed: tuple[Diagnostic, ...] = ()
    needless: tuple[Diagnostic, ...] = ()
    inputs: tuple[str, ...] = ()
    """``NAME = VALUE (where it is from)``, of a TOSCA template."""
    resources: tuple[str, ...] = ()
    manifest: str = ""
    """Text of the manifests; "" when there are none."""
    folder: str = ""
    """Where it usually stands, in the manifests' folder."""

    @property
    def complete(self) -> bool:
        """True when every statement of the template was taken in."""
        return not self.problems and not self.unmapped


def import_tosca(files: Sequence[Path], wishes: Wishes) -> TemplateReport:
    """One cluster out of TOSCA templates, which are laid over one another: a cluster's, and those that add to it."""
    return _imported(files, wishes, read, tosca_draft)


def import_radl(files: Sequence[Path], wishes: Wishes) -> TemplateReport:
    """One cluster out of RADL documents, in either form, which are put together as EC3 does."""
    return _imported(files, wishes, as_items, radl_draft)


Drafter = Callable[[Item, Account, Wishes, list[str]], Draft]


def _imported(
    files: Sequence[Path], wishes: Wishes, parse: Callable[[str, str], Item], draw: Drafter
) -> TemplateReport:
    account, inputs = Account(), list[str]()
    try:
        trees = [parse(_text(file), str(file)) for file in files]
    except ManifestError as error:
        return TemplateReport(problems=error.diagnostics)
    whole = trees[0]
    for tree in trees[1:]:
        whole = merged(whole, tree, account)
    draft = draw(whole, account, wishes, inputs)
    documents, problems = manifests(draft, account, wishes)
    account.close(whole)
    made = [] if problems else documents
    return TemplateReport(
        problems=tuple(sorted({*problems})),
        unmapped=tuple(sorted({*account.unmapped})),
        changed=tuple(sorted({*account.changed})),
        needless=tuple(sorted({*account.needless})),
        inputs=tuple(inputs),
        resources=tuple(kinds_of(made)),
        manifest=_manifest(made, files) if made else "",
        folder=_usual(made) if made else "",
    )


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _LIMIT:
            raise SourceError(f"{file} is larger than {_LIMIT} bytes")
        return file.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{file} cannot be read: {error}") from error


def _manifest(documents: Sequence[dict[str, Any]], files: Sequence[Path]) -> str:
    head = f"# import: from {', '.join(file.name for file in files)}\n"
    return head + "---\n".join(dump(document) for document in documents)


def _usual(documents: Sequence[dict[str, Any]]) -> str:
    metadata = documents[0]["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}.yaml"
