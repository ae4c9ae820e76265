"""Files from manifests, as people ask for them: printed, written, and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.real.answering import answering

CARD = Path(__file__).parents[1] / "exchange" / "card.xml"
NAME = "vo.tides.example.org"
SITE = """\
apiVersion: hanse/v1
kind: Site
metadata:
  name: BAY
spec:
  certification: Certified
  infrastructure: Production
  services:
    - name: accounting
      type: eu.egi.cloud.accounting
      hostname: apel.bay.example.org
      hostDn: /DC=org/CN=apel.bay.example.org
  clouds:
    - name: openstack
      driver: openstack
      endpoint: https://cloud.bay.example.org:5000/v3
      shares:
        - vo: vo.example.org
    - name: nimbus
      driver: openstack
      endpoint: https://nimbus.bay.example.org:5000/v3
"""


@pytest.fixture
def bay(federation):
    assert federation.hanse("import", "vocard", str(CARD)).code == 0
    federation.write("manifests/bay.yaml", SITE)
    vo = federation.root / "manifests/vo.yaml"
    vo.write_text(
        f"{vo.read_text()}  entitlements:\n    - role: vm_operator\n      value: urn:mace:egi.eu:group:vo.example.org\n"
    )
    federation.commit()
    return federation


def test_cards_are_taken_in_and_given_back(bay):
    assert bay.hanse("validate").code == 0
    again = bay.hanse("import", "vocard", str(CARD))
    assert (again.code, "nothing changed" in again.out) == (0, True)
    assert bay.git("status", "--short") == ""
    said = bay.hanse("export", "vocard", NAME)
    assert said.code == 0
    assert said.out.startswith('<root current="v2">')
    assert 'Name="vo.example.org"' not in said.out
    assert bay.hanse("export", "vocard", "--form", "v1", "--into", str(bay.root / "cards.xml")).code == 0
    assert 'Name="vo.example.org"' in (bay.root / "cards.xml").read_text()
    told = json.loads(bay.hanse("import", "vocard", str(bay.root / "cards.xml"), "-o", "json").out)
    assert (told["vos"], told["problems"], told["unknown"]) == (2, [], [])


def test_a_card_with_faults_is_taken_as_far_as_it_goes_and_told(federation):
    federation.write("card.xml", f"<root><IDCard Name='{NAME}'><Scope>{{}}</Scope><Fax>1</Fax></IDCard></root>")
    said = federation.hanse("import", "vocard", str(federation.root / "card.xml"))
    assert said.code == 1
    assert "spec.scope" in said.out
    assert "Fax" in said.out
    assert (federation.root / f"manifests/vos/{NAME}.yaml").exists()


def test_feeds_that_cannot_be_read_are_told(federation):
    said = federation.hanse("import", "vocard", "nix.xml")
    assert (said.code, "nix.xml cannot be read" in said.err) == (1, True)
    said = federation.hanse("export", "vocard", "vo.tide.example.org")
    assert (said.code, "there is no VO" in said.err) == (1, True)


class Portal(BaseHTTPRequestHandler):
    """Serves the card whole, or breaks off in the middle of it."""

    def do_GET(self) -> None:
        card = CARD.read_bytes()
        self.send_response(200 if "card" in self.path else 404)
        self.send_header("Content-Length", str(len(card)))
        self.end_headers()
        self.wfile.write(card if self.path == "/card" else card[: len(card) // 2])

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def portal() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Portal)
    with answering(server) as url:
        yield url


def test_a_feed_is_taken_whole_or_not_at_all(federation, portal):
    said = federation.hanse("import", "vocard", f"{portal}/card-that-breaks-off")
    assert said.code == 1
    assert federation.git("status", "--short") == ""
    assert federation.hanse("import", "vocard", f"{portal}/nix").code == 1
    assert federation.hanse("import", "vocard", f"{portal}/card").code == 0
    assert (federation.root / f"manifests/vos/{NAME}.yaml").exists()


def test_vomses_and_lsc_files_are_printed_written_and_checked(bay):
    line = f'"{NAME}" "voms.example.org" "15001" "/DC=org/CN=voms.example.org" "{NAME}"\n'
    assert bay.hanse("export", "vomses").out == line
    names = "/DC=org/CN=voms.example.org\n/DC=org/CN=CA\n"
    assert bay.hanse("export", "lsc").out.strip() == f"# {NAME}/voms.example.org.lsc\n{names}".strip()
    folder = bay.root / "vomsdir"
    assert bay.hanse("export", "lsc", "--check", str(folder)).code == 2
    assert not folder.exists()
    assert "1 files written" in bay.hanse("export", "lsc", "-d", str(folder)).out
    assert (folder / NAME / "voms.example.org.lsc").read_text() == names
    assert bay.hanse("export", "lsc", "--check", str(folder)).code == 0
    (folder / NAME / "old.example.org.lsc").write_text("/CN=old\n/CN=CA\n")
    assert "old.example.org.lsc is made of no manifest" in bay.hanse("export", "lsc", "--check", str(folder)).out
    said = bay.hanse("export", "lsc", "-d", str(folder))
    assert (said.code, "take it away" in said.err) == (0, True)
    assert (folder / NAME / "old.example.org.lsc").exists()


def test_the_allow_list_is_written_and_a_stale_one_is_shown_with_its_lines(bay):
    file = bay.root / "dns"
    assert bay.hanse("export", "ssm-allowlist", "--check", str(file)).code == 2
    assert bay.hanse("export", "ssm-allowlist", "--into", str(file)).code == 0
    assert bay.hanse("export", "ssm-allowlist", "--check", str(file)).code == 0
    bay.write("manifests/bay.yaml", SITE.replace("apel.bay.example.org\n  clouds", "dc.bay.example.org\n  clouds"))
    said = bay.hanse("export", "ssm-allowlist", "--check", str(file), "--worktree")
    assert said.code == 2
    assert "-/DC=org/CN=apel.bay.example.org\n+/DC=org/CN=dc.bay.example.org" in said.out
    bay.write("manifests/bay.yaml", SITE.replace("      hostDn: /DC=org/CN=apel.bay.example.org\n", ""))
    said = bay.hanse("export", "ssm-allowlist", "--worktree")
    assert (said.code, "has no hostDn" in said.err) == (1, True)


def test_the_mapping_of_a_cloud_is_printed_and_all_of_a_site_are_written(bay):
    said = bay.hanse("export", "keystone-mapping", "BAY")
    assert (said.code, "nimbus, openstack" in said.err or "openstack, nimbus" in said.err) == (1, True)
    (rule,) = json.loads(bay.hanse("export", "keystone-mapping", "BAY", "--cloud", "openstack").out)
    assert rule["local"][1] == {"group": {"name": "vo.example.org", "domain": {"name": "Default"}}}
    assert rule["remote"][2]["any_one_of"] == [r"^urn:mace:egi\.eu:group:vo\.example\.org$"]
    folder = bay.root / "mappings"
    assert bay.hanse("export", "keystone-mapping", "BAY", "-d", str(folder)).code == 0
    assert json.loads((folder / "nimbus.json").read_text()) == []
    assert json.loads((folder / "openstack.json").read_text()) == [rule]


def test_groups_are_told_as_text_and_as_data(bay):
    said = bay.hanse("export", "groups", NAME).out.splitlines()
    assert said[1:] == [f"/{NAME}", f"/{NAME}/Role=pilot"]
    (found,) = json.loads(bay.hanse("export", "groups", NAME, "-o", "json").out)
    assert [(one["group"], one["role"]) for one in found["groups"]] == [(f"/{NAME}", ""), (f"/{NAME}", "pilot")]
    file = str(bay.root / "groups")
    assert bay.hanse("export", "groups", "-o", "json", "--into", file).code == 0
    assert bay.hanse("export", "groups", "-o", "json", "--check", file).code == 0
    assert bay.hanse("export", "groups", "--check", file).code == 2


ROLES = """\
apiVersion: hanse/v1
kind: RoleAssignment
metadata:
  name: {name}
spec:
  over:
    {over}
  roles:
    {role}:
      - "{holder}"
"""


def test_codeowners_are_rendered_and_a_stale_file_is_shown(bay):
    bay.write(
        "manifests/roles/bay.yaml",
        ROLES.format(name="bay", over="site: BAY", role="Site Administrator", holder="@bay/ops"),
    )
    bay.write(
        "manifests/roles/egi.yaml", ROLES.format(name="egi", over="project: EGI", role="COD Staff", holder="@egi/cod")
    )
    assert bay.hanse("validate", "--worktree").code == 0
    file = bay.root / ".github/CODEOWNERS"
    said = bay.hanse("export", "codeowners", "--into", str(file), "--worktree")
    assert said.code == 0
    assert "nobody holds a role over VO/vo.example.org: it is the project's" in " ".join(said.err.split())
    lines = file.read_text().splitlines()
    assert "* @egi/cod" in lines
    assert "/manifests/bay.yaml @bay/ops" in lines
    assert "/manifests/vo.yaml @egi/cod" in lines
    bay.write("manifests/roles/bay.yaml", (bay.root / "manifests/roles/bay.yaml").read_text().replace("ops", "admins"))
    said = bay.hanse("export", "codeowners", "--check", str(file), "--worktree")
    assert said.code == 2
    assert "-/manifests/bay.yaml @bay/ops\n+/manifests/bay.yaml @bay/admins" in said.out


def test_a_pull_request_is_told_whose_word_it_needs(bay):
    for name, over, role, holder in (
        ("bay", "site: BAY", "Site Administrator", "@bay/ops"),
        ("egi", "project: EGI", "COD Staff", "@egi/cod"),
    ):
        bay.write(f"manifests/roles/{name}.yaml", ROLES.format(name=name, over=over, role=role, holder=holder))
    base = bay.commit("roles")
    assert bay.hanse("approvers", base).out == ""
    bay.write("manifests/bay.yaml", SITE.replace("Certified", "Suspended"))
    bay.commit("trouble")
    assert bay.hanse("approvers", base).out == "Site/BAY: certification: Certified -> Suspended: @egi/cod\n"
    said = bay.hanse("approvers", base, "--by", "@bay/ops")
    assert (said.code, "1 of them by others" in said.err) == (3, True)
    assert bay.hanse("approvers", base, "--by", "@bay/ops", "--by", "@egi/cod").code == 0
    (need,) = json.loads(bay.hanse("approvers", base, "-o", "json").out)
    assert need["holders"] == ["@egi/cod"]
