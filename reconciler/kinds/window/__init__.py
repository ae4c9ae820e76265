"""Window: times in which Hanse may change something, or may not, as a schedule says.

What is held by a window waits and is done when the window allows it; looking goes on all the time.
"""

from reconciler.kinds.window.kind import WindowKind
from reconciler.kinds.window.spec import WindowScope, WindowSpec
from reconciler.kinds.window.times import Times

KIND = WindowKind()

__all__ = ["KIND", "Times", "WindowKind", "WindowScope", "WindowSpec"]
