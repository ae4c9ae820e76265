"""Signed image lists: what is believed, what is not and why, what becomes of it, and the way back."""

from __future__ import annotations

import os
import random
import subprocess
from datetime import timedelta
from shutil import which

import pytest
import yaml

from reconciler.exchange.imagelist import SignatureFault, Trust, import_images, verified
from reconciler.exchange.imagelist.signed import payload
from tests.exchange.signing import NOW, authority, image, image_list

VO = "vo.tides.example.org"


@pytest.fixture(scope="module")
def ca():
    return authority()


@pytest.fixture(scope="module")
def ana(ca):
    return ca.issue("Ana Endorser")


@pytest.fixture
def openssl() -> None:
    """The program, to compare with."""
    if which("openssl") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("openssl is not installed")


def take_in(message, into, ca, **more):
    given = {"vo": VO, "trust": ca.trust(), "now": NOW, **more}
    return import_images(message, "vo.list", into, **given)


def manifest(into, kind: str, name: str):
    return yaml.safe_load((into / f"{kind.lower()}s" / f"{name}.yaml").read_text())


def told(report) -> str:
    return "\n".join(str(problem) for problem in report.problems)


# -- the signature -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [0, 2048])
def test_a_signed_list_is_believed(ca, bits):
    signer = ca.issue("Bo", rsa_bits=bits)
    text = image_list(signer, ca)
    content, who = verified(signer.sign(text), ca.trust(), NOW)
    assert payload(content).replace(b"\r\n", b"\n") == text
    assert (who.subject, who.issuer) == ("/C=ES/O=Tides/CN=Bo", "/C=ES/O=Tides/CN=Test CA")


def test_an_authority_below_the_trusted_one_will_do_when_its_certificate_comes_along(ca):
    from reconciler.exchange.imagelist import sign

    below = ca.issue("Below", authority=True)
    signer = below.issue("Cy")
    message = sign(b"{}\n", signer.pem + below.pem, signer.key_pem)
    assert verified(message, ca.trust(), NOW)[1].issuer == below.subject
    with pytest.raises(SignatureFault, match="vouched for by nobody"):
        verified(signer.sign(b"{}\n"), ca.trust(), NOW)


def test_somebody_who_is_no_authority_vouches_for_nobody(ca, ana):
    from reconciler.exchange.imagelist import sign

    guest = ana.issue("Guest")
    with pytest.raises(SignatureFault, match="vouched for by nobody"):
        verified(sign(b"{}\n", guest.pem + ana.pem, guest.key_pem), ca.trust(), NOW)


def test_a_changed_list_is_not_believed(ca, ana):
    message = ana.sign(image_list(ana, ca)).replace(b"abab", b"cdcd", 1)
    with pytest.raises(SignatureFault, match="has been changed"):
        verified(message, ca.trust(), NOW)


def test_a_signature_of_another_list_is_not_believed(ca, ana):
    one, other = ana.sign(b'{"a": 1}\n'), ana.sign(b'{"a": 2}\n')
    boundary = lambda message: message.split(b'boundary="')[1].split(b'"')[0]  # noqa: E731
    head, _, _ = one.rpartition(b"--" + boundary(one) + b"\n")
    mixed = head + b"--" + boundary(one) + b"\n" + other.split(b"--" + boundary(other))[2].lstrip() + b"--"
    with pytest.raises(SignatureFault):
        verified(mixed, ca.trust(), NOW)


def test_a_list_of_somebody_nobody_vouches_for_is_not_believed(ca):
    stranger = authority("Test CA").issue("Ana Endorser")  # by the same names
    with pytest.raises(SignatureFault, match="vouched for by nobody"):
        verified(stranger.sign(b"{}\n"), ca.trust(), NOW)


def test_a_certificate_that_is_over_is_not_believed(ca):
    late = ca.issue("Late", days=-1)
    with pytest.raises(SignatureFault, match="vouched for by nobody"):
        verified(late.sign(b"{}\n"), ca.trust(), NOW)


def test_a_revoked_certificate_is_not_believed_and_others_still_are(ca, ana):
    gone = ca.issue("Gone")
    crl = ca.revoke(gone)
    with pytest.raises(SignatureFault, match="is revoked"):
        verified(gone.sign(b"{}\n"), ca.trust(crl), NOW)
    assert verified(ana.sign(b"{}\n"), ca.trust(crl), NOW)
    with pytest.raises(SignatureFault, match="out of date"):
        verified(ana.sign(b"{}\n"), ca.trust(crl), NOW + timedelta(days=60))


def test_an_endorser_may_be_trusted_by_itself(ana, ca):
    assert verified(ana.sign(b"{}\n"), ana.trust(), NOW)
    own = authority("Test endorser")
    assert verified(own.sign(b"{}\n"), own.trust(), NOW)[1].subject == own.subject
    with pytest.raises(SignatureFault, match="not valid now"):
        verified(ana.sign(b"{}\n"), ana.trust(), NOW + timedelta(days=400))


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "no signed message"),
        (b"Content-Type: text/plain\n\nhello", "no signed message"),
        (b'Content-Type: multipart/signed; boundary="x"\n\n--x\n{}\n', "cut short"),
        (b'Content-Type: multipart/signed; boundary="x"\n\n--x\n{}\n--x\n\nAAAA\n--x--\n', "cannot be read"),
        (b'Content-Type: multipart/signed; boundary="x"\n\n--x\n{}\n--x\n\n*\n--x--\n', "not base64"),
    ],
)
def test_what_is_no_signed_message_is_said_to_be_none(ca, message, why):
    with pytest.raises(SignatureFault, match=why):
        verified(message, ca.trust(), NOW)


def test_whatever_happens_to_a_message_on_its_way_it_is_read_as_it_was_signed_or_not_at_all(ca, ana):
    text = image_list(ana, ca)
    message, chance = ana.sign(text), random.Random(7)
    for _ in range(600):
        damaged = bytearray(message)
        for _ in range(chance.choice((1, 1, 2, 5))):
            at = chance.randrange(len(damaged))
            if chance.random() < 0.5:
                damaged[at] = chance.randrange(256)
            else:
                del damaged[at : at + chance.randrange(1, 50)]
        try:
            content, signer = verified(bytes(damaged), ca.trust(), NOW)
        except SignatureFault:
            continue
        assert payload(content).replace(b"\r\n", b"\n") == text
        assert signer.subject == ana.subject


def test_trust_is_read_from_folders_with_their_crls(ca, ana, tmp_path):
    gone = ca.issue("Gone")
    (tmp_path / "abc.0").write_bytes(ca.pem)
    (tmp_path / "abc.r0").write_bytes(ca.revoke(gone))
    (tmp_path / "abc.info").write_text("alias = Test CA\n")
    trust = Trust.of([tmp_path])
    assert verified(ana.sign(b"{}\n"), trust, NOW)
    with pytest.raises(SignatureFault, match="revoked"):
        verified(gone.sign(b"{}\n"), trust, NOW)
    with pytest.raises(SignatureFault, match="no certificate"):
        Trust.of([tmp_path / "abc.info"])
    with pytest.raises(SignatureFault, match="cannot be read"):
        Trust.of([tmp_path / "nothing"])


@pytest.mark.parametrize("more", [(), ("-text",), ("-binary",), ("-nodetach",)])
def test_what_openssl_signs_is_believed(ca, tmp_path, openssl, more):
    signer = ca.issue("Ana Endorser", rsa_bits=2048)
    (tmp_path / "list").write_bytes(image_list(signer, ca))
    (tmp_path / "cert").write_bytes(signer.pem)
    (tmp_path / "key").write_bytes(signer.key_pem)
    words = ["openssl", "smime", "-sign", "-md", "sha256", "-in", "list", "-signer", "cert", "-inkey", "key", *more]
    message = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    report = take_in(message, tmp_path / "manifests", ca)
    assert not report.problems
    assert report.images == 1


def test_what_is_signed_here_openssl_believes_and_sha1_is_refused(ca, ana, tmp_path, openssl):
    (tmp_path / "ca").write_bytes(ca.pem)
    (tmp_path / "message").write_bytes(ana.sign(image_list(ana, ca)))
    words = ["openssl", "smime", "-verify", "-CAfile", "ca", "-in", "message", "-purpose", "any", "-no_check_time"]
    assert subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout.startswith(b"{")
    signer = ca.issue("Old", rsa_bits=2048)
    (tmp_path / "cert").write_bytes(signer.pem)
    (tmp_path / "key").write_bytes(signer.key_pem)
    words = ["openssl", "smime", "-sign", "-md", "sha1", "-in", "ca", "-signer", "cert", "-inkey", "key"]
    weak = subprocess.run(words, cwd=tmp_path, check=True, capture_output=True).stdout
    with pytest.raises(SignatureFault, match="sha1, which is not good enough"):
        verified(weak, ca.trust(), NOW)


# -- what it says ------------------------------------------------------------------------------------------------------


def test_a_list_becomes_images_that_the_vo_endorses(ca, ana, tmp_path):
    report = take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    assert not report.problems
    assert (report.images, report.endorser) == (1, "/C=ES/O=Tides/CN=Ana Endorser")
    assert report.created == ("images/tide-model.yaml", f"vos/{VO}.yaml")
    spec = manifest(tmp_path, "Image", "tide-model")["spec"]
    assert spec["checksum"] == {"sha512": "ab" * 64}
    assert spec["system"] == {"type": "linux", "distribution": "Debian", "version": "12", "architecture": "x86_64"}
    assert (spec["minimum"], spec["recommended"]) == ({"memoryMiB": 512, "cores": 1}, {"memoryMiB": 1024, "cores": 4})
    assert (spec["format"], spec["sizeBytes"], spec["version"]) == ("qcow2", 121243136, "3")
    assert str(spec["expires"]).startswith("2027-04-01")
    assert spec["list"] == {
        "identifier": "76fdee70-8119-5d33-aaaa-3c57e1c60df1",
        "version": "20261001.1",
        "endorser": "/C=ES/O=Tides/CN=Ana Endorser",
        "authority": "/C=ES/O=Tides/CN=Test CA",
    }
    assert manifest(tmp_path, "VO", VO)["spec"]["images"] == [{"name": "tide-model"}]


def test_a_second_import_changes_nothing(ca, ana, tmp_path):
    message = ana.sign(image_list(ana, ca))
    take_in(message, tmp_path, ca)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    report = take_in(message, tmp_path, ca)
    assert (report.created, report.changed) == ((), ())
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}


def test_the_list_has_the_say_in_its_fields_and_people_in_all_others(ca, ana, tmp_path):
    take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    path = tmp_path / "images/tide-model.yaml"
    text = (
        path.read_text().replace("version: '3'", "version: '9' # mine").replace('version: "3"', "version: '9' # mine")
    )
    path.write_text(text + "  visibility: shared # because\n")
    newer = image_list(
        ana, ca, [image(**{"hv:version": "4", "sl:checksum:sha512": "cd" * 64})], **{"hv:version": "20261002.1"}
    )
    report = take_in(ana.sign(newer), tmp_path, ca)
    assert report.changed == ("images/tide-model.yaml",)
    spec = manifest(tmp_path, "Image", "tide-model")["spec"]
    assert (spec["version"], spec["checksum"]["sha512"], spec["visibility"]) == ("4", "cd" * 64, "shared")
    assert "# because" in path.read_text()


def test_what_a_newer_list_has_dropped_is_withdrawn_and_what_comes_back_is_not(ca, ana, tmp_path):
    other = image(**{"dc:identifier": "0000-other", "dc:title": "Other"})
    take_in(ana.sign(image_list(ana, ca, [image(), other])), tmp_path, ca)
    less = image_list(ana, ca, [image()], **{"hv:version": "20261002.1"})
    assert take_in(ana.sign(less), tmp_path, ca).withdrawn == ("other",)
    assert manifest(tmp_path, "Image", "other")["spec"]["withdrawn"].startswith("no longer in the image list")
    again = image_list(ana, ca, [image(), other], **{"hv:version": "20261003.1"})
    assert take_in(ana.sign(again), tmp_path, ca).withdrawn == ()
    assert "withdrawn" not in manifest(tmp_path, "Image", "other")["spec"]


def test_an_older_list_is_not_taken_in_again(ca, ana, tmp_path):
    take_in(ana.sign(image_list(ana, ca, **{"hv:version": "20261010.1"})), tmp_path, ca)
    report = take_in(ana.sign(image_list(ana, ca, **{"hv:version": "20261009.9"})), tmp_path, ca)
    assert "version 20261010.1 was taken in" in told(report)
    assert report.images == 0


def test_an_image_that_is_known_keeps_the_name_that_people_gave_it(ca, ana, tmp_path):
    take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    path = tmp_path / "images/tide-model.yaml"
    path.write_text(path.read_text().replace("name: tide-model", "name: model"))
    report = take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    assert report.created == ()
    assert {"name": "model"} in manifest(tmp_path, "VO", VO)["spec"]["images"]


def test_two_images_by_one_title_have_two_names(ca, ana, tmp_path):
    images = [image(), image(**{"dc:identifier": "99999999-8a5c"})]
    take_in(ana.sign(image_list(ana, ca, images)), tmp_path, ca)
    assert sorted(p.stem for p in (tmp_path / "images").iterdir()) == ["tide-model", "tide-model-99999999"]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"dc:date:expires": "2026-10-15T00:00:00Z"}, "the list has expired on 2026-10-15"),
        ({"dc:date:expires": "soon"}, "'soon' is not a date"),
        ({"dc:identifier": None}, "the list has no identifier"),
        ({"ad:vo": "vo.other.example.org"}, "of the VO vo.other.example.org, not of vo.tides.example.org"),
        ({"hv:endorser": {"hv:x509": {"hv:dn": "/CN=Zoe", "hv:ca": "/C=ES/O=Tides/CN=Test CA"}}}, "names '/CN=Zoe'"),
        ({"hv:endorser": None}, "the list names None"),
        ({"hv:endorser": "Ana"}, "the list names None"),
    ],
)
def test_a_list_that_must_not_be_believed_is_taken_in_not_at_all(ca, ana, tmp_path, more, why):
    report = take_in(ana.sign(image_list(ana, ca, **more)), tmp_path, ca)
    assert why in told(report)
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_another_endorser_signed_is_not_taken_in(ca, ana, tmp_path):
    bo = ca.issue("Bo")
    assert "signed it is by /C=ES/O=Tides/CN=Bo" in told(take_in(bo.sign(image_list(ana, ca)), tmp_path, ca))
    report = take_in(bo.sign(image_list(bo, ca)), tmp_path, ca, endorser=ana.subject)
    assert "signed by /C=ES/O=Tides/CN=Bo, not by /C=ES/O=Tides/CN=Ana Endorser" in told(report)
    assert list(tmp_path.iterdir()) == []


def test_another_endorser_takes_a_list_over_only_where_that_is_said(ca, ana, tmp_path):
    """Anybody may have a certificate of a trusted authority, and name himself in a list."""
    take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    bo = ca.issue("Bo")
    theirs = bo.sign(image_list(bo, ca, [image(**{"hv:uri": "https://evil.example.org/x.qcow2"})]))
    assert "was endorsed by /C=ES/O=Tides/CN=Ana Endorser" in told(take_in(theirs, tmp_path, ca))
    assert manifest(tmp_path, "Image", "tide-model")["spec"]["url"].startswith("https://appdb.")
    assert not take_in(theirs, tmp_path, ca, endorser=bo.subject).problems


def test_an_image_of_another_list_or_of_nobodys_is_not_written_over(ca, ana, tmp_path):
    take_in(ana.sign(image_list(ana, ca)), tmp_path, ca)
    bo = ca.issue("Bo")
    report = take_in(bo.sign(image_list(bo, ca, **{"dc:identifier": "another"})), tmp_path, ca)
    assert "is of the list 76fdee70-8119-5d33-aaaa-3c57e1c60df1: left as it is" in told(report)
    path = tmp_path / "images/tide-model.yaml"
    data = yaml.safe_load(path.read_text())
    del data["spec"]["list"]
    path.write_text(yaml.safe_dump(data))
    assert "declared by hand" in told(take_in(ana.sign(image_list(ana, ca)), tmp_path, ca))


def test_an_unsigned_list_is_taken_in_only_where_nobody_wants_a_signature(ca, ana, tmp_path):
    text = image_list(ana, ca)
    assert "it is not signed" in told(take_in(text, tmp_path, ca))
    assert take_in(text, tmp_path, ca, trust=None).images == 1
    assert take_in(ana.sign(text), tmp_path / "signed", ca, trust=None).images == 1


@pytest.mark.parametrize(
    ("more", "path", "why"),
    [
        ({"hv:uri": None}, "hv:images[1].hv:uri", "hv:uri is missing"),
        ({"hv:uri": "ftp://x/y"}, "hv:images[1].url", "not a http or https URL"),
        ({"sl:checksum:sha512": None}, "hv:images[1].sl:checksum:sha512", "there is no checksum"),
        ({"sl:checksum:sha512": "xyz"}, "hv:images[1].checksum.sha512", "pattern"),
        ({"hv:format": "floppy"}, "hv:images[1].hv:format", "not a format"),
        ({"hv:ram_minimum": "much"}, "hv:images[1].hv:ram_minimum", "not a number"),
        ({"dc:date:expires": "2026-09-01T00:00:00Z"}, "hv:images[1].dc:date:expires", "expire before it was made"),
    ],
)
def test_a_faulty_image_is_told_of_and_all_others_are_taken_in(ca, ana, tmp_path, more, path, why):
    images = [
        image(),
        image(**{"dc:identifier": "bad", "dc:title": "Bad", **more}),
        image(**{"dc:identifier": "c", "dc:title": "C"}),
    ]
    report = take_in(ana.sign(image_list(ana, ca, images)), tmp_path, ca)
    assert report.images == 2
    (problem,) = report.problems
    assert problem.path == path
    assert why in problem.message


@pytest.mark.parametrize("text", [b"[]", b'{"hv:imagelist": []}', b'{"hv:imagelist": "x"}', b"{", b'{"x": 1}', b""])
def test_what_is_no_list_is_said_to_be_none(ana, ca, tmp_path, text):
    for message, trust in ((ana.sign(text), ca.trust()), (text, None)):
        assert take_in(message, tmp_path, ca, trust=trust).problems


@pytest.mark.parametrize("images", [{"a": 1}, "x", [1], [{"hv:image": []}], [{"hv:image": {"hv:uri": {}}}]])
def test_images_that_are_none_are_told_of(ana, ca, tmp_path, images):
    text = image_list(ana, ca, **{"hv:images": images})
    assert take_in(ana.sign(text), tmp_path, ca).problems


def test_every_fault_of_every_image_is_collected(ca, ana, tmp_path):
    images = [image(**{"dc:identifier": str(n), "dc:title": str(n), "hv:uri": None}) for n in range(3)]
    assert len(take_in(ana.sign(image_list(ana, ca, images)), tmp_path, ca).problems) == 3


def test_what_is_endorsed_for_more_than_a_year_is_taken_in_for_a_year(ca, ana, tmp_path):
    text = image_list(ana, ca, **{"dc:date:expires": "2029-01-01T00:00:00Z"})
    report = take_in(ana.sign(text), tmp_path, ca)
    assert "more than a year: taken in until 2027-10-02" in str(report.findings[0])
    assert str(manifest(tmp_path, "Image", "tide-model")["spec"]["expires"]).startswith("2027-10-02")
