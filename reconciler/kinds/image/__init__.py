"""Image: an appliance, with its checksum, what it needs and until when it is endorsed. Kept in `registry:images`.

A VO endorses it under `spec.images`, of one version where it gives a `tag`. It is brought to every cloud with
`imageSync` that supports the VO, as a SiteImage each. Once it expires it is withdrawn everywhere.
"""

from reconciler.kinds.image.kind import ImageKind
from reconciler.kinds.image.spec import ImageSpec, Recommended, SignedList

KIND = ImageKind()

__all__ = ["KIND", "ImageKind", "ImageSpec", "Recommended", "SignedList"]
