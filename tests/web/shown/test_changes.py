"""What is going to change is told field by field, on the plan and on the resource's own page, before it is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.daemon.loop import Bell
from reconciler.daemon.service import Planned
from reconciler.model import Choice
from reconciler.reconcile import propose
from tests.web.shown.conftest import WWW, Showing, commit, manifests


def test_fields_that_differ_are_told_with_both_values(tmp_path):
    with Showing(tmp_path, None) as made:
        commit(made.root, manifests().replace("192.0.2.10", "192.0.2.99"))
        proposal = propose(made.service.house, "HEAD")
        choice = Choice(WWW, "spec.site", ("NORTH",), "most room", "EAST", (("SOUTH", "has <none>"),))
        graph = replace(proposal.graph, choices=(*proposal.graph.choices, choice))
        made.service.planned = Planned(proposal.plan, graph, datetime.now(UTC))
        page = made.get(f"/resources/{WWW}", None).text
        for said in (
            "To <strong>update</strong>",
            "spec.values",
            "192.0.2.10",
            "192.0.2.99",
            "most room",
            "has &lt;none&gt;",
        ):
            assert said in page, said
        plan = made.get("/plan", None).text
        assert "Git moved" in plan
        assert "192.0.2.99" in plan
        told = made.json("/api/v1/resources/DNSRecord/tides/www")
        assert [change["path"] for change in told["action"]["changes"]] == ["spec.values"]
        assert told["choices"][0]["runner_up"] == "EAST"
        made.service.step(Bell())
        assert "As wanted: update was done in this round" in made.get(f"/resources/{WWW}", None).text
