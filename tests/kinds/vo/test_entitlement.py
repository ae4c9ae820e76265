"""The AARC grammar: what is read, and where a wrong text goes wrong."""

from __future__ import annotations

import pytest

from reconciler.kinds.vo.entitlement import Capability, EntitlementError, GroupEntitlement, parse


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "urn:mace:egi.eu:group:biomed:role=vm_operator#aai.egi.eu",
            GroupEntitlement("urn:mace:egi.eu", "biomed", (), "vm_operator", "aai.egi.eu"),
        ),
        (
            "urn:mace:egi.eu:group:vo.protocoast.eu:CP-cloud_operator:role=member#aai.egi.eu",
            GroupEntitlement("urn:mace:egi.eu", "vo.protocoast.eu", ("CP-cloud_operator",), "member", "aai.egi.eu"),
        ),
        ("urn:geant:h-df.de:sub:group:g", GroupEntitlement("urn:geant:h-df.de:sub", "g")),
        ("urn:geant:x:group:a%20b:c:d#e/f?g", GroupEntitlement("urn:geant:x", "a%20b", ("c", "d"), "", "e/f?g")),
        ("urn:mace:egi.eu:res:rcauth", Capability("urn:mace:egi.eu", "rcauth")),
        (
            "urn:geant:x:res:cloud:vm:act:start,stop#aai.x",
            Capability("urn:geant:x", "cloud", ("vm",), ("start", "stop"), "aai.x"),
        ),
    ],
)
def test_an_entitlement_is_read_and_written_back(text, read):
    found = parse(text)
    assert found == read
    assert found.authority == read.authority
    assert str(found) == text


def test_the_authority_is_no_part_of_equality():
    assert parse("urn:mace:egi.eu:group:a#x") == parse("urn:mace:egi.eu:group:a#y")


def test_a_group_has_a_path():
    assert parse("urn:mace:egi.eu:group:biomed:vip#a").path == "/biomed/vip"


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("urn:mace:egi.eu: group:vo.imagine-ai.eu:role=vm_operator#aai.egi.eu", 16, "a space"),
        ("urn:mace:egi.eu:group:a\n", 23, "a space"),
        ("", 0, "does not begin with urn:"),
        ("http://x", 0, "does not begin with urn:"),
        ("urn:", 4, "no URN namespace"),
        ("urn:-x:egi.eu:group:a", 4, "no URN namespace"),
        ("urn:mace:group:a", 16, "neither :group: nor :res:"),
        ("urn:mace:egi.eu:goc.egi.eu:1G0:SITE:Manager@egi.eu", 50, "neither :group: nor :res:"),
        ("urn:mace::group:a", 9, "a component of the namespace is empty"),
        ("urn:mace:egi.eu:group:", 22, "a component is empty"),
        ("urn:mace:egi.eu:group", 21, "no group follows"),
        ("urn:mace:egi.eu:group:a::b", 24, "a component is empty"),
        ("urn:mace:egi.eu:group:role=x", 22, "no group follows"),
        ("urn:mace:egi.eu:group:a:role=", 29, "the role is empty"),
        ("urn:mace:egi.eu:group:a:role=x:b", 24, "the role must stand last"),
        ("urn:mace:egi.eu:group:a#", 24, "the authority is empty"),
        ("urn:mace:egi.eu:group:a#b#c", 25, "'#' is not allowed"),
        ("urn:mace:egi.eu:group:a<b", 23, "'<' is not allowed"),
        ("urn:mace:egi.eu:group:a%zz", 23, "'%' is not allowed"),
        ("urn:mace:egi.eu:group:zürich", 23, "'ü' is not allowed"),
        ("urn:mace:egi.eu:res:", 20, "a component is empty"),
        ("urn:mace:egi.eu:res:x:act", 22, "one list of actions must follow"),
        ("urn:mace:egi.eu:res:x:act:a,,b", 26, "an action is empty"),
    ],
)
def test_a_wrong_entitlement_is_refused_at_the_character(text, at, message):
    with pytest.raises(EntitlementError) as caught:
        parse(text)
    assert caught.value.at == at
    assert message in str(caught.value)
    assert f"(character {at + 1})" in str(caught.value)
