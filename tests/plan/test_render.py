"""How a plan reads: as text, as a comment, as a drawing, and as data that its published schema describes."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from reconciler.model import Action, Choice, Edge, FieldChange, Limit, Plan, Policy, Reason, Ref, TargetState, Verb
from reconciler.plan import render
from reconciler.plan.saved import to_json
from tests.federation import NOW, changed, graph, held, planned, present, resource

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "hanse.plan.v1.json").read_text(encoding="utf-8"))
VO = resource("VO/vo.example.org", {"description": "a VO"})
ZONE = "dns:fed.example.org."


def act(verb: str, ref: str, reason: str, **more) -> Action:
    return Action(Verb(verb), Ref(ref), Reason(reason), **more)


def made(*actions: Action, **more) -> Plan:
    return Plan("3f2a" * 10, "hanse/v1", actions, more.pop("unchanged", 97), digest="d" * 32, **more)


WEB = act(
    "create",
    "VirtualCluster/vo-x/web",
    "New",
    target="compute:CESGA/main",
    spec={"vo": "vo.example.org", "site": "CESGA", "frontend": {"cpu": 2}},
)
WWW = act(
    "create",
    "DNSRecord/vo-x/www",
    "New",
    target=ZONE,
    spec={"zone": "fed.example.org", "name": "www"},
    changes=(FieldChange("spec.values", None, "VirtualCluster/vo-x/web.frontend_ip", known=False),),
    waits_for=(WEB.ref,),
)
TTL = act("update", "DNSRecord/vo-x/mail", "SpecChanged", target=ZONE, changes=(FieldChange("spec.ttl", 300, 600),))
DRIFT = act(
    "update", "DNSRecord/vo-x/api", "DriftDetected", target=ZONE, changes=(FieldChange("spec.ttl", 9, 300, "drift"),)
)
OLD = [
    act(
        "delete",
        f"Replica/vo-z/r{number}",
        "RemovedFromGit",
        target="storage:X/disk",
        blocked=Reason.THRESHOLD_EXCEEDED,
        message="2 of 4 Replica on storage:X/disk (50 %) is over the limit",
    )
    for number in (1, 2)
]
WAITS = act("defer", "VirtualCluster/vo-w/c", "TargetUnreachable", message="connection refused")
SITE = Choice(
    WEB.ref, "site", ("CESGA",), "most free cores (2 of 3 candidates fit)", "IFCA", (("BARI", "no GPU"),), False, ()
)
FULL = made(WEB, WWW, TTL, DRIFT, *OLD, WAITS, choices=(SITE,), unreachable={"compute:W/x": "connection refused"})


def test_the_whole_plan_reads_like_this():
    assert render.text(FULL) == (
        """\
Git moved
    + VirtualCluster/vo-x/web  New on compute:CESGA/main
        vo: vo.example.org, site: CESGA, frontend: {"cpu":2}
    + DNSRecord/vo-x/www       New on dns:fed.example.org.
        zone: fed.example.org, name: www
        spec.values: known after apply (VirtualCluster/vo-x/web.frontend_ip)
        after VirtualCluster/vo-x/web
    ~ DNSRecord/vo-x/mail      spec.ttl: 300 -> 600  (SpecChanged)

The world moved (drift)
    ~ DNSRecord/vo-x/api       spec.ttl: 9 -> 300  (DriftDetected)

Blocked: a person must allow it
    ! delete 2 resources  ThresholdExceeded: 2 of 4 Replica on storage:X/disk (50 %) is over the limit
        Replica/vo-z/r1
        Replica/vo-z/r2

Waiting
    ? VirtualCluster/vo-w/c  TargetUnreachable: connection refused

Choices
    VirtualCluster/vo-x/web  site = CESGA: most free cores (2 of 3 candidates fit); next best IFCA
        not BARI: no GPU

Could not be read
    compute:W/x: connection refused

Plan: 2 to create, 1 to update, 1 to update (drift), 2 blocked, 1 waiting; 97 unchanged; 1 back end could not be read.
  to allow it: hanse approve --action delete --kind Replica --target storage:X/disk --at-most 2 --reason WHY
  to do this: hanse apply
"""
    )


def test_one_change_is_told_in_one_line():
    assert render.text(made(TTL)) == (
        """\
Git moved
    ~ DNSRecord/vo-x/mail  spec.ttl: 300 -> 600  (SpecChanged)

Plan: 1 to update; 97 unchanged.
  to do this: hanse apply
"""
    )


def test_nothing_to_do_is_one_line():
    assert render.text(made()) == "Plan: nothing to do; 97 unchanged.\n"


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ((TTL, DRIFT), "Plan: 1 to update, 1 to update (drift); 97 unchanged."),
        ((act("noop", "VO/a", "DriftIgnored"),), "Plan: nothing to do; 98 unchanged (1 noted)."),
        ((act("forget", "VO/a", "AlreadyGone"),), "Plan: 1 to forget; 97 unchanged."),
        ((act("create", "VO/a", "Vanished"),), "Plan: 1 to create (drift); 97 unchanged."),
    ],
)
def test_the_summary_counts_each_action_once(actions, said):
    assert render.summary(made(*actions)) == said


def test_a_long_list_of_creates_is_counted_but_deletes_are_all_named():
    creates = [act("create", f"VO/new{n:04}", "New") for n in range(500)]
    deletes = [act("delete", f"VO/old{n:04}", "RemovedFromGit") for n in range(500)]
    said = render.text(made(*creates, *deletes), most=10)
    assert said.count("VO/new") == 10
    assert "… and 490 more to create" in said
    assert said.count("VO/old") == 500


def test_of_long_lists_only_what_comes_and_goes_is_shown():
    hosts = [f"host{n}.example.org" for n in range(20)]
    change = FieldChange("spec.values", hosts, [*hosts[1:], "new.example.org"])
    said = render.text(made(act("update", "DNSRecord/n/a", "SpecChanged", changes=(change,))))
    assert "spec.values: 20 -> 20 items: - host0.example.org, + new.example.org" in said


def test_drift_among_intended_changes_is_marked():
    both = (FieldChange("spec.ttl", 300, 600), FieldChange("spec.name", "x", "www", "drift"))
    said = render.text(made(act("update", "DNSRecord/n/a", "SpecChanged", changes=both)))
    assert "spec.ttl: 300 -> 600\n" in said
    assert "spec.name: x -> www (drift)\n" in said


def test_values_with_line_ends_stay_on_one_line():
    change = FieldChange("spec.description", "a\nb", "c\x1b[31m")
    said = render.text(made(act("update", "VO/a", "SpecChanged", changes=(change,))))
    assert '"a\\nb" -> "c\\u001b[31m"' in said


def test_the_same_plan_gives_the_same_bytes():
    assert render.text(FULL) == render.text(FULL)
    assert render.markdown(FULL) == render.markdown(FULL)
    assert render.svg(render.of_plan(FULL)) == render.svg(render.of_plan(FULL))


def test_style_is_asked_and_adds_nothing_else():
    styled = render.text(FULL, lambda role, text: f"<{role}>{text}</>")
    assert re.sub(r"<[a-z]*>|</>", "", styled) == render.text(FULL)


# -- the comment ---------------------------------------------------------------------------------------------------


def test_the_comment_is_found_again_and_counts_first():
    lines = render.markdown(FULL).splitlines()
    assert lines[0] == render.MARKER
    assert lines[1].startswith("### Plan: 2 to create, 1 to update, 1 to update (drift), 2 blocked")
    assert "| git moved | 2 | 1 |  |" in lines
    assert "| the world moved (drift) |  | 1 |  |" in lines
    assert "| blocked |  |  | 2 |" in lines


def test_the_comment_keeps_drift_apart_and_says_what_allows_the_blocked():
    said = render.markdown(FULL)
    assert said.index("<summary>Git moved: 3</summary>") < said.index("<summary>The world moved (drift): 1</summary>")
    assert "hanse approve --action delete --kind Replica --target storage:X/disk --at-most 2" in said
    assert "  - not `BARI: no GPU`" in said


def test_nothing_in_a_manifest_becomes_markup_of_the_comment():
    nasty = "`` </details> @everyone\n```\n<script>"
    change = FieldChange("spec.description", None, nasty)
    waits = act("defer", "VO/b", "Paused", message=nasty)
    said = render.markdown(made(act("update", "VO/a", "SpecChanged", changes=(change,)), waits, warnings=(nasty,)))
    outside = re.sub(r"(`{3,}).*?\n\1|(?<!`)(`+)(?!`).*?(?<!`)\2(?!`)", "", said, flags=re.DOTALL)
    assert "@everyone" not in outside
    assert "<script>" not in outside
    assert outside.count("<details>") == outside.count("</details>") == 3


def test_a_comment_too_long_for_a_forge_is_cut_and_says_so():
    creates = [act("create", f"VO/new{n:05}", "New", spec={"description": "x" * 50}) for n in range(5000)]
    said = render.markdown(made(*creates, DRIFT))
    assert len(said) < 65_536
    assert "more lines: hanse plan shows all of them" in said
    assert said.count("<details>") == said.count("</details>")
    assert said.count("```") % 2 == 0


# -- the drawing ---------------------------------------------------------------------------------------------------


def test_a_drawing_has_a_wave_for_each_step():
    drawing = render.of_plan(made(WEB, WWW, TTL))
    assert [[box.ref for box in wave] for wave in drawing.waves] == [[TTL.ref, WEB.ref], [WWW.ref]]
    assert [(arrow.first, arrow.then) for arrow in drawing.arrows] == [(WEB.ref, WWW.ref)]


def test_mermaid_and_dot_name_every_box_and_arrow():
    drawing = render.of_plan(made(WEB, WWW))
    assert render.mermaid(drawing) == (
        """\
flowchart LR
  subgraph w1["1"]
    n0["+ VirtualCluster/vo-x/web"]:::create
  end
  subgraph w2["2"]
    n1["+ DNSRecord/vo-x/www"]:::create
  end
  n0 --> n1
  classDef create fill:#d7f5dd,stroke:#1a7f37,color:#1f2328
"""
    )
    assert '  "VirtualCluster/vo-x/web" -> "DNSRecord/vo-x/www";' in render.dot(drawing)


def test_the_svg_is_well_formed_and_nothing_overlaps():
    root = ET.fromstring(render.svg(render.of_plan(FULL)))
    boxes = [g.find("{http://www.w3.org/2000/svg}rect") for g in root.iter("{http://www.w3.org/2000/svg}g")]
    spots = [tuple(float(box.attrib[key]) for key in ("x", "y", "width", "height")) for box in boxes]
    assert len(spots) == len(FULL.actions)
    for i, (x, y, w, h) in enumerate(spots):
        for x2, y2, w2, h2 in spots[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_an_empty_drawing_is_still_a_picture():
    ET.fromstring(render.svg(render.of_plan(made())))


def test_all_resources_are_drawn_with_their_references():
    named = resource("VO/other", {}, edges=(Edge(VO.ref, "ready"),))
    whole = graph(VO, named)
    plan = planned(whole, held(VO), {VO.ref: present(VO)})
    drawing = render.of_graph(whole, plan)
    assert [(box.ref, box.role) for box in drawing.boxes] == [(VO.ref, "unchanged"), (named.ref, "create")]
    assert [(a.first, a.then, a.label) for a in drawing.arrows] == [(VO.ref, named.ref, "ready")]


# -- the data ------------------------------------------------------------------------------------------------------


def test_the_schema_is_a_schema_and_knows_every_verb_and_reason():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["verb"]["enum"] == [str(verb) for verb in Verb]
    assert SCHEMA["$defs"]["reason"]["enum"] == [str(reason) for reason in Reason]


def real_plans():
    new, gone = changed(VO, {"description": "another"}), resource("VO/gone", {})
    many = [resource(f"VO/vo{n:03}", {}) for n in range(12)]
    down = TargetState(reachable=False, complete=False, reason="connection refused")
    yield planned(graph(VO), held(), {})
    yield planned(graph(new), held(VO, gone), {VO.ref: present(VO), gone.ref: present(gone)})
    yield planned(graph(VO), held(VO), {VO.ref: present(new)})
    yield planned(graph(VO), held(), {VO.ref: present(VO, owned=False, uid="")})
    yield planned(graph(VO), held(gone), {}, registry_vos=down)
    yield planned(
        graph(VO), held(*many), {r.ref: present(r) for r in many}, Policy(NOW, deletes=Limit(absolute=3), playbooks="")
    )
    yield planned(graph(VO), held(VO), {VO.ref: present(VO)})


@pytest.mark.parametrize("plan", list(real_plans()))
def test_real_plans_are_as_the_schema_says(plan):
    errors = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(json.loads(to_json(plan)))]
    assert errors == []


@pytest.mark.parametrize("plan", list(real_plans()))
def test_real_plans_can_be_rendered(plan):
    assert render.text(plan).splitlines()
    assert render.markdown(plan).startswith(render.MARKER)
    ET.fromstring(render.svg(render.of_plan(plan)))
