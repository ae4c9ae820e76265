"""What only the embedded register promises: a file that survives kill -9, and speed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from reconciler.drivers.embedded import Embedded
from reconciler.errors import Terminal
from reconciler.ports import Document

WRITER = """
import sys
from pathlib import Path
from reconciler.drivers.embedded import Embedded
from reconciler.ports import Document
table = Embedded(Path(sys.argv[1]), "sites")
for batch in range(10**6):
    table.put([Document(f"{i}", {"batch": batch}, f"{i:032x}") for i in range(1, 201)])
    print(batch, flush=True)
"""


def test_a_writer_killed_in_the_middle_leaves_whole_transactions(tmp_path):
    file = tmp_path / "registry.sqlite"
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        said = [writer.stdout.readline() for _ in range(5)]
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        last = int(said[-1])
        batches = {d.body["batch"] for d in Embedded(file, "sites").read().documents.values()}
        assert len(batches) == 1
        assert batches.pop() >= last


def test_two_processes_may_write(tmp_path):
    file = tmp_path / "registry.sqlite"
    script = (
        WRITER.replace("range(10**6)", "range(20)")
        .replace('f"{i}"', 'f"{sys.argv[2]}-{i}"')
        .replace('f"{i:032x}"', 'sys.argv[2] + f"{i:031x}"')
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(file), who], stdout=subprocess.DEVNULL) for who in "ab"
    ]
    assert [p.wait() for p in running] == [0, 0]
    assert len(Embedded(file, "sites").read().documents) == 400


def test_ten_thousand_documents_are_put_and_read(tmp_path):
    table = Embedded(tmp_path / "registry.sqlite", "sites")
    documents = [Document(f"s{i}", {"country": "DE", "n": i}, f"{i:032x}") for i in range(1, 10_001)]
    for first in range(0, 10_000, 500):
        table.put(documents[first : first + 500])
    assert len(table.read().documents) == 10_000


def test_a_file_that_is_no_register_is_an_error_and_not_an_empty_register(tmp_path):
    file = tmp_path / "registry.sqlite"
    file.write_text("not a database, " * 100)
    with pytest.raises(Terminal, match=r"registry\.sqlite"):
        Embedded(file, "sites").read()


def test_an_odd_table_name_is_only_a_name(tmp_path):
    table = Embedded(tmp_path / "registry.sqlite", 'a"; DROP TABLE tokens; --')
    table.put([Document("x", {}, "")])
    assert list(table.read().documents) == ["x"]
