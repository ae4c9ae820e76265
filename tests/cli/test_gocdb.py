"""import gocdb and export gocdb, as people call them."""

from __future__ import annotations

import json

from tests.exchange.gocdb import feed
from tests.exchange.gocdb.federation import service, site
from tests.exchange.gocdb.test_serving import manifest


def test_what_is_exported_is_imported_again_and_nothing_changes(federation):
    federation.write("manifests/site.yaml", manifest(site("CESGA", service("cloud"))))
    federation.commit()
    for method in ("get_site", "get_service_endpoint"):
        told = federation.hanse("export", "gocdb", method, "scope=")
        assert (told.code, told.err) == (0, "")
        (federation.root / f"{method}.xml").write_text(told.out)
    first = federation.hanse("import", "gocdb", *(f"{one}" for one in sorted(federation.root.glob("*.xml"))))
    assert (first.code, first.out) == (0, "1 site, 1 service, 0 downtimes, 0 groups\nnothing changed\n")
    assert "the manifests say this already" in first.err


def test_a_register_is_asked_for_everything_and_tells_what_it_did(federation):
    told = feed.federation(2, 1)
    told.sites[0].elements["CSIRT_EMAIL"] = "nobody"
    with feed.served(told) as url:
        said = federation.hanse("import", "gocdb", url, "--since", "2026-11-01")
        assert said.code == 1
        assert "could not be taken in: 1" in said.out
        assert "SITE[SITE-0001]/CSIRT_EMAIL" in said.out
        assert "2 sites, 2 services, 0 downtimes, 0 groups\n2 files written, 0 changed" in said.out
        del told.sites[1]
        again = json.loads(federation.hanse("import", "gocdb", url, "--remove", "-o", "json").out)
    assert again["removed"] == ["Site/SITE-0002"]
    assert {one["windowstart"] for one in told.asked if "windowstart" in one} >= {"2026-11-01"}
    assert not (federation.root / "manifests/sites/SITE-0002.yaml").exists()


def test_removals_are_counted(federation):
    told = feed.federation(2, 0)
    with feed.served(told) as url:
        federation.hanse("import", "gocdb", url)
        del told.sites[1]
        said = federation.hanse("import", "gocdb", url, "--remove")
    assert "\n0 files written, 0 changed, 1 removed\n" in said.out


def test_a_lock_that_cannot_be_read_is_named_with_what_to_do(federation):
    federation.write("manifests/gocdb.lock.json", "<<<<<<< HEAD\n")
    with feed.served(feed.federation(1, 0)) as url:
        said = federation.hanse("import", "gocdb", url)
    assert said.code == 1
    assert "gocdb.lock.json:1:1: it cannot be read" in said.err
    assert "take it from git again, or remove it" in said.err
    assert not (federation.root / "manifests/sites").exists()


def test_a_token_is_named_and_never_given(federation):
    said = federation.hanse("import", "gocdb", "https://localhost:1/", "--token", "s3cret")
    assert said.code != 0
    assert "s3cret" not in said.err + said.out


def test_the_past_can_be_asked_for_by_commit_and_by_day(federation):
    federation.write("manifests/site.yaml", manifest(site("CESGA")))
    federation.commit()
    federation.write("manifests/site.yaml", manifest(site("CESGA", country="PT")))
    federation.commit()
    assert "<COUNTRY>Portugal</COUNTRY>" in federation.hanse("export", "gocdb", "get_site").out
    assert "<COUNTRY>Spain</COUNTRY>" in federation.hanse("export", "gocdb", "get_site", "--at", "HEAD~1").out
    gone = federation.hanse("export", "gocdb", "get_site", "--at", "2001-01-01")
    assert (gone.code, gone.err) == (1, "error: 2001-01-01: there was no commit yet\n")


def test_what_gocdb_would_refuse_is_refused(federation):
    said = federation.hanse("export", "gocdb", "get_site", "foo=1")
    assert (said.code, said.err) == (1, "error: Unsupported parameter: foo\n")
    assert federation.hanse("export", "gocdb", "get_site", "foo").code == 1


def test_sites_without_a_status_are_told_apart(federation):
    federation.write("manifests/site.yaml", manifest(site("CLOUD", certification=None)))
    federation.commit()
    said = federation.hanse("export", "gocdb", "get_site")
    assert "<results/>" in said.out
    assert said.err == "not told, for want of a certification status: CLOUD\n"
