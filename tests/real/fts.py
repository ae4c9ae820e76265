"""A stand-in for an FTS3 server that does real copies. There is none to install: its daemons are in no registry.

In a conftest: ``from tests.real.fts import fts`` (a fixture). It answers the REST calls in the shapes of fts-rest 3.14
and refuses what that refuses; workers copy ``davs://`` to ``davs://`` by HTTP third-party copy between the storages,
and ``file://`` to ``file://`` piece by piece.
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import requests

from tests.real.answering import answering

BASE_ID = uuid.UUID("01874efb-4735-4595-bc9c-591aef8240c9")
VO, TOKEN = "vo.example.org", "a token for the transfer service"
_PIECE = 1 << 18
_OVERWRITE = ("overwrite", "overwrite_on_retry", "overwrite_when_only_on_disk", "overwrite_hop")
_OVER = ("FINISHED", "FAILED", "CANCELED")


class Refused(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class FTS:
    """The running server, and what a test may do to it."""

    url: str = ""
    ca: str = ""
    """File of the authorities that the storages are known by."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    submissions: list[dict[str, Any]] = field(default_factory=list)
    """Every job that was taken in, as it was sent."""
    calls: list[str] = field(default_factory=list)
    seconds_per_piece: float = 0.0
    """How slow ``file://`` copies are."""
    going: threading.Event = field(default_factory=threading.Event)
    """Workers stand still while it is not set."""
    lose_answers: int = 0
    """So many submissions are taken in and not answered."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    line: queue.Queue[tuple[str, dict[str, Any]] | None] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.going.set()

    def options(self) -> dict[str, Any]:
        """Options of the driver; the token is expected in ``HANSE_TEST_FTS``."""
        return {"url": self.url, "token": {"env": "HANSE_TEST_FTS"}, "retry": 0}

    # -- what is asked -------------------------------------------------------------------------------------------------

    def submit(self, said: dict[str, Any]) -> dict[str, Any]:
        params = said.get("params") or {}
        files = said.get("files")
        if said.get("delete") is not None:
            raise Refused(405, "Deletion jobs are no longer supported by FTS")
        if not files:
            raise Refused(400, "No transfers operations specified")
        _check(files, params)
        if params.get("id_generator") == "deterministic":
            if not params.get("sid"):
                raise Refused(400, "Need sid for deterministic job id generation")
            job_id = str(uuid.uuid5(uuid.uuid5(BASE_ID, VO), params["sid"]))
        else:
            job_id = str(uuid.uuid1())
        with self.lock:
            if job_id in self.jobs:
                raise Refused(409, "The sid provided by the user is duplicated")
            busy = {f["dest_surl"] for j in self.jobs.values() for f in j["files"] if f["file_state"] not in _OVER}
            if busy & {to for f in files for to in f["destinations"]}:
                raise Refused(409, "The submission is duplicated")
            self.submissions.append(said)
            self.jobs[job_id] = _job(job_id, files, params)
            for entry in self.jobs[job_id]["files"]:
                self.line.put((job_id, entry))
        return {"job_id": job_id}

    def tell(self, ids: list[str], fields: list[str]) -> tuple[int, Any]:
        found = []
        with self.lock:
            for job_id in ids:
                job = self.jobs.get(job_id)
                if job is None:
                    missing = f'No job with the id "{job_id}" has been found'
                    found.append({"job_id": job_id, "http_status": "404 Not Found", "http_message": missing})
                    continue
                said = {k: v for k, v in job.items() if k not in ("files", "params")}
                if fields:
                    said["files"] = [{k: f[k] for k in fields if k in f} for f in job["files"]]
                found.append({**said, "http_status": "200 Ok"})
        missed = [entry for entry in found if entry["http_status"] != "200 Ok"]
        if len(ids) == 1:
            return (
                (404, {"status": "404 Not Found", "message": missed[0]["http_message"]}) if missed else (200, found[0])
            )
        return (207 if missed else 200), found

    def cancel(self, job_id: str) -> dict[str, Any]:
        with self.lock:
            job = self.jobs.get(job_id)
            if job is None:
                raise Refused(404, f'No job with the id "{job_id}" has been found')
            for entry in job["files"]:
                if entry["file_state"] not in _OVER:
                    entry.update(file_state="CANCELED", finish_time=_now(), reason="Job canceled by the user")
            _settle(job)
            return {k: v for k, v in job.items() if k not in ("files", "params")}

    # -- what is done --------------------------------------------------------------------------------------------------

    def work(self) -> None:
        while (turn := self.line.get()) is not None:
            job, entry = self.jobs[turn[0]], turn[1]
            self.going.wait()
            with self.lock:
                if entry["file_state"] in _OVER:
                    continue
                entry.update(file_state="ACTIVE", start_time=_now())
                job["job_state"] = "ACTIVE"
            try:
                self._copy(job, entry)
                state, why = "FINISHED", ""
            except (OSError, requests.RequestException) as error:
                state, why = "FAILED", str(error)[:500]
            with self.lock:
                if entry["file_state"] not in _OVER:
                    entry.update(file_state=state, finish_time=_now(), reason=why)
                _settle(job)

    def _copy(self, job: dict[str, Any], entry: dict[str, Any]) -> None:
        if entry["source_surl"].startswith("file://"):
            self._copy_file(job, entry)
        else:
            self._copy_davs(job, entry)

    def _copy_file(self, job: dict[str, Any], entry: dict[str, Any]) -> None:
        source, goal = (Path(unquote(urlsplit(entry[end]).path)) for end in ("source_surl", "dest_surl"))
        if not source.is_file():
            raise OSError(f"SOURCE [2] stat on {source}: No such file or directory")
        _expected(entry, source.stat().st_size, f"{zlib.adler32(source.read_bytes()):08x}")
        if goal.exists() and not job["params"].get("overwrite"):
            raise OSError("DESTINATION [17] Destination file exists and overwrite is not enabled")
        goal.parent.mkdir(parents=True, exist_ok=True)
        with source.open("rb") as reading, goal.open("wb") as writing:
            while piece := reading.read(_PIECE):
                writing.write(piece)
                entry["transferred"] += len(piece)
                time.sleep(self.seconds_per_piece)
                if entry["file_state"] in _OVER:
                    goal.unlink(missing_ok=True)
                    return

    def _copy_davs(self, job: dict[str, Any], entry: dict[str, Any]) -> None:
        ends = [entry[end].replace("davs://", "https://") for end in ("source_surl", "dest_surl")]
        read, write = ({"Authorization": f"Bearer {entry[end][0]}"} for end in ("source_tokens", "destination_tokens"))
        with requests.Session() as session:
            session.verify, session.trust_env = self.ca, False
            found = _summed(session, ends[0], read)
            if found.status_code != 200:
                code = {404: "[2] No such file or directory", 403: "[13] Permission denied"}
                raise OSError(f"SOURCE {code.get(found.status_code, f'[5] HTTP {found.status_code}')}")
            digest = found.headers.get("Digest", "").rpartition("=")[2]
            _expected(entry, int(found.headers["Content-Length"]), digest)
            if session.head(ends[1], headers=write).status_code == 200:
                if not job["params"].get("overwrite"):
                    raise OSError("DESTINATION [17] Destination file exists and overwrite is not enabled")
                session.delete(ends[1], headers=write)
            self._third_party(session, entry, ends, write)
            there = _summed(session, ends[1], write)
            if there.headers.get("Digest", "").rpartition("=")[2] != digest:
                raise OSError("DESTINATION CHECKSUM MISMATCH")

    def _third_party(self, session: Any, entry: dict[str, Any], ends: list[str], write: dict[str, str]) -> None:
        server = f"https://{urlsplit(ends[1]).netloc}"
        parts = urlsplit(ends[1]).path.split("/")[1:-1]
        for count in range(2, len(parts) + 1):
            session.request("MKCOL", f"{server}/{'/'.join(parts[:count])}", headers=write)
        far = {"TransferHeaderAuthorization": f"Bearer {entry['source_tokens'][0]}", "Credential": "none"}
        headers = {**write, **far, "Source": ends[0], "Overwrite": "T"}
        with session.request("COPY", ends[1], headers=headers, stream=True) as answer:
            last = ""
            for line in answer.iter_lines(decode_unicode=True):
                last = line or last
                if "Bytes Transferred:" in line:
                    entry["transferred"] = int(line.rpartition(":")[2])
            if not answer.ok or not last.startswith("success"):
                raise OSError(f"TRANSFER [5] {answer.status_code} {last}")


def _summed(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """HEAD with a checksum. XRootD gives none while it is busy with others: it is asked again."""
    for _ in range(50):
        answer = session.head(url, headers={**headers, "Want-Digest": "adler32"}, timeout=120)
        if answer.headers.get("Digest") or answer.status_code in (401, 403, 404):
            return answer
        time.sleep(0.2)
    return answer


def _check(files: list[dict[str, Any]], params: dict[str, Any]) -> None:
    """What the real server refuses."""
    flags = [name for name in _OVERWRITE if params.get(name)]
    if len(flags) > 1 and set(flags) != {"overwrite_hop", "overwrite_when_only_on_disk"}:
        raise Refused(400, "Incompatible overwrite flags used at the same time")
    if len(files) > 1 and any(len(file["sources"]) > 1 for file in files):
        raise Refused(400, "Multiple replica jobs must only have one unique file")
    if int(params.get("bring_online") or 0) > 0:
        raise Refused(400, "Requests to retrieve from tape using token authentication are not supported")
    for file in files:
        sources, destinations = file.get("source_tokens", []), file.get("destination_tokens", [])
        if bool(sources) != bool(destinations):
            raise Refused(400, "Both source_tokens and destination_tokens are required if one of them is present.")
        if sources and (len(sources), len(destinations)) != (len(file["sources"]), len(file["destinations"])):
            raise Refused(400, "Length of source_tokens should be equal to the length of sources.")
        for token in (*sources, *destinations):
            _claims(token)
        if any(
            not url.startswith(("davs://", "https://", "file://")) for url in (*file["sources"], *file["destinations"])
        ):
            raise Refused(400, "Missing or wrong scheme")


def _claims(token: str) -> None:
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        claims = {}
    for needed in ("iss", "exp", "scope", "aud"):
        if needed not in claims:
            raise Refused(400, f"Token does not contain an {needed} claim")


def _job(job_id: str, files: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    said = {"job_id": job_id, "job_state": "SUBMITTED", "job_type": "N", "vo_name": VO, "submit_time": _now()}
    said |= {"job_finished": None, "reason": None, "job_metadata": params.get("job_metadata"), "params": params}
    said["priority"] = max(1, min(5, int(params.get("priority", 3))))
    said["files"] = [
        {
            "file_id": index + 1,
            "file_index": index,
            "job_id": job_id,
            "file_state": "SUBMITTED",
            "source_surl": file["sources"][0],
            "dest_surl": file["destinations"][0],
            "file_metadata": file.get("metadata"),
            "checksum": file.get("checksum") or "ADLER32",
            "filesize": file.get("filesize", 0),
            "source_tokens": file.get("source_tokens"),
            "destination_tokens": file.get("destination_tokens"),
            "transferred": 0,
            "reason": None,
            "start_time": None,
            "finish_time": None,
        }
        for index, file in enumerate(files)
    ]
    return said


def _expected(entry: dict[str, Any], size: int, adler32: str) -> None:
    kind, _, value = entry["checksum"].partition(":")
    if kind == "ADLER32" and value and value.lower() != adler32:
        raise OSError(f"SOURCE CHECKSUM MISMATCH User-defined {value} Source {adler32}")
    if entry["filesize"] and entry["filesize"] != size:
        raise OSError(f"SOURCE size mismatch: {entry['filesize']} expected, {size} found")
    entry["filesize"] = size


def _settle(job: dict[str, Any]) -> None:
    states = {entry["file_state"] for entry in job["files"]}
    if states <= set(_OVER):
        job["job_state"] = states.pop() if len(states) == 1 else "FINISHEDDIRTY"
        job["job_finished"] = _now()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    fts: FTS

    def do_GET(self) -> None:
        self._answered("GET")

    def do_POST(self) -> None:
        self._answered("POST")

    def do_DELETE(self) -> None:
        self._answered("DELETE")

    def _answered(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.fts.calls.append(f"{method} {self.path}")
        try:
            status, said = self._said(method, body)
        except Refused as refused:
            status, said = refused.status, {"status": f"{refused.status} Refused", "message": str(refused)}
        if said is None:
            self.close_connection = True
            return
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _said(self, method: str, body: bytes) -> tuple[int, Any]:
        url = urlsplit(self.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise Refused(403, "Invalid or missing credentials")
        if url.path == "/whoami":
            return 200, {"user_dn": "alice", "vos": [VO], "base_id": str(BASE_ID), "method": "oauth2"}
        if (method, url.path) == ("POST", "/jobs"):
            said = self.fts.submit(json.loads(body))
            if self.fts.lose_answers:
                self.fts.lose_answers -= 1
                return 200, None
            return 200, said
        ids = url.path.removeprefix("/jobs/").split(",")
        if method == "DELETE":
            return 200, self.fts.cancel(ids[0])
        return self.fts.tell(ids, [f for value in parse_qs(url.query).get("files", ()) for f in value.split(",")])

    def log_message(self, *_arguments: object) -> None:
        return


@contextmanager
def serving(ca: str = "", workers: int = 4) -> Iterator[FTS]:
    """The server on loopback, with ``workers`` that copy."""
    found = FTS(ca=ca)
    handler = type("Handler", (_Handler,), {"fts": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threads = [threading.Thread(target=found.work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    with answering(server):
        try:
            yield found
        finally:
            found.going.set()
            for _ in range(workers):
                found.line.put(None)
            for thread in threads:
                thread.join(10)


@pytest.fixture
def fts() -> Iterator[FTS]:
    """The server, with nothing in it."""
    with serving() as found:
        yield found
