"""Values of a real OpenBao."""

from __future__ import annotations

import pytest

from reconciler.drivers.secrets import Secrets
from reconciler.errors import Terminal, Transient
from reconciler.model import SecretRef
from reconciler.ports.secrets import OpenBaoOptions, SopsOptions

VALUE = "a-value-out-of-the-bao"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def reader(address: str, clock=None, environment=None, **login) -> Secrets:
    options = OpenBaoOptions.model_validate({"address": address, **login}, strict=False)
    return Secrets(environment or {}, lambda _path: b"", SopsOptions(), options, clock or Clock())


def named(path: str, key: str = "key") -> SecretRef:
    return SecretRef.model_validate({"openbao": {"path": path, "key": key}})


def by_token(openbao, *paths: str, clock=None) -> Secrets:
    return reader(openbao.url, clock, {"BAO": openbao.token(*paths)}, token={"env": "BAO"})


def test_a_value_is_read_with_a_token_out_of_the_environment(openbao) -> None:
    openbao.put("tides/dns", key=VALUE, other="x")
    assert by_token(openbao, "tides/*").read(named("tides/dns")) == VALUE


def test_a_value_is_read_by_approle_and_the_login_lasts_for_its_lease(openbao, tmp_path) -> None:
    openbao.put("tides/app", key=VALUE)
    role, secret = openbao.approle("tides/app")
    (tmp_path / "secret-id").write_text(f"{secret}\n")
    clock = Clock()
    given = {"role_id": role, "secret_id": {"file": str(tmp_path / "secret-id")}}
    secrets = reader(openbao.url, clock, approle=given)
    assert secrets.read(named("tides/app")) == VALUE
    (tmp_path / "secret-id").unlink()
    clock.now += 60
    openbao.put("tides/app", key="replaced-since")
    assert secrets.read(named("tides/app")) == "replaced-since"
    clock.now += 3600
    with pytest.raises(Terminal, match="secret-id cannot be read"):
        secrets.read(named("tides/app"))


def test_a_value_is_read_with_a_token_of_an_openid_provider(openbao, tmp_path) -> None:
    import time

    from joserfc import jwt
    from joserfc.jwk import RSAKey

    openbao.put("tides/jwt", key=VALUE)
    key = RSAKey.generate_key(2048, {"kid": "one"})
    openbao.client.sys.enable_auth_method("jwt")
    auth = openbao.client.auth.jwt
    auth.configure(jwt_validation_pubkeys=[key.as_pem(private=False).decode()])
    auth.create_role(
        "hanse", "sub", [], bound_audiences=["bao"], role_type="jwt", token_policies=[openbao.policy("tides/*")]
    )

    def token(audience: str) -> str:
        now = int(time.time())
        said = {"sub": "hanse", "aud": audience, "iat": now, "nbf": now - 60, "exp": now + 600}
        return jwt.encode({"alg": "RS256", "kid": "one"}, said, key)

    login = {"role": "hanse", "token": {"env": "JWT"}}
    assert reader(openbao.url, None, {"JWT": token("bao")}, jwt=login).read(named("tides/jwt")) == VALUE
    wrong = token("somebody else")
    with pytest.raises(Terminal, match=r"refuses the login by jwt: check \[openbao.jwt\]") as caught:
        reader(openbao.url, None, {"JWT": wrong}, jwt=login).read(named("tides/jwt"))
    assert wrong not in str(caught.value)


def test_denied_missing_deleted_and_no_such_key_are_told_apart(openbao) -> None:
    openbao.put("tides/here", key=VALUE)
    openbao.put("tides/gone", key=VALUE)
    openbao.put("ocean/dns", key=VALUE)
    openbao.client.secrets.kv.v2.delete_latest_version_of_secret("tides/gone", mount_point="secret")
    secrets = by_token(openbao, "tides/*")
    for path, key, said in (
        (
            "ocean/dns",
            "key",
            "does not let the reconciler read secret/ocean/dns: its policy must allow read on secret/data/",
        ),
        ("tides/none", "key", "nothing at secret/tides/none"),
        ("tides/gone", "key", "nothing at secret/tides/gone in OpenBao, or it was deleted"),
        ("tides/here", "kee", "the value kee of secret/tides/here is not there"),
    ):
        with pytest.raises(Terminal, match=said) as caught:
            secrets.read(named(path, key))
        assert VALUE not in str(caught.value)


def test_a_token_that_does_not_hold_is_told_apart_from_a_policy(openbao) -> None:
    with pytest.raises(Terminal, match="token for OpenBao does not hold"):
        reader(openbao.url, None, {"BAO": "s.nobody-made-this-one"}, token={"env": "BAO"}).read(named("tides/dns"))


def test_a_login_that_was_revoked_is_made_anew(openbao) -> None:
    openbao.put("tides/revoked", key=VALUE)
    role, secret = openbao.approle("tides/revoked")
    clock = Clock()
    secrets = reader(openbao.url, clock, {"ID": secret}, approle={"role_id": role, "secret_id": {"env": "ID"}})
    secrets.read(named("tides/revoked"))
    openbao.client.auth.token.revoke(secrets._openbao._client.token)
    clock.now += 20
    assert secrets.read(named("tides/revoked")) == VALUE


def test_sealed_is_told_and_may_be_tried_again(openbao) -> None:
    secrets = by_token(openbao, "tides/*")
    openbao.put("tides/sealed", key=VALUE)
    openbao.client.sys.seal()
    try:
        with pytest.raises(Transient, match="secret/tides/sealed cannot be read: OpenBao at .* is sealed"):
            secrets.read(named("tides/sealed"))
    finally:
        openbao.client.sys.submit_unseal_key(openbao.unseal_key)
    assert secrets.read(named("tides/sealed")) == VALUE


def test_a_server_that_does_not_answer_may_be_tried_again() -> None:
    secrets = reader("http://127.0.0.1:1", None, {"BAO": "x"}, token={"env": "BAO"})
    with pytest.raises(Transient, match="OpenBao at http://127.0.0.1:1 does not answer"):
        secrets.read(named("tides/dns"))


def test_a_value_is_asked_for_once_in_a_moment_and_a_new_one_is_known_soon(openbao) -> None:
    openbao.put("tides/kept", key="first-value")
    clock = Clock()
    secrets = by_token(openbao, "tides/*", clock=clock)
    assert secrets.read(named("tides/kept")) == "first-value"
    openbao.put("tides/kept", key="second-value")
    assert secrets.read(named("tides/kept")) == "first-value"
    clock.now += 20
    assert secrets.read(named("tides/kept")) == "second-value"


@pytest.mark.parametrize("path", ["../sys/mounts", "a/../../sys", "/a", "a//b", "a?b", "a#b", "a/.", "%2e%2e/x"])
def test_a_path_that_leads_out_of_the_store_is_no_reference(path) -> None:
    with pytest.raises(ValueError, match="pattern"):
        named(path)


def test_the_login_cannot_come_from_the_store_itself() -> None:
    told = {"address": "https://bao.example.org", "token": {"openbao": {"path": "a", "key": "b"}}}
    with pytest.raises(ValueError, match="cannot come from OpenBao"):
        OpenBaoOptions.model_validate(told)
