"""A secret of every source, used by everything that uses secrets, before servers that echo what they are sent: after a
loop has run, none of them stands in a plan, log, row, file, page, answer, metric or error."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from tests.e2e.test_line import CLUSTER, SITE, VO
from tests.house import commit
from tests.real.answering import answering
from tests.real.bind import WRITER, bind
from tests.real.secrets import openbao, sops
from tests.real.waiting import PATIENCE, until

__all__ = ["bind", "openbao", "sops"]

FORGE, STORAGE, VARIABLE = "canary-forge/5f2e+d1c0", "canary-storage-77aa", 'canary "variable" 91bb & co'
HOOK, PROBE, PAGE, POST = (
    "canary-hook-3e4d5c6b",
    "canary-probe-0a9b8c7d",
    "canary-page-c0ffee11",
    "canary-post-deadbeef",
)
POOL = """\
  storage:
    - name: pool
      type: disk
      protocol: https
      url: {url}/pool
      driver: webdav
      options: {{url: "{davs}/pool", ca: {ca}, token: {{sops: {{file: secrets/team.yaml, key: storage.token}}}}}}
"""
REST = """\
apiVersion: hanse/v1
kind: Replica
metadata: {{name: readme, namespace: team}}
spec: {{storage: {{site: ALPHA, name: pool}}, path: a.txt, size: 3, source: "data:,abc"}}
---
apiVersion: hanse/v1
kind: DNSRecord
metadata: {{name: www, namespace: team}}
spec: {{zone: {zone}, name: www, ttl: 300, values: [192.0.2.1]}}
---
apiVersion: hanse/v1
kind: MetricTemplate
metadata: {{name: org.x.Tell}}
spec:
  probe: tell
  config: {{interval: 1, maxCheckAttempts: 1, retryInterval: 1, path: /usr/lib64/nagios/plugins, timeout: 9}}
  attribute: [{{name: X_TOKEN, value: --token}}]
---
apiVersion: hanse/v1
kind: Probe
metadata: {{name: tell, namespace: team}}
spec: {{target: {{services: {{type: webdav}}}}, template: org.x.Tell}}
"""
SETTINGS = """\
log = "debug"
[apply]
attempts = 1
[sops]
age_key_file = "{age}"
[openbao]
address = "{bao}"
token = {{ file = "{own}/bao-token" }}
[web]
token = {{ file = "{own}/page-token" }}
[forge]
kind = "gitea"
url = "{echo}"
repository = "a/b"
token = {{ env = "FORGE_TOKEN" }}
[[webhooks]]
name = "forge"
forge = "gitea"
secret = {{ openbao = {{ path = "team/hook", key = "secret" }} }}
[[notify]]
url = {{ file = "{own}/notify-url" }}
probes = "team/*"
[probes.secrets]
X_TOKEN = {{ openbao = {{ path = "team/probe", key = "token" }} }}
[targets."check:local"]
path = "{plugins}"
allow = ["tell"]
[targets."dns:{zone}"]
driver = "rfc2136"
server = "127.0.0.1"
port = {port}
key_name = "{writer}"
key = {{ sops = {{ file = "secrets/team.yaml", key = 'dns."{zone}"' }} }}
[[secrets]]
namespace = "team"
allow = ["openbao:secret/team/"]
[[secrets]]
resources = "Site/ALPHA"
allow = ["sops:secrets/team.yaml"]
"""


@pytest.fixture
def echo(tmp_path) -> Iterator[tuple[str, str, Path, list[str]]]:
    """Two servers, one with TLS, that answer everything with an error that repeats the request, and what it was sent."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
            said = f"{self.command} {self.path}\n{self.headers}\n{body}"
            seen.append(said)
            shown = json.dumps({"message": said}).encode()
            self.send_response(400, re.sub(r"[^ -~]", " ", str(self.headers.get("Authorization")))[:200])
            self.send_header("Content-Length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        do_GET = do_POST = do_PUT = do_PATCH = do_HEAD = do_PROPFIND = do_OPTIONS = do_MKCOL = _answer

        def log_message(self, *_: object) -> None:
            pass

    own = tmp_path / "tls"
    own.mkdir()
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", f"{own}/key.pem", "-out", f"{own}/cert.pem", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own / "cert.pem", own / "key.pem")
    plain, safe = (ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2))
    safe.socket = tls.wrap_socket(safe.socket, server_side=True)
    with answering(plain) as url, answering(safe):
        yield url, f"davs://localhost:{safe.server_port}", own / "cert.pem", seen


@pytest.fixture
def zone(bind):
    with bind.zone("canary.example.") as name:
        yield name


class Planted:
    """The federation, its sources outside of it, and everything that its commands have said."""

    def __init__(self, root: Path, own: Path) -> None:
        self.root, self.own, self.said = root, own, []
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("HANSE_")}
        self.environment |= {"FORGE_TOKEN": FORGE, "HANSE_DEBUG": "1", "PYTHONPATH": str(Path(__file__).parents[2])}

    def command(self, *words: str) -> list[str]:
        return [
            sys.executable,
            "-c",
            "import sys; from reconciler.cli import main; sys.exit(main())",
            "-C",
            str(self.root),
            *words,
        ]

    def hanse(self, *words: str) -> str:
        done = subprocess.run(
            self.command(*words), cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=600
        )
        self.said.append(f"hanse {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr


@pytest.fixture
def planted(tmp_path, bind, zone, openbao, sops, echo) -> Planted:
    root, own, plugins = tmp_path / "federation", tmp_path / "own", tmp_path / "plugins"
    for folder in (root, own, plugins):
        folder.mkdir()
    tsig = re.search(r'secret "([^"]+)"', bind.writer_key.read_text())[1]
    sops.encrypt(root / "secrets/team.yaml", {"dns": {zone: tsig}, "storage": {"token": STORAGE}})
    for path, key, value in (("hook", "secret", HOOK), ("probe", "token", PROBE), ("cluster", "password", VARIABLE)):
        openbao.put(f"team/{path}", **{key: value})
    (own / "bao-token").write_text(openbao.token("team/*"))
    (own / "page-token").write_text(PAGE)
    url, davs, ca, _ = echo
    (own / "notify-url").write_text(f"{url}/{POST}")
    (plugins / "tell").write_text(f'#!{sys.executable}\nimport sys\nprint("TELL CRITICAL", *sys.argv)\nsys.exit(2)\n')
    (plugins / "tell").chmod(0o755)
    told = {"age": sops.key_file, "bao": openbao.url, "own": own, "echo": url, "plugins": plugins, "zone": zone}
    (root / "hanse.toml").write_text(SETTINGS.format(**told, port=bind.port, writer=WRITER))
    secret = "page: {secretRef: {openbao: {path: team/cluster, key: password}}}"
    service = "  services: [{name: dav, type: webdav, hostname: dav.example.org}]\n"
    files = {
        "vo.yaml": VO,
        "site.yaml": SITE + service + POOL.format(url=davs.replace("davs", "https"), davs=davs, ca=ca),
        "cluster.yaml": CLUSTER.replace("page: hello", secret),
        "rest.yaml": REST.format(zone=zone, plugins=plugins),
    }
    assert "secretRef" in files["cluster.yaml"]
    commit(root, files)
    made = Planted(root, own)
    made.tsig = tsig
    return made


def forms(secret: str) -> set[str]:
    """As programs show it."""
    plain = json.dumps(secret)[1:-1]
    coded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return {secret, plain, json.dumps(plain)[1:-1], quote(secret), quote(secret, safe=""), repr(secret)[1:-1], coded}


def found(where: str, content: str, secrets: dict[str, str]) -> list[str]:
    return [
        f"{name} in {where}: ...{content[max(0, content.index(form) - 300) :][:400]}"
        for name, secret in secrets.items()
        for form in forms(secret)
        if form in content
    ]


def resolves(bind, zone: str) -> bool:
    asking = ["dig", "+short", "-p", str(bind.port), "@127.0.0.1", f"www.{zone}"]
    return "192.0.2.1" in subprocess.run(asking, capture_output=True, text=True, timeout=PATIENCE).stdout


def test_no_secret_of_any_source_is_found_anywhere(planted, echo, zone, bind) -> None:
    *_, seen = echo
    secrets = {
        "env": FORGE,
        "sops in a manifest": STORAGE,
        "sops in hanse.toml": planted.tsig,
        "openbao in a manifest": VARIABLE,
        "openbao of a hook": HOOK,
        "openbao of a probe": PROBE,
        "file": PAGE,
        "file with a URL": POST,
        "token of OpenBao": (planted.own / "bao-token").read_text(),
    }
    for words in (("plan", "--out", "plan.json"), ("plan", "-o", "markdown"), ("doctor",), ("config",)):
        planted.hanse(*words)
    assert "DNSRecord/team/www" in planted.said[0]
    log = planted.root.parent / "log"
    with log.open("wb") as out:
        running = subprocess.Popen(
            planted.command("run", "--interval", "5", "--listen", "127.0.0.1:0"),
            env=planted.environment,
            stdout=out,
            stderr=out,
        )
    try:
        address = r'"(http://127.0.0.1:[0-9]+)"'
        base = until("it listens", lambda: re.findall(address, log.read_text()), why=log.read_text)[0]
        bearer = {"Authorization": f"Bearer {PAGE}"}
        cluster = f"{base}/api/v1/resources/VirtualCluster/team/hpc"
        until(
            "it knows its cluster",
            lambda: requests.get(cluster, headers=bearer, timeout=PATIENCE).ok,
            why=log.read_text,
        )
        body = b'{"ref": "refs/heads/master"}'
        mark = hmac.new(HOOK.encode(), body, hashlib.sha256).hexdigest()
        posted = {"X-Gitea-Signature": mark, "X-Gitea-Delivery": "1", "X-Gitea-Event": "push"}
        assert requests.post(f"{base}/hooks/forge", body, headers=posted, timeout=PATIENCE).status_code == 202
        requests.post(f"{base}/hooks/forge", body, headers={**posted, "X-Gitea-Signature": HOOK}, timeout=PATIENCE)
        used = {"env": FORGE, "sops": STORAGE, "file": POST}
        unseen = lambda: {name for name, value in used.items() if not any(value in one for one in list(seen))}  # noqa: E731
        until("every secret has been used", unseen, lambda left: not left, why=log.read_text)
        until("the name resolves", lambda: resolves(bind, zone), why=log.read_text)
        paths = [
            "/",
            "/resources",
            "/runs",
            "/graph",
            "/metrics",
            "/usage",
            "/availability",
            "/healthz",
            "/api/openapi.json",
        ]
        paths += [f"/api/v1/{name}" for name in ("resources", "runs", "events", "conditions", "graph", "plan", "usage")]
        paths += [
            f"/{of}resources/{ref}"
            for of in ("", "api/v1/")
            for ref in ("VirtualCluster/team/hpc", "Replica/team/readme", "Probe/team/tell", "Site/ALPHA")
        ]
        answers = {path: requests.get(base + path, headers=bearer, timeout=PATIENCE) for path in paths}
        assert sum(answer.ok for answer in answers.values()) > 15, {p: a.status_code for p, a in answers.items()}
        refused = requests.get(
            f"{base}/api/v1/resources", headers={"Authorization": f"Bearer {PAGE}x"}, timeout=PATIENCE
        )
    finally:
        running.terminate()
        running.wait(PATIENCE)
    for words in (("status",), ("explain", "Replica/team/readme"), ("apply", "--yes"), ("backup", "kept.tar.gz")):
        planted.hanse(*words)
    leaks = [leak for text in planted.said for leak in found("a command", text, secrets)]
    leaks += [leak for path, answer in answers.items() for leak in found(path, answer.text, secrets)]
    leaks += found("a refusal", refused.text, secrets) + found("the log", log.read_text(), secrets)
    looked = 0
    for file in planted.root.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            looked += 1
            leaks += found(str(file.relative_to(planted.root)), file.read_bytes().decode("latin-1"), secrets)
    assert looked > 10
    assert leaks == []
