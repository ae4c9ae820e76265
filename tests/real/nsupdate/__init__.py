"""The real nsupdate.info server (PyPI: nsupdate) in a virtual environment of its own, before a real BIND.

In a conftest: ``from tests.real.nsupdate import nsupdate`` (a session fixture). ``site/`` is what runs inside that
environment: settings, the four JSON calls that EGI's deployment adds to the server, and what tests arrange.
"""

from tests.real.nsupdate.server import Nsupdate, nsupdate

__all__ = ["Nsupdate", "nsupdate"]
