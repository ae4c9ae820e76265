"""SiteImage: an image in one VO's project of one cloud, on the target `images:SITE/CLOUD/VO`.

An Image brings one along for each VO that endorses it, in each cloud with `imageSync` that supports the VO; one may
also be declared by hand. It needs its Site and its VO. Outputs: `image_id`, `name`.
"""

from reconciler.kinds.siteimage.kind import SiteImageKind
from reconciler.kinds.siteimage.spec import SiteImageSpec

KIND = SiteImageKind()

__all__ = ["KIND", "SiteImageKind", "SiteImageSpec"]
