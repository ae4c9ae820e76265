"""Countries, as ISO 3166-1 alpha-2 codes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

CODES = frozenset(
    """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
    MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ
    UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """.split()  # noqa: SIM905
)

_CONTINENTS = {
    "Africa": """
    AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG
    RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW
    """,
    "Antarctica": "AQ BV GS HM",
    "Asia": """
    AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA
    SA SG SY TH TJ TL TM TR TW UZ VN YE
    """,
    "Europe": """
    AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL NO
    PL PT RO RS RU SE SI SJ SK SM UA VA
    """,
    "North America": """
    AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX TC TT US VC
    VG VI
    """,
    "Oceania": "AS AU CC CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS",
    "South America": "AR BO BR CL CO EC FK GF GY PE PY SR UY VE",
}
"""The regions of the United Nations' M49, the Americas parted as on maps; Antarctica with the islands around it."""
_CONTINENT = {code: name.replace(" ", "") for name, codes in _CONTINENTS.items() for code in codes.split()}


def continent(code: str) -> str:
    """The continent of a country: ``Europe``, ``NorthAmerica``, as one word for expressions."""
    return _CONTINENT[code]


_MEANT = {"UK": "GB", "EL": "GR"}


def _known(code: str) -> str:
    if code in CODES:
        return code
    meant = _MEANT.get(code.upper()) or (code.upper() if code.upper() in CODES else "")
    hint = f"; did you mean {meant}?" if meant else ""
    raise PydanticCustomError(
        "country", "{code} is not an ISO 3166-1 alpha-2 country code{hint}", {"code": repr(code), "hint": hint}
    )


Country = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": sorted(CODES)})]
