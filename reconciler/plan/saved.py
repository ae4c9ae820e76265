"""A plan as versioned JSON data (``hanse.plan/v1``) and back. Its JSON Schema is schemas/hanse.plan.v1.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from reconciler.errors import StalePlan
from reconciler.model import Action, Choice, Edge, FieldChange, Plan, Ranked, Reason, Ref, Verb, digest_of, encode
from reconciler.model.part import Agreed, Part, Wanted
from reconciler.plan import accounted
from reconciler.plan.claims import data as claimed
from reconciler.plan.claims import take

FORMAT = "hanse.plan/v1"


def data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data, without its digest (which is taken over exactly this) and its allocations."""
    parts = {"parts": [_part(part) for part in plan.parts]} if plan.parts else {}
    return {
        **parts,
        "format": FORMAT,
        "commit": plan.commit,
        "schema": plan.schema,
        "desired": plan.desired,
        "observed": plan.observed,
        "playbooks": plan.playbooks,
        "unchanged": plan.unchanged,
        "unread": plan.unread,
        "actions": [_action(action) for action in plan.actions],
        "choices": [_choice(choice) for choice in plan.choices],
        "unreachable": dict(plan.unreachable),
        "strays": list(plan.strays),
        "warnings": list(plan.warnings),
        "data": accounted.data(plan.data) if plan.data else None,
    }


def to_json(plan: Plan) -> bytes:
    """The plan as a file: indented, keys sorted, ends in a newline; the same plan gives the same bytes."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    told = {**data(plan), **claimed(plan.allocations, plan.digest), "digest": plan.digest}
    return orjson.dumps(told, option=options)


def from_json(content: bytes) -> Plan:
    """The plan of a file. Raises StalePlan when it is not a plan, or was changed after it was made."""
    try:
        read = orjson.loads(content)
        said = read.pop("digest")
        found = read["format"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise StalePlan("this is not a plan file: make one with hanse plan --out FILE") from error
    if found != FORMAT:
        raise StalePlan(f"the plan's format is {found}, this version reads {FORMAT}: plan again")
    try:
        asked = take(read, said)
        if digest_of(encode(read)) != said:
            raise StalePlan("the plan file was changed after it was made: plan again")
        return replace(_read(read, said), allocations=asked)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StalePlan("the plan file holds what no plan holds: plan again") from error


def _read(read: Mapping[str, Any], digest: str) -> Plan:
    return Plan(
        commit=read["commit"],
        schema=read["schema"],
        actions=tuple(_read_action(action) for action in read["actions"]),
        unchanged=read["unchanged"],
        unread=read["unread"],
        choices=tuple(_read_choice(choice) for choice in read["choices"]),
        unreachable=read["unreachable"],
        strays=tuple(read["strays"]),
        warnings=tuple(read["warnings"]),
        data=accounted.read(read["data"]) if read["data"] else None,
        parts=tuple(_read_part(part) for part in read.get("parts", ())),
        observed=read["observed"],
        playbooks=read["playbooks"],
        desired=read["desired"],
        digest=digest,
    )


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "digest": part.digest, "wanted": [_wanted(one) for one in part.wanted]}


def _wanted(one: Wanted) -> dict[str, Any]:
    by = [{"sort": giver.sort, "identity": giver.identity, "issuer": giver.issuer} for giver in one.by]
    return {"ref": one.ref, "what": one.what, "digest": one.digest, "why": one.why, "by": by, "given": one.given}


def _read_part(read: Mapping[str, Any]) -> Part:
    wanted = tuple(
        Wanted(
            Ref(one["ref"]),
            one["what"],
            one["digest"],
            one["why"],
            tuple(Agreed(giver["sort"], giver["identity"], giver["issuer"]) for giver in one["by"]),
            one["given"],
        )
        for one in read["wanted"]
    )
    return Part(read["name"], read["digest"], wanted)


def _action(action: Action) -> dict[str, Any]:
    found: dict[str, Any] = {
        "verb": str(action.verb),
        "ref": action.ref,
        "reason": str(action.reason),
        "target": action.target,
        "uid": action.uid,
        "generation": action.generation,
        "changes": [_change(change) for change in action.changes],
        "waitsFor": list(action.waits_for),
        "fingerprint": action.fingerprint,
        "spec": action.spec,
        "before": action.before,
        "references": [{"ref": e.ref, "gate": e.gate, "path": e.path, "output": e.output} for e in action.edges],
        "message": action.message,
        "blocked": str(action.blocked) if action.blocked else None,
        "previous": action.previous,
    }
    return found


def _read_action(read: Mapping[str, Any]) -> Action:
    return Action(
        verb=Verb(read["verb"]),
        ref=Ref(read["ref"]),
        reason=Reason(read["reason"]),
        target=read["target"],
        uid=read["uid"],
        generation=read["generation"],
        changes=tuple(FieldChange(**change) for change in read["changes"]),
        waits_for=tuple(Ref(ref) for ref in read["waitsFor"]),
        fingerprint=read["fingerprint"],
        spec=read["spec"],
        before=read["before"],
        edges=tuple(Edge(Ref(e["ref"]), e["gate"], e["path"], e["output"]) for e in read["references"]),
        message=read["message"],
        blocked=Reason(read["blocked"]) if read["blocked"] else None,
        previous=Ref(read["previous"]) if read["previous"] else None,
    )


def _change(change: FieldChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "origin": change.origin,
        "known": change.known,
        "ignored": change.ignored,
    }


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "ref": choice.ref,
        "field": choice.field,
        "chosen": list(choice.chosen),
        "reason": choice.reason,
        "runnerUp": choice.runner_up,
        "rejected": [list(pair) for pair in choice.rejected],
        "kept": choice.kept,
        "movedFrom": list(choice.moved_from),
        "released": list(choice.released),
        "ranked": [_ranked(one) for one in choice.ranked],
    }


def _ranked(one: Ranked) -> dict[str, Any]:
    return {"name": one.name, "score": one.score, "reason": one.reason, "parts": [list(part) for part in one.parts]}


def _read_choice(read: Mapping[str, Any]) -> Choice:
    return Choice(
        ref=Ref(read["ref"]),
        field=read["field"],
        chosen=tuple(read["chosen"]),
        reason=read["reason"],
        runner_up=read["runnerUp"],
        rejected=tuple((name, why) for name, why in read["rejected"]),
        kept=read["kept"],
        moved_from=tuple(read["movedFrom"]),
        released=tuple(read["released"]),
        ranked=tuple(
            Ranked(one["name"], one["score"], one["reason"], tuple((what, share) for what, share in one["parts"]))
            for one in read["ranked"]
        ),
    )
