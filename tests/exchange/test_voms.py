"""Files for VOMS, read by VOMS itself: its library believes by our ``.lsc``, its client asks by our ``vomses``."""

from __future__ import annotations

import pytest

from reconciler.exchange.rendered import lsc, vomses, written
from reconciler.kinds.vo import VomsServer, VOSpec
from tests.real.voms import CA, HOST, SERVER, VO, voms

__all__ = ["voms"]
RIGHT = VomsServer(hostname=HOST, vomsesPort=15311, dn=SERVER, caDn=CA)


@pytest.mark.parametrize(
    ("vos", "believed"),
    [
        ({VO: VOSpec(voms=(RIGHT,))}, True),
        ({"ocean": VOSpec(group=f"/{VO}/models", voms=(RIGHT,))}, True),
        ({VO: VOSpec(voms=(RIGHT.model_copy(update={"hostname": "other.example.org"}), RIGHT))}, True),
        ({VO: VOSpec(voms=(RIGHT.model_copy(update={"dn": f"{SERVER}x"}),))}, False),
        ({VO: VOSpec(voms=(RIGHT.model_copy(update={"caDn": "/DC=org/CN=Other CA"}),))}, False),
        ({VO: VOSpec(voms=(RIGHT.model_copy(update={"hostname": "other.example.org"}),))}, False),
        ({"vo.other.org": VOSpec(voms=(RIGHT,))}, False),
        ({VO: VOSpec(status="Suspended", voms=(RIGHT,))}, False),
        ({VO: VOSpec()}, False),
    ],
)
def test_a_service_believes_the_servers_of_a_vo_and_nobody_else(voms, tmp_path, vos, believed):
    (tmp_path / "vomsdir").mkdir()
    written(lsc(vos), tmp_path / "vomsdir")
    assert voms.verified(tmp_path / "vomsdir") is believed


def test_a_client_asks_the_server_that_the_manifest_names(voms, tmp_path):
    here = RIGHT.model_copy(update={"hostname": "127.0.0.1", "vomsesPort": 1})
    (tmp_path / "vomses").mkdir(mode=0o755)
    written(vomses({VO: VOSpec(voms=(here,)), "vo.other.org": VOSpec(voms=(RIGHT,))}), tmp_path / "vomses")
    assert voms.contacted(tmp_path / "vomses", VO).startswith(f'Contacting 127.0.0.1:1 [{SERVER}] "{VO}"')
