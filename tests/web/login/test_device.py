"""hanse login from a terminal: the device flow against a real provider, what is kept of it, and what it is good for."""

from __future__ import annotations

import json
import re
import stat
import threading

import pytest

from reconciler.cli import main
from reconciler.errors import Transient
from reconciler.web.oidc import Refused
from reconciler.web.oidc.device import Client, Device
from tests.real.oidc import STRANGER, TIDES

SCOPES = ("openid", "voperson_id", "eduperson_entitlement")


@pytest.fixture
def device(oidc):
    now = [1_000_000.0]
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        now[0] += seconds

    return Device(Client(oidc.url, "hanse-cli", SCOPES), lambda: now[0], sleep), waits


def test_a_person_finishes_elsewhere_and_tokens_are_brought_up_again(device, oidc, entered):
    one, waits = device
    asked = one.ask()
    assert asked.user_code in asked.complete
    oidc.complete(asked.complete, TIDES)
    tokens = one.wait(asked)
    assert waits == [1.0]
    assert entered.get("/api/v1/whoami", tokens.access).json()["identity"] == TIDES
    again = one.again(tokens)
    assert again.access != tokens.access
    assert entered.get("/api/v1/whoami", again.access).status_code == 200


def test_who_never_finishes_is_waited_for_until_the_end(device):
    one, waits = device
    asked = one.ask()
    with pytest.raises(Refused, match="took too long"):
        one.wait(asked)
    assert sum(waits) >= 600


@pytest.mark.parametrize(
    ("said", "waited"),
    [
        (
            [Refused("", "authorization_pending"), Refused("", "slow_down"), Refused("", "authorization_pending")],
            [1, 1, 6, 6],
        ),
        ([Transient("busy")], [1, 6]),
    ],
)
def test_it_asks_as_often_as_it_is_told_to(device, monkeypatch, said, waited):
    one, waits = device
    asked = one.ask()
    answers = iter([*said, "done"])

    def given(_self, _form):
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(Device, "_given", given)
    assert one.wait(asked) == "done"
    assert waits == waited


def test_the_commands_log_in_say_who_one_is_and_log_out(entered, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    finished = []

    def watching(text):
        found = re.search(r"Go to (\S+) and enter", text)
        if found:
            finished.append(threading.Thread(target=entered.provider.complete, args=(found[1], TIDES)))
            finished[0].start()

    with monkeypatch.context() as patch:
        patch.setattr("reconciler.cli.console.say", watching)
        assert main(["login", entered.url]) == 0
    finished[0].join()
    file = tmp_path / "hanse" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    capsys.readouterr()
    assert main(["whoami", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["identity"], told["server"], told["reads"]) == (TIDES, entered.url, True)
    kept = json.loads(file.read_text())
    old = kept[entered.url]["access"]
    kept[entered.url]["until"] = 0
    file.write_text(json.dumps(kept))
    assert main(["remote", "parts"]) == 0
    assert "nobody's word" in capsys.readouterr().out
    assert json.loads(file.read_text())[entered.url]["access"] != old
    assert main(["remote", "pause", "namespace:tides", "--reason", "x"]) == 1
    assert "may not hold namespace:tides" in capsys.readouterr().err
    file.chmod(0o644)
    assert main(["whoami"]) == 1
    assert "can be read by others" in capsys.readouterr().err
    file.chmod(0o600)
    assert main(["logout"]) == 0
    assert main(["whoami"]) == 1
    said = capsys.readouterr()
    assert "you are not logged in" in said.err
    assert old not in said.out + said.err


def test_a_token_is_sent_to_no_other_server_and_never_in_the_clear(entered, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hanse").mkdir()
    row = {"issuer": entered.provider.url, "client_id": "hanse-cli", "scopes": [], "refresh": "", "until": 9e9}
    (tmp_path / "hanse" / "logins.json").write_text(
        json.dumps({entered.url: {**row, "access": entered.provider.token(STRANGER)}})
    )
    (tmp_path / "hanse" / "logins.json").chmod(0o600)
    for wrong in ("http://hanse.example.org", "https://user@hanse.example.org", "https://other.example.org"):
        assert main(["whoami", "--server", wrong]) == 1
    assert "not logged in to https://other.example.org" in capsys.readouterr().err
    assert main(["whoami"]) == 0
    assert "may not look" in capsys.readouterr().out
