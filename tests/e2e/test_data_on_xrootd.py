"""Data between two real XRootD servers, as a federation's manifests ask for it: brought, kept so, mended."""

from __future__ import annotations

import os

import pytest

from tests.house import applied, commit, planned, said
from tests.real import issuer
from tests.real.xrootd import XRootD, xrootd

__all__ = ["xrootd"]

SIZE = 5_000_000
SITE = """apiVersion: hanse/v1
kind: Site
metadata: {{name: {name}}}
spec:
  country: {country}
  storage:
    - {{name: disk, driver: webdav, url: "{url}", limits: {{maxBytes: 1000000000}}}}
"""
DATA = """apiVersion: hanse/v1
kind: Dataset
metadata: {{name: waves, namespace: sea}}
spec:
  scope: sea
  name: waves
  listing: {{site: NORTH, storage: disk, path: raw}}
"""
RULE = """apiVersion: hanse/v1
kind: DatasetRule
metadata: {{name: waves, namespace: sea}}
spec: {{scope: sea, name: waves, copies: 1, locations: WEST}}
"""
SETTINGS = """
[targets."storage:{site}/disk"]
ca = "{ca}"
token = {{ issuer = "{issuer}", client_id = "hanse", client_secret = {{ env = "CLIENT" }}, base = "/vo" }}
"""
SECRETS = {"CLIENT": issuer.SECRET}


@pytest.fixture
def root(tmp_path, xrootd: XRootD):
    folders = {name: xrootd.folder(name) for name in ("a", "b")}
    urls = {name: f"{xrootd.servers[name].url}/{folder}".replace("https", "davs") for name, folder in folders.items()}
    sites = {"NORTH": ("DE", urls["a"]), "WEST": ("CA", urls["b"])}
    commit(
        tmp_path,
        {
            **{f"{n}.yaml": SITE.format(name=n, country=country, url=url) for n, (country, url) in sites.items()},
            "data.yaml": DATA.format(),
            "rule.yaml": RULE.format(),
        },
    )
    told = (SETTINGS.format(site=site, ca=xrootd.authority.file, issuer=xrootd.tokens.url) for site in sites)
    (tmp_path / "hanse.toml").write_text("".join(told))
    raw = xrootd.servers["a"].root / folders["a"] / "raw"
    raw.mkdir()
    for name in ("one.nc", "two waves.nc"):
        (raw / name).write_bytes(os.urandom(SIZE))
    return tmp_path, raw, xrootd.servers["b"].root / folders["b"]


def test_what_lies_at_one_site_is_brought_to_another_and_kept_there(root, xrootd):
    place, raw, there = root
    applied(place, environment=SECRETS, until_quiet=True)
    assert said(planned(place, environment=SECRETS)) == []
    copies = {file.name: file for file in there.rglob("*.nc")}
    assert {name: copies[name].read_bytes() for name in copies} == {f.name: f.read_bytes() for f in raw.iterdir()}

    copies["one.nc"].unlink()
    copies["two waves.nc"].write_bytes(b"rotten")
    (action,) = planned(place, environment=SECRETS).actions
    assert (action.verb, action.reason) == ("update", "DriftDetected")
    applied(place, environment=SECRETS, until_quiet=True)
    assert copies["one.nc"].read_bytes() == (raw / "one.nc").read_bytes()
    assert copies["two waves.nc"].read_bytes() == (raw / "two waves.nc").read_bytes()
    assert said(planned(place, environment=SECRETS)) == []


def test_a_server_that_is_down_concludes_nothing(root, xrootd):
    place, *_ = root
    applied(place, environment=SECRETS, until_quiet=True)
    server = xrootd.servers["b"]
    server.stop()
    try:
        plan = planned(place, environment=SECRETS)
    finally:
        server.start()
    assert all(action.verb not in ("delete", "create") for action in plan.actions if not action.blocked)
    assert said(planned(place, environment=SECRETS)) == []
