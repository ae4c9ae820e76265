"""What is believed of a token: against a real provider that behaves as Check-in does."""

from __future__ import annotations

import base64
import hmac
import json
import time

import pytest
from joserfc.jwk import RSAKey

from reconciler.errors import Transient
from reconciler.settings import OidcSettings
from reconciler.web.oidc import People, Refused
from tests.real.oidc import STRANGER, TIDES, WAVES, oidc  # noqa: F401

TIDES_MAY = "urn:mace:egi.eu:group:tides:role=manager#aai.egi.eu"


def people(url, *, readers=(), now=time.time, **issuer):
    one = {"issuer": url, "client_id": "hanse", "device_client_id": "hanse-cli", **issuer}
    settings = OidcSettings.model_validate({"issuers": [one], "readers": readers}, strict=False)
    return People(settings, lambda ref: "", now=now)


@pytest.fixture
def known(oidc):  # noqa: F811
    return people(oidc.url)


def test_identity_is_the_voperson_id_and_rights_come_from_userinfo(known, oidc):  # noqa: F811
    who = known.bearer(oidc.token(TIDES))
    assert (who.proof, who.identity, who.issuer, who.name) == ("oidc", TIDES, oidc.url, "Tim Tides")
    assert who.entitlements == {TIDES_MAY}
    assert known.bearer(oidc.token(STRANGER)).entitlements == frozenset()


WRONG = {
    "it is over": {"exp": 1_700_000_000},
    "it has no end": {"exp": None},
    "its end is no number": {"exp": "2099"},
    "it is not good yet": {"nbf": 4_000_000_000},
    "another issuer made it": {"iss": "https://evil.example"},
    "it is for somebody else": {"aud": "another"},
    "it is for several others": {"aud": ["one", "two"]},
    "its audience is nonsense": {"aud": {"hanse": 1}},
    "another client asked for it": {"azp": "another"},
    "nobody asked for it": {"azp": None},
    "it is nobody's": {"sub": None},
    "it is an ID token": {"typ": "ID", "aud": "hanse"},
    "the provider knows nobody of that name": {"sub": "nobody"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
def test_a_wrong_token_is_refused(known, oidc, claims):  # noqa: F811
    with pytest.raises(Refused):
        known.bearer(oidc.token(TIDES, **claims))


def part(data):
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def test_what_nobody_or_somebody_else_has_signed_is_refused(known, oidc):  # noqa: F811
    good = oidc.token(TIDES)
    header, claims, signature = good.split(".")
    foreign = RSAKey.generate_key(2048, {"kid": oidc.keys[oidc.signing].kid})
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    shared = f"{part({'alg': 'HS256', 'kid': oidc.keys[oidc.signing].kid})}.{claims}"
    mac = hmac.digest(oidc.keys[oidc.signing].as_pem(private=False), shared.encode(), "sha256")
    forged = (
        f"{part({'alg': 'none'})}.{claims}.",
        f"{part({'alg': 'none', 'kid': oidc.keys[0].kid})}.{claims}.{signature}",
        f"{header}.{part({**said, 'sub': WAVES})}.{signature}",
        f"{shared}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        oidc.token(TIDES, key=foreign),
        "a.b.c",
        "....",
        "é.é.é",
        good + "A" * 20_000,
    )
    for token in forged:
        with pytest.raises(Refused):
            known.bearer(token)
    assert known.bearer(good).identity == TIDES


def test_rights_are_asked_for_once_and_again_when_they_have_aged(oidc):  # noqa: F811
    now = [time.time()]
    known = people(oidc.url, now=lambda: now[0])
    token, before = oidc.token(TIDES, exp=int(now[0]) + 3600), oidc.counts()["userinfo"]
    for _ in range(3):
        known.bearer(token)
    assert oidc.counts()["userinfo"] == before + 1
    now[0] += 601
    known.bearer(token)
    assert oidc.counts()["userinfo"] == before + 2
    now[0] += 3600
    with pytest.raises(Refused, match="exp"):
        known.bearer(token)


def test_keys_may_change_and_nonsense_does_not_make_us_ask_for_ever(oidc):  # noqa: F811
    clock = [0.0]
    known = people(oidc.url)
    issuer = known.issuers[oidc.url]
    issuer.clock = lambda: clock[0]
    known.bearer(oidc.token(TIDES))
    oidc.rotate()
    clock[0] += 10
    assert known.bearer(oidc.token(WAVES)).identity == WAVES
    before = oidc.counts()["jwks"]
    stranger = RSAKey.generate_key(2048, {"kid": "unheard of"})
    for _ in range(5):
        with pytest.raises(Refused):
            known.bearer(oidc.token(TIDES, key=stranger))
    assert oidc.counts()["jwks"] <= before + 1


def test_an_audience_or_a_client_may_be_allowed(oidc):  # noqa: F811
    known = people(oidc.url, audiences=["https://hanse.example"], clients=["oidc-agent"])
    assert known.bearer(oidc.token(TIDES, aud=["x", "https://hanse.example"], azp="any")).identity == TIDES
    assert known.bearer(oidc.token(TIDES, azp="oidc-agent")).identity == TIDES


def test_an_issuer_that_does_not_answer_is_no_refusal():
    known = people("http://127.0.0.1:9")
    token = f"{part({'alg': 'RS256', 'kid': 'x'})}.{part({'iss': 'http://127.0.0.1:9'})}.AA"
    with pytest.raises(Transient) as told:
        known.bearer(token)
    assert token not in str(told.value)


def test_who_may_look_is_said_by_patterns(oidc):  # noqa: F811
    tim, sam = (people(oidc.url).bearer(oidc.token(one)) for one in (TIDES, STRANGER))
    for readers, tims, sams in (
        ((), False, False),
        (("*",), True, True),
        (("urn:mace:egi.eu:group:tides",), True, False),
        (("urn:mace:egi.eu:group:tides:role=manager#anybody.else",), True, False),
        (("urn:mace:egi.eu:group:*",), True, False),
        (("urn:mace:egi.eu:group:waves",), False, False),
    ):
        known = people(oidc.url, readers=readers)
        assert (known.reads(tim), known.reads(sam)) == (tims, sams), readers
