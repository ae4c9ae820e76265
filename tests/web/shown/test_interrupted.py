"""What a killed run had begun is told by the API, on the resource's page and on the run's own."""

from __future__ import annotations

from reconciler.daemon.lease import held
from reconciler.daemon.loop import Bell
from reconciler.model import Operation
from reconciler.reconcile import propose
from tests.web.shown.conftest import WWW, Showing, commit, manifests


def test_what_was_begun_and_never_ended_is_told_wherever_one_looks(tmp_path):
    with Showing(tmp_path, None) as made:
        commit(made.root, manifests().replace("192.0.2.10", "192.0.2.99"))
        house = made.service.house
        plan = propose(house, "HEAD").plan
        [action] = [one for one in plan.actions if one.ref == WWW]
        run = house.store.runs.begin(plan.commit, plan.digest, "ada", "apply")  # and killed, when it had begun this
        journal = house.store.journal.open(run, plan.commit, plan.digest, {})
        journal.intend([Operation(f"{run}/000000", run, action)])
        with held(house.store, 60, lambda: None) as house.fence:
            made.service.step(Bell())
        [event] = made.json(f"/api/v1/events?run={run}")["items"]
        assert (event["ref"], event["verb"], event["state"], event["who"]) == (WWW, "update", "interrupted", "ada")
        told = made.json(f"/api/v1/resources/{WWW}")["events"]
        assert [one["state"] for one in told] == ["done", "interrupted", "done"]
        for path in (f"/resources/{WWW}", f"/runs/{run}"):
            page = made.get(path, None).text
            assert event["message"] in page, path
            assert "</span> interrupted</span>" in page, path
