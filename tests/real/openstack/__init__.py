"""A real OpenStack on loopback: keystone, placement, glance, nova with two compute hosts, neutron. Its servers are
network-namespace hosts that answer to SSH.

In a conftest: ``from tests.real.openstack import openstack`` (a session fixture, it gives a `Cloud`). Outside pytest::

    with cloud() as openstack, openstack.project() as vo, openstack.proxy() as proxy:
        driver = vo.libcloud(auth_url=proxy.auth_url)
        ...
        assert proxy.count("compute", "POST", "/servers$") == 1

What a test has in hand:

- `Cloud`: ``auth_url`` (ends in ``/v3``), ``region``, ``admin`` (a `Credential`), ``idp``/``protocol``/``issuer``,
  ``project()``, ``set_quota()``, ``token()``, ``api()`` (any REST call, as the administrator), ``proxy()``,
  ``stop_server()``/``delete_server()`` (by the administrator), ``kill_server()`` (behind the cloud's back),
  ``restart_compute()``, ``stop_compute()``, ``fail_builds()``.
- `Project`: a project of the test's own with a user in it; everything in it is taken away at the end.
- `Proxy`: a front door of the test's own to the same cloud. A client that is given ``proxy.auth_url`` finds only the
  proxy in the catalogue; its calls are counted, and can be made to fail, hang, or lose their answer.

The constants `FLAVORS`, `HUGE`, `IMAGES`, `NETWORK` and `EXTERNAL` say what is on offer to every project. Servers are in
``NETWORK``, which is shared: their fixed address can be reached from this machine, with the key pair given at their
creation, as root. Floating IPs of ``EXTERNAL`` exist in the API only: nothing routes to them. There are no volumes.

There is one such cloud on a machine at a time (2 GB): it is started by whoever comes first and ends with the last one
who uses it, however that one ends. ``HANSE_OPENSTACK_LINGER=600`` keeps it for that many seconds more, so that the next
run finds it warm. ``python -m tests.real.openstack`` keeps one up until it is interrupted. Software, a seed (the state of
a cloud that has just been made) and the nodes' root are cached in ``$XDG_CACHE_HOME/hanse``; ``python -m
tests.real.openstack prepare`` makes them. Needs root on Debian and the packages of ``.ci/packages``. While it lives, its
logs are in ``Cloud.run / "log"``; those of one that did not come up in ``failed-log`` beside that.
"""

from __future__ import annotations

from tests.real.openstack.cloud import Cloud
from tests.real.openstack.filling import EXTERNAL, FLAVORS, HUGE, IMAGES, NETWORK
from tests.real.openstack.fixture import cloud, openstack
from tests.real.openstack.project import Credential, Project
from tests.real.openstack.proxy import Call, Fault, Proxy

__all__ = [
    "EXTERNAL",
    "FLAVORS",
    "HUGE",
    "IMAGES",
    "NETWORK",
    "Call",
    "Cloud",
    "Credential",
    "Fault",
    "Project",
    "Proxy",
    "cloud",
    "openstack",
]
