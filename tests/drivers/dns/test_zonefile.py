"""What only the master-file driver does: files made by people, crashes, processes side by side."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import dns.zone
import pytest

from reconciler.drivers import zonefile
from reconciler.errors import Conflict, Terminal
from reconciler.model import Target
from reconciler.ports import RRset, ZoneChange
from tests.real.waiting import PATIENCE
from tests.real.zones import Secrets

UID = "0123456789abcdef0123456789abcdef"


def opened(folder: Path, **options):
    return zonefile.open(Target("dns:fed.example.", "zonefile", {"state": str(folder), **options}), Secrets())


def host(n, ttl=300):
    return RRset(f"h{n}.fed.example.", "A", ttl, (f"10.0.{n // 250}.{n % 250}",), f"{n:032x}")


def create(*rrsets):
    return [ZoneChange(one, None, one.uid) for one in rrsets]


def test_reading_a_zone_that_has_no_file_writes_none(tmp_path):
    held = opened(tmp_path / "dns").read().rrsets
    assert sorted(rdtype for _, rdtype in held) == ["NS", "SOA"]
    assert not (tmp_path / "dns").exists()


def test_a_new_zone_is_a_file_that_any_server_loads(tmp_path):
    opened(tmp_path, nameservers=["ns.example.net."], contact="dns.example.net.").change(create(host(1)))
    zone = dns.zone.from_file(str(tmp_path / "fed.example.zone"), origin="fed.example.")
    assert str(zone.get_soa().rname) == "dns.example.net."
    assert zone.get_soa().serial == 1
    assert str(zone.find_rrset("@", "NS")[0]) == "ns.example.net."
    assert str(zone.find_rrset("h1", "A")[0]) == "10.0.0.1"


def test_every_change_raises_the_serial_by_one_and_wraps(tmp_path):
    opened(tmp_path).change(create(host(1)))
    file = tmp_path / "fed.example.zone"
    file.write_text(file.read_text().replace(" 1 3600 ", " 4294967295 3600 "))
    dns = opened(tmp_path)
    dns.change(create(host(2)))
    assert " 1 3600 " in file.read_text()
    dns.change(create(host(3)))
    assert " 2 3600 " in file.read_text()


def test_a_hand_written_file_keeps_all_its_records(tmp_path):
    (tmp_path / "fed.example.zone").write_text(
        "$ORIGIN example.\n$TTL 1h\nfed SOA ns.fed host.fed (7 1h 10m\n 2w 5m) ; layout\n NS ns.fed\n"
        "$ORIGIN fed.example.\nns A 192.0.2.53\n  AAAA 2001:db8::53\n@ MX 10 mail\nmail 300 A 192.0.2.25\n"
        'long TXT ( "a;b" ; comment\n "c d" )\n'
    )
    dns = opened(tmp_path)
    before = dns.read().rrsets
    dns.change(create(host(1)))
    after = dns.read().rrsets
    assert after.pop(("h1.fed.example.", "A")) == host(1)
    assert after.keys() == before.keys()
    soa = ("fed.example.", "SOA")
    assert all(after[key] == before[key] for key in before if key != soa)
    assert after["long.fed.example.", "TXT"].values == ('"a;b" "c d"',)
    assert after[soa].values[0].split()[2] == "8"


def test_lines_leaning_on_each_other_are_read_as_the_standard_says(tmp_path):
    dns = opened(tmp_path)
    dns.change(create(host(1), host(2)))
    file = tmp_path / "fed.example.zone"
    file.write_text(file.read_text() + 'h2.fed.example. 300 IN A 10.9.9.9\n   300 IN TXT "of h2"\n')
    held = opened(tmp_path).read().rrsets
    assert held["h2.fed.example.", "TXT"].values == ('"of h2"',)
    assert held["h2.fed.example.", "A"].values == ("10.0.0.2", "10.9.9.9")


@pytest.mark.parametrize(
    "damage",
    ["garbage here\n", "x A 300.1.2.3\n", "h1.fed.example. 300 IN CNAME x.\n", "@ 300 IN DNSKEY 256 3 8 AwEAAQ==\n"],
)
def test_a_damaged_or_signed_file_is_an_error_and_never_an_empty_zone(tmp_path, damage):
    dns = opened(tmp_path)
    dns.change(create(host(1)))
    file = tmp_path / "fed.example.zone"
    file.write_text(file.read_text() + damage)
    with pytest.raises(Terminal, match=r"fed\.example\.zone"):
        dns.read()
    with pytest.raises(Terminal):
        dns.change(create(host(2)))


def test_a_truncated_file_is_an_error(tmp_path):
    dns = opened(tmp_path)
    dns.change(create(host(1)))
    file = tmp_path / "fed.example.zone"
    file.write_text("")
    with pytest.raises(Terminal):
        dns.read()
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Terminal):
        dns.read()


def test_a_failed_change_leaves_the_file_as_it_was(tmp_path):
    dns = opened(tmp_path)
    dns.change(create(host(1)))
    content = (tmp_path / "fed.example.zone").read_bytes()
    with pytest.raises(Conflict):
        dns.change(create(host(2), host(1)))
    assert (tmp_path / "fed.example.zone").read_bytes() == content


def test_what_an_interrupted_writer_left_behind_is_ignored(tmp_path):
    dns = opened(tmp_path)
    dns.change(create(host(1)))
    (tmp_path / ".fed.example.zone.new").write_text("half a li")
    dns.change(create(host(2)))
    assert ("h2.fed.example.", "A") in opened(tmp_path).read().rrsets


def _write(folder: str, start: int) -> None:
    dns = opened(Path(folder))
    for n in range(start, start + 20):
        dns.change(create(host(n)))


def test_processes_side_by_side_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(str(tmp_path), 100 * n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(PATIENCE)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    held = opened(tmp_path).read().rrsets
    assert all(held[h.name, "A"] == h for n in range(3) for h in map(host, range(100 * n, 100 * n + 20)))
    assert held["fed.example.", "SOA"].values[0].split()[2] == "60"


def test_ten_thousand_records_are_written_read_and_read_again(tmp_path):
    dns = opened(tmp_path)
    many = [host(n) for n in range(10_000)]
    for start in range(0, 10_000, 1000):
        dns.change(create(*many[start : start + 1000]))
    zonefile._parsed.clear()
    assert len(dns.read().rrsets) == 10_002
    file = tmp_path / "fed.example.zone"
    file.write_text(file.read_text().replace(" 10.0.0.7\n", " 10.7.7.7\n"))
    assert dns.read().rrsets["h7.fed.example.", "A"].values == ("10.7.7.7",)


def test_where_the_file_is_must_be_said():
    with pytest.raises(Terminal, match="neither state nor path"):
        zonefile.open(Target("dns:fed.example.", "zonefile", {}), Secrets())
    with pytest.raises(Terminal, match="colour"):
        zonefile.open(Target("dns:fed.example.", "zonefile", {"state": "x", "colour": 1}), Secrets())
