"""Signed image lists (HEPiX), as AppDB gives them out and vmcatcher and cloudkeeper take them: in and out again."""

from reconciler.exchange.imagelist.exporter import image_list
from reconciler.exchange.imagelist.importer import ImportReport, import_images
from reconciler.exchange.imagelist.signed import SignatureFault, Signer, Trust, sign, verified

__all__ = [
    "ImportReport",
    "SignatureFault",
    "Signer",
    "Trust",
    "image_list",
    "import_images",
    "sign",
    "verified",
]
