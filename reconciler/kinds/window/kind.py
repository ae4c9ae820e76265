"""How a window behaves: it is registered. What it holds is decided when a plan is made."""

from __future__ import annotations

from typing import ClassVar

from reconciler.kinds.registered import Registered
from reconciler.kinds.window.spec import WindowSpec


class WindowKind(Registered[WindowSpec]):
    """Times in which something may be changed, or may not."""

    name = "Window"
    plural = "windows"
    Spec = WindowSpec
    federation_wide: ClassVar[bool] = True
