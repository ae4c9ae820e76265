"""VO ID cards, the XML of EGI's Operations Portal in both of its forms: as VO manifests, and back."""

from reconciler.exchange.vocard.importer import ImportReport, import_cards
from reconciler.exchange.vocard.reading import CardFault, read_cards
from reconciler.exchange.vocard.writing import Written, cards

__all__ = ["CardFault", "ImportReport", "Written", "cards", "import_cards", "read_cards"]
