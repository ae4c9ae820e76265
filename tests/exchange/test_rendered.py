"""Files rendered from manifests: what they say, what they leave out, and that they are the same each time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import SettingsError
from reconciler.exchange.rendered import (
    Rendered,
    differences,
    groups,
    groups_text,
    is_listed,
    lsc,
    ssm_allowlist,
    vomses,
    written,
)
from reconciler.kinds.site import Service, SiteSpec
from reconciler.kinds.vo import Entitlement, Fqan, VomsServer, VOSpec

DN = "/DC=org/DC=example/CN=voms.example.org"
CA = "/DC=org/DC=example/CN=CA"
SERVER = VomsServer(hostname="voms.example.org", vomsesPort=15001, dn=DN, caDn=CA)


def changed(**fields):
    return SERVER.model_copy(update=fields)


@pytest.mark.parametrize(
    ("vos", "files", "untold"),
    [
        (
            {"biomed": VOSpec(voms=(SERVER,))},
            {"biomed-voms.example.org": f'"biomed" "voms.example.org" "15001" "{DN}" "biomed"\n'},
            (),
        ),
        (
            {"biomed_vip": VOSpec(group="/biomed/vip", voms=(SERVER,))},
            {"biomed-voms.example.org": f'"biomed" "voms.example.org" "15001" "{DN}" "biomed"\n'},
            (),
        ),
        ({"biomed": VOSpec(voms=(changed(dn=None),))}, {}, ("biomed: voms.example.org has no dn",)),
        (
            {"biomed": VOSpec(voms=(changed(dn=None, vomsesPort=None),))},
            {},
            ("biomed: voms.example.org has no vomsesPort and no dn",),
        ),
        ({"biomed": VOSpec(status="Suspended", voms=(SERVER,))}, {}, ()),
        ({"biomed": VOSpec(status="Deleted", voms=(SERVER,))}, {}, ()),
        ({"biomed": VOSpec()}, {}, ()),
    ],
)
def test_a_server_is_a_line_of_vomses(vos, files, untold):
    made = vomses(vos)
    assert (made.files, made.untold) == (files, untold)


@pytest.mark.parametrize(
    ("voms", "files", "untold"),
    [
        ((SERVER,), {"biomed/voms.example.org.lsc": f"{DN}\n{CA}\n"}, ()),
        ((changed(vomsesPort=None),), {"biomed/voms.example.org.lsc": f"{DN}\n{CA}\n"}, ()),
        ((changed(caDn=None),), {}, ("biomed: voms.example.org has no caDn",)),
        ((SERVER, changed(vomsesPort=2)), {"biomed/voms.example.org.lsc": f"{DN}\n{CA}\n"}, ()),
        (
            (SERVER, changed(dn="/CN=x")),
            {"biomed/voms.example.org.lsc": f"{DN}\n{CA}\n"},
            ("biomed: voms.example.org has another DN too: the first is told",),
        ),
    ],
)
def test_a_server_is_a_file_with_two_names(voms, files, untold):
    made = lsc({"biomed": VOSpec(voms=voms)})
    assert (made.files, made.untold) == (files, untold)


@given(st.permutations(["a.example.org", "b.example.org", "c.example.org"]), st.permutations(["x", "y", "z"]))
def test_the_order_of_manifests_and_servers_does_not_matter(hosts, names):
    def vos(hosts, names):
        return {name: VOSpec(voms=tuple(changed(hostname=host) for host in hosts)) for name in names}

    assert vomses(vos(hosts, names)) == vomses(vos(sorted(hosts), sorted(names)))
    assert lsc(vos(hosts, names)) == lsc(vos(sorted(hosts), sorted(names)))
    assert list(vomses(vos(hosts, names)).files) == sorted(vomses(vos(hosts, names)).files)


URN = "urn:mace:egi.eu:group"


@pytest.mark.parametrize(
    ("vo", "fqans"),
    [
        (VOSpec(), ["/biomed"]),
        (VOSpec(group="/biomed/vip"), ["/biomed/vip"]),
        (VOSpec(fqans=(Fqan(fqan="/biomed/vip/Role=pilot"),)), ["/biomed", "/biomed/vip", "/biomed/vip/Role=pilot"]),
        (
            VOSpec(fqans=(Fqan(fqan="/biomed/vip/Role=NULL/Capability=NULL"),)),
            ["/biomed", "/biomed/vip", "/biomed/vip/Role=NULL"],
        ),
        (VOSpec(fqans=(Fqan(fqan="/VO=biomed/GROUP=/biomed"),)), ["/biomed"]),
        (
            VOSpec(entitlements=(Entitlement(role="vm_operator", value=f"{URN}:biomed:role=vm_operator#aai.egi.eu"),)),
            ["/biomed", "/biomed/Role=vm_operator"],
        ),
        (VOSpec(entitlements=(Entitlement(role="x", value="not one"),)), ["/biomed"]),
        (VOSpec(entitlements=(Entitlement(role="x", value="urn:mace:egi.eu:res:disk"),)), ["/biomed"]),
    ],
)
def test_groups_and_roles_are_those_of_fqans_and_entitlements(vo, fqans):
    (found,) = groups({"biomed": vo})
    assert [one.fqan for one in found.groups] == fqans


def test_a_group_is_told_by_its_fqan_and_its_entitlement():
    value = f"{URN}:biomed:vip:role=pilot#aai.egi.eu"
    vo = VOSpec(
        status="Production",
        fqans=(Fqan(fqan="/biomed/vip/Role=pilot", description="Pilots"),),
        entitlements=(Entitlement(role="pilot", value=value),),
    )
    found = groups({"biomed": vo})
    assert groups_text(found) == (
        "# Made by `hanse export groups` from the VO manifests. Change those, not this file.\n"
        f"/biomed\n/biomed/vip\n/biomed/vip/Role=pilot {value}\n"
    )
    pilot = found[0].groups[-1]
    assert (pilot.group, pilot.role, pilot.entitlements, pilot.description) == (
        "/biomed/vip",
        "pilot",
        (value,),
        "Pilots",
    )
    assert found[0].status == "Production"


# --- the allow-list ---------------------------------------------------------------------------------------------------


def site(*services, certification="Certified", infrastructure="Production"):
    return SiteSpec(certification=certification, infrastructure=infrastructure, services=services)


def service(kind="eu.egi.cloud.accounting", dn="/DC=org/CN=apel.bay.example.org", name="accounting"):
    return Service(name=name, type=kind, hostname="apel.bay.example.org", hostDn=dn)


@pytest.mark.parametrize(
    ("of", "dns"),
    [
        (site(service()), ["/DC=org/CN=apel.bay.example.org"]),
        (site(service("gLite-APEL")), ["/DC=org/CN=apel.bay.example.org"]),
        (site(service("eu.egi.storage.accounting")), ["/DC=org/CN=apel.bay.example.org"]),
        (site(service("org.openstack.nova")), []),
        (site(service(), service("gLite-APEL", name="apel")), ["/DC=org/CN=apel.bay.example.org"]),
        (site(service(), service("gLite-APEL", "/CN=a", name="apel")), ["/CN=a", "/DC=org/CN=apel.bay.example.org"]),
        (site(service(), certification="Suspended"), []),
        (site(service(), certification="Candidate"), []),
        (site(service(), certification=None), []),
        (site(service(), infrastructure="Test"), []),
        (site(service(), infrastructure=None), []),
    ],
)
def test_the_list_has_accounting_services_of_certified_production_sites(of, dns):
    made = ssm_allowlist({"BAY": of})
    assert [line for line in made.text.splitlines() if not line.startswith("#")] == dns
    assert made.untold == ()
    assert all(is_listed(dn, {"BAY": of}) for dn in dns)
    assert not is_listed("/CN=other", {"BAY": of})
    assert all(line.startswith(("/", "#")) for line in made.text.splitlines())


def test_a_service_without_a_name_of_its_certificate_is_told():
    made = ssm_allowlist({"BAY": site(service(dn=None))})
    assert made.untold == ("BAY: accounting (eu.egi.cloud.accounting) has no hostDn: its messages will be refused",)
    assert "\n/" not in made.text


def test_nothing_that_is_rendered_tells_the_time():
    made = [vomses({"biomed": VOSpec(voms=(SERVER,))}), ssm_allowlist({"BAY": site(service())})]
    assert not re.search(r"\d{4}-\d\d-\d\d|\d\d:\d\d", "".join(one.text for one in made))


# --- files that stand somewhere ---------------------------------------------------------------------------------------


def test_files_are_written_once_and_then_left_alone(tmp_path):
    rendered = Rendered({"a/b.lsc": "x\n", "c": "y\n"})
    assert written(rendered, tmp_path) == ["a/b.lsc", "c"]
    stamp = (tmp_path / "c").stat().st_mtime_ns
    assert written(rendered, tmp_path) == []
    assert (tmp_path / "c").stat().st_mtime_ns == stamp
    (tmp_path / "c").write_text("z\n")
    assert written(rendered, tmp_path) == ["c"]


def test_files_that_differ_are_told_with_their_lines(tmp_path):
    rendered = Rendered({"a/b.lsc": "x\n", "c.lsc": "y\n"})
    written(rendered, tmp_path)
    assert list(differences(rendered, tmp_path, only="**/*.lsc")) == []
    (tmp_path / "a/b.lsc").write_text("w\n")
    (tmp_path / "c.lsc").unlink()
    (tmp_path / "old.lsc").write_text("o\n")
    (tmp_path / "readme").write_text("not ours\n")
    found = {one.name: one.diff for one in differences(rendered, tmp_path, only="**/*.lsc")}
    assert set(found) == {"a/b.lsc", "c.lsc", "old.lsc"}
    assert found["a/b.lsc"].splitlines()[-2:] == ["-w", "+x"]
    assert found["c.lsc"].splitlines()[-1] == "+y"
    assert found["old.lsc"] == ""


def test_no_file_lies_outside_of_its_directory(tmp_path):
    made = lsc({"x": VOSpec(group="..", voms=(SERVER,))})
    with pytest.raises(SettingsError, match="outside"):
        written(made, tmp_path / "vomsdir")
    assert not (tmp_path / "voms.example.org.lsc").exists()
