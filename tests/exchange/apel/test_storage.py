"""Storage records: what Hanse writes is read again, and what APEL would refuse is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.exchange.apel import Refused
from reconciler.exchange.apel.storage import parsed
from reconciler.exchange.star import star
from reconciler.exchange.storageuse import Share

END = datetime(2026, 11, 1, tzinfo=UTC)
START = END - timedelta(hours=24)
SHARE = Share("BAY/scratch", "vo.tides.example.org", 12, 4096, 8192)
TEXT = star([SHARE], {"BAY/scratch": "disk"}, START, END)


def test_what_is_written_is_read_again():
    (record,) = parsed(TEXT)
    assert record.words == {
        "StorageSystem": "BAY/scratch",
        "Site": "BAY",
        "StorageShare": "scratch",
        "StorageMedia": "disk",
    }
    assert record.numbers == {"FileCount": 12, "ResourceCapacityUsed": 4096, "LogicalCapacityUsed": 8192}
    assert (record.subject, record.start, record.end, record.created) == (
        {"Group": "vo.tides.example.org"},
        START,
        END,
        END,
    )


@given(
    st.integers(0, 2**60),
    st.integers(0, 10**9),
    st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1),
)
def test_every_share_is_read_again(size, files, vo):
    (record,) = parsed(star([Share("BAY/x", vo, files, size, size)], {}, START, END))
    assert (record.numbers["ResourceCapacityUsed"], record.numbers["FileCount"]) == (size, files)
    assert record.subject == {"Group": vo}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("sr:recordId=", "recordId=", "record 1: RecordIdentity must have recordId and createTime"),
        ("<sr:ResourceCapacityUsed>4096</sr:ResourceCapacityUsed>", "", "ResourceCapacityUsed must be given"),
        (">4096<", ">4096.5<", "ResourceCapacityUsed is '4096.5'"),
        (">4096<", ">-1<", "ResourceCapacityUsed is '-1'"),
        ("<sr:StorageSystem>BAY/scratch</sr:StorageSystem>", "<sr:StorageSystem/>", "StorageSystem must be given"),
        ("<sr:StartTime>2026-10-31T00:00:00Z", "<sr:StartTime>2026-11-02T00:00:00Z", "EndTime is before StartTime"),
        ("<sr:EndTime>2026-11-01T00:00:00Z", "<sr:EndTime>yesterday", "EndTime is 'yesterday'"),
        ("2011/02/storagerecord", "2012/11/computerecord", "no record of the namespace"),
        ("<sr:Group>", '<sr:GroupAttribute attributeType="role">x</sr:GroupAttribute><sr:Group>', "of the type None"),
        ("<?xml", '<!DOCTYPE x [<!ENTITY a "b">]><?xml', "declares a document type"),
        ("</sr:StorageUsageRecords>", "", "it is no XML"),
    ],
)
def test_what_apel_would_not_take_is_refused_with_the_reason(old, new, why):
    assert old in TEXT
    with pytest.raises(Refused, match=why):
        parsed(TEXT.replace(old, new))


def test_a_groups_attributes_are_told_by_their_type():
    told = '<sr:GroupAttribute sr:attributeType="role">pilot</sr:GroupAttribute></sr:SubjectIdentity>'
    (record,) = parsed(TEXT.replace("</sr:SubjectIdentity>", told))
    assert record.subject == {"Group": "vo.tides.example.org", "role": "pilot"}
