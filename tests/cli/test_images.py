"""Image lists on the command line: taken in from a file and a web server, given out again, signed."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.exchange.signing import NOW, authority, image, image_list
from tests.real.appliances import shelf

__all__ = ["shelf"]

VO = "vo.tides.example.org"
SERVED = f"""\
apiVersion: hanse/v1
kind: VO
metadata:
  name: {VO}
spec:
  description: Tides # and gauges
"""


@pytest.fixture
def ca():
    return authority()


@pytest.fixture
def ana(ca):
    return ca.issue("Ana Endorser")


@pytest.fixture
def tides(federation, monkeypatch, ca, ana):
    monkeypatch.setattr("reconciler.cli.house.now", lambda: NOW)
    federation.write("manifests/vos/tides.yaml", SERVED)
    federation.commit()
    (federation.root / "ca.pem").write_bytes(ca.pem)
    (federation.root / "vo.list").write_bytes(ana.sign(image_list(ana, ca)))
    return federation


def words(tides, *more):
    return ("import", "images", str(tides.root / "vo.list"), "--vo", VO, "--trust", str(tides.root / "ca.pem"), *more)


def test_a_list_is_taken_in_and_what_it_makes_is_valid(tides):
    said = tides.hanse(*words(tides))
    assert said.code == 0, said.err
    assert "1 images endorsed for vo.tides.example.org, signed by /C=ES/O=Tides/CN=Ana Endorser" in said.out
    assert "1 file written, 1 changed" in said.out
    text = (tides.root / "manifests/vos/tides.yaml").read_text()
    assert "# and gauges" in text
    assert yaml.safe_load(text)["spec"]["images"] == [{"name": "tide-model"}]
    assert tides.hanse("validate", "--worktree").code == 0
    assert "nothing changed" in tides.hanse(*words(tides)).out


def test_a_list_is_taken_in_from_a_web_server(tides, shelf):
    shelf.files["vo.list"] = (tides.root / "vo.list").read_bytes()
    trust = ("--vo", VO, "--trust", str(tides.root / "ca.pem"))
    assert tides.hanse("import", "images", f"{shelf.url}/vo.list", *trust).code == 0
    said = tides.hanse("import", "images", f"{shelf.url}/none", *trust)
    assert said.code == 1
    assert "404" in said.err


def test_what_must_not_be_believed_is_told_with_the_reason_and_the_exit_code(tides, ca):
    (tides.root / "vo.list").write_bytes(ca.issue("Bo").sign(image_list(ca.issue("Ana Endorser"), ca)))
    said = tides.hanse(*words(tides))
    assert said.code == 1
    assert "signed it is by /C=ES/O=Tides/CN=Bo" in said.out
    assert not (tides.root / "manifests/images").exists()


def test_whom_to_trust_must_be_said(tides):
    said = tides.hanse("import", "images", str(tides.root / "vo.list"), "--vo", VO)
    assert said.code == 1
    assert "--trust" in said.err
    assert tides.hanse("import", "images", str(tides.root / "vo.list"), "--vo", VO, "--unverified").code == 0


def test_json_tells_the_same(tides):
    assert json.loads(tides.hanse(*words(tides, "--output", "json")).out)["images"] == 1


def test_a_list_given_out_again_says_what_was_taken_in(tides, ana, tmp_path, monkeypatch):
    tides.hanse(*words(tides))
    (tmp_path / "ana.pem").write_bytes(ana.pem)
    monkeypatch.setenv("ANA_KEY", ana.key_pem.decode())
    signed = ("--certificate", str(tmp_path / "ana.pem"), "--key", "env:ANA_KEY", "--into", str(tmp_path / "out.list"))
    said = tides.hanse("export", "images", "--vo", VO, "--worktree", *signed)
    assert said.code == 0, said.err
    assert "signed by /C=ES/O=Tides/CN=Ana Endorser" in said.out
    trust = ("--vo", VO, "--trust", str(tides.root / "ca.pem"), "--into", str(tmp_path / "again"))
    assert tides.hanse("import", "images", str(tmp_path / "out.list"), *trust).code == 0
    here, there = (
        yaml.safe_load((folder / "images/tide-model.yaml").read_text())["spec"]
        for folder in (tides.root / "manifests", tmp_path / "again")
    )
    assert {**there, "list": None} == {**here, "list": None}


def test_without_a_key_the_list_is_printed_plain_and_what_is_not_offered_is_left_out(tides):
    tides.hanse(*words(tides))
    whole = json.loads(tides.hanse("export", "images", "--vo", VO, "--worktree").out)["hv:imagelist"]
    (one,) = whole["hv:images"]
    assert one["hv:image"]["sl:checksum:sha512"] == image()["sl:checksum:sha512"]
    assert (whole["ad:vo"], whole["dc:date:expires"]) == (VO, "2027-04-01T00:00:00Z")
    path = tides.root / "manifests/images/tide-model.yaml"
    path.write_text(path.read_text() + "  withdrawn: CVE-2026-0001\n")
    said = tides.hanse("export", "images", "--vo", VO, "--worktree")
    assert json.loads(said.out)["hv:imagelist"]["hv:images"] == []
    assert "no image that is offered now" in said.err


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--key", "env:KEY"), "needs both"),
        (("--certificate", "ca.pem", "--key", "-----BEGIN"), "never the key itself"),
        (("--certificate", "ca.pem", "--key", "env:NO_SUCH"), "NO_SUCH is not set"),
        (("--certificate", "hanse.toml", "--key", "env:KEY"), "must be PEM"),
    ],
)
def test_a_signature_that_cannot_be_made_is_told_of(tides, monkeypatch, more, why):
    monkeypatch.chdir(tides.root)
    (tides.root / "hanse.toml").touch()
    said = tides.hanse("export", "images", "--vo", VO, *more)
    assert said.code == 1
    assert why in said.err


def test_a_vo_that_is_not_declared_is_named_with_the_nearest(tides):
    assert f"did you mean {VO}?" in tides.hanse("export", "images", "--vo", "vo.tide.example.org").err
