"""The servers that the daemon's tests need."""

from tests.real.postgresql import postgresql

__all__ = ["postgresql"]
