"""What Hanse runs on: every package is listed, and a known vulnerability is a failure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import audit, sbom
from tests.real.answering import answering

ONE = (
    "example-one==1.0 \\\n    --hash=sha256:" + "a" * 64 + "\nexample-two==2.0 \\\n    --hash=sha256:" + "b" * 64 + "\n"
)
TODAY = date(2026, 11, 22)


@pytest.fixture
def osv() -> Iterator[str]:
    """A service that speaks OSV's protocol, and knows one vulnerability of one package."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            package = asked["package"]["name"]
            versions = [{"package": {"name": package, "ecosystem": "PyPI"}, "ranges": [], "versions": ["1.0"]}]
            known = {"id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2026-1"], "summary": "s", "affected": versions}
            body = json.dumps({"vulns": [known]} if package == "example-one" else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield f"{url}/v1/query"


def audited(tmp_path: Path, url: str, passed_over: str = "") -> tuple[int, str]:
    (tmp_path / "run.txt").write_text(ONE)
    (tmp_path / "audit.toml").write_text(passed_over)
    said: list[str] = []
    services = [("-s", "osv", "--osv-url", url)]
    return audit.audited(tmp_path / "run.txt", tmp_path / "audit.toml", services, TODAY, said.append), "\n".join(said)


ENTRY = """
[[passed-over]]
id = "{id}"
package = "example-one"
reason = "that part of it is not called"
until = {until}
"""


def test_a_known_vulnerability_is_a_failure(osv, tmp_path) -> None:
    code, said = audited(tmp_path, osv)
    assert (code, "GHSA-aaaa-bbbb-cccc" in said) == (1, True)
    assert "2 packages audited, 1 known vulnerabilities" in said


@pytest.mark.parametrize("id_", ["GHSA-aaaa-bbbb-cccc", "CVE-2026-1"])
def test_one_that_is_passed_over_is_none_until_its_day_is_over(osv, tmp_path, id_) -> None:
    code, said = audited(tmp_path, osv, ENTRY.format(id=id_, until="2026-11-22"))
    assert (code, "that part of it is not called" in said) == (0, True)
    code, said = audited(tmp_path, osv, ENTRY.format(id=id_, until="2026-11-21"))
    assert (code, "which is over" in said) == (1, True)


def test_a_service_that_cannot_be_reached_is_told_and_no_failure(tmp_path) -> None:
    code, said = audited(tmp_path, "http://127.0.0.1:1/v1/query")
    assert (code, "NOT audited" in said) == (0, True)


def test_what_is_passed_over_has_a_reason_and_a_day() -> None:
    import tomllib

    for entry in tomllib.loads(audit.PASSED_OVER.read_text()).get("passed-over", []):
        assert entry["reason"].strip()
        assert isinstance(entry["until"], date)


def test_the_bill_of_materials_lists_every_package_with_its_purl_and_hashes(tmp_path) -> None:
    sbom.write(tmp_path / "sbom.json")
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    locked = sbom.REQUIREMENTS.read_text()
    pinned = {f"{name}@{version}" for name, version in re.findall(r"^([a-z0-9._-]+)==(\S+)", locked, re.MULTILINE)}
    listed = {f"{one['name']}@{one['version']}": one for one in bill["components"]}
    assert listed.keys() == pinned
    for name, one in listed.items():
        assert one["purl"].startswith(f"pkg:pypi/{name}")
        hashes = [h["content"] for of in one["externalReferences"] for h in of.get("hashes", ())]
        assert hashes, name
        assert all(h in locked for h in hashes)
    assert bill["metadata"]["component"]["name"] == "hanse"
    sbom.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "sbom.json").read_bytes()
