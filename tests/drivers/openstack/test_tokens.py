"""Access tokens: kept by somebody else, or asked for at an issuer and renewed in time. The issuer is a real server."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.drivers.openstack.options import Options
from reconciler.drivers.openstack.tokens import AccessTokens, expiry
from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef
from tests.drivers.openstack.issuer import NOW, Issuer, jwt


class Tokens(AccessTokens):
    """With a clock and secrets of the test's own."""

    def __init__(self, secrets: dict[str, str], **options: Any) -> None:
        self.now = NOW
        given = Options(endpoint="http://127.0.0.1:9/v3", project_id="p", **options)
        super().__init__(given, lambda reference: secrets[reference.env or ""], lambda: self.now)


def of_issuer(issuer: Issuer, secrets: dict[str, str], **more: Any) -> Tokens:
    asked = {"url": issuer.url, "client_id": "hanse", "client_secret": SecretRef(env="SECRET"), **more}
    return Tokens(secrets, issuer=asked)


def test_the_expiry_is_read_from_the_token_itself() -> None:
    assert expiry(jwt(12.0)) == 12.0
    assert expiry("opaque") is None
    assert expiry("a.b.c") is None


def test_a_token_that_somebody_keeps_fresh_is_read_anew_when_it_runs_out() -> None:
    secrets = {"TOKEN": jwt(NOW + 3600, 1)}
    tokens = Tokens(secrets, access_token=SecretRef(env="TOKEN"))
    assert tokens.current() == secrets["TOKEN"]
    first, secrets["TOKEN"] = secrets["TOKEN"], jwt(NOW + 7200, 2)
    assert tokens.current() == first, "it lasts"
    tokens.now = NOW + 3600 - 299
    assert tokens.current() == secrets["TOKEN"]


def test_a_token_that_has_expired_is_said_to_have() -> None:
    tokens = Tokens({"TOKEN": jwt(NOW - 60)}, access_token=SecretRef(env="TOKEN"))
    with pytest.raises(Terminal, match="in the environment variable TOKEN has expired 60 s ago: renew it"):
        tokens.current()


def test_a_token_that_was_refused_is_not_offered_again() -> None:
    secrets = {"TOKEN": jwt(NOW + 3600)}
    tokens = Tokens(secrets, access_token=SecretRef(env="TOKEN"))
    with pytest.raises(Terminal, match="is not accepted"):
        tokens.current(refused=tokens.current())


def test_the_client_s_own_right_is_enough_and_a_token_is_used_as_long_as_it_lasts(issuer) -> None:
    tokens = of_issuer(issuer, {"SECRET": "s3cret"})
    first = tokens.current()
    tokens.now = NOW + 3600 - 300
    assert tokens.current() == first
    tokens.now = issuer.now = NOW + 3600 - 299
    assert tokens.current() != first
    assert [form["grant_type"] for form in issuer.forms] == [["client_credentials"]] * 2


def test_a_refresh_token_that_the_issuer_replaces_is_followed(issuer) -> None:
    tokens = of_issuer(issuer, {"SECRET": "s3cret", "REFRESH": "refresh-0"}, refresh_token=SecretRef(env="REFRESH"))
    for hours in range(3):
        tokens.now = issuer.now = NOW + hours * 3600
        tokens.current()
    assert [form["refresh_token"] for form in issuer.forms] == [["refresh-0"], ["refresh-1"], ["refresh-2"]]


def test_a_secret_that_the_issuer_does_not_take_is_named_and_not_told(issuer) -> None:
    with pytest.raises(Terminal, match="invalid_client no: the client secret in the environment variable SECRET") as e:
        of_issuer(issuer, {"SECRET": "hunter2"}).current()
    assert "hunter2" not in str(e.value)


def test_an_issuer_that_is_down_is_asked_again_later(issuer) -> None:
    issuer.status = 503
    with pytest.raises(Transient, match="503"):
        of_issuer(issuer, {"SECRET": "s3cret"}).current()
    with pytest.raises(Transient, match="cannot be reached"):
        Tokens({}, issuer={"token_endpoint": "http://127.0.0.1:9/token", "client_id": "hanse"}).current()
