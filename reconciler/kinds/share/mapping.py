"""The mapping: one object of keystone with the rules of all shares, and perhaps with rules that people wrote.

A rule is ours when it leads into groups that carry our mark, and into nothing else. Only such rules are changed or
taken away. An entitlement is escaped and anchored in its rule: keystone takes it for a regular expression, in which an
unescaped dot would let in others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from reconciler.kinds.share.spec import ShareSpec
from reconciler.model import encode
from reconciler.ports import Group
from reconciler.ports.identity import Rule

_ELSEWHERE = "elsewhere"
_LONGEST = 200


def rule(spec: ShareSpec, group_id: str) -> Rule:
    """The rule that lets the bearers of the share's entitlements, and nobody else, into its group."""
    claims = spec.claims
    return {
        "local": [{"user": {"name": "{0}"}}, {"group": {"id": group_id}}],
        "remote": [
            {"type": claims.subject},
            {"type": claims.issuer, "any_one_of": [spec.issuer]},
            {"type": claims.entitlement, "regex": True, "any_one_of": [pattern(e) for e in spec.entitlements]},
        ],
    }


def rule_by_name(spec: ShareSpec) -> Rule:
    """The same rule for a keystone that somebody else looks after: the group is given by its name and domain."""
    made = rule(spec, "")
    group = {"name": spec.group, "domain": {"name": spec.domain}}
    return {**made, "local": [made["local"][0], {"group": group}]}


def pattern(entitlement: str) -> str:
    """The regular expression that matches one entitlement and nothing else."""
    return f"^{re.escape(entitlement)}$"


def nobody(spec: ShareSpec) -> Rule:
    """A rule that lets nobody in: a mapping must have one."""
    remote = [{"type": spec.claims.subject}, {"type": spec.claims.entitlement, "any_one_of": ["hanse:nobody"]}]
    return {"local": [{"user": {"name": "{0}"}}], "remote": remote}


def leads_to(rule: Rule, groups: Mapping[str, Group], domain: str) -> frozenset[str]:
    """Ids of the groups that a rule leads into; ``elsewhere`` among them when it gives anything else as well."""
    found = set[str]()
    for local in rule.get("local", ()):
        for what, value in local.items():
            if what == "group":
                found.add(_group(value, groups, domain))
            elif what not in ("user", "domain"):
                found.add(_ELSEWHERE)
    return frozenset(found)


def _group(named: Any, groups: Mapping[str, Group], domain: str) -> str:
    if not isinstance(named, Mapping):
        return _ELSEWHERE
    if "id" in named:
        return str(named["id"])
    its = named.get("domain") or {}
    same = [
        g.id for g in groups.values() if g.name == named.get("name") and its in ({"id": g.domain_id}, {"name": domain})
    ]
    return same[0] if same else _ELSEWHERE


class Rules:
    """The rules of a keystone's mappings, by what they lead into.

    ``gone`` are groups that rules name and that there are not: such a rule keeps whoever it is about from coming in.
    """

    def __init__(
        self,
        mappings: Mapping[str, Sequence[Rule]],
        groups: Mapping[str, Group],
        domain: str,
        gone: Collection[str] = (),
    ) -> None:
        self._mappings, self._gone = mappings, gone
        self._leads = {name: [leads_to(r, groups, domain) for r in rules] for name, rules in mappings.items()}

    def own(self, group_id: str, spec: ShareSpec) -> dict[str, list[Rule]]:
        """Mapping -> rules that lead into this group alone, or that led into one the share had before."""
        former = rule(spec, "")["remote"]
        return self._that(lambda r, leads: leads == {group_id} or self._stale(r, leads, [former]))

    def mixed(self, group_id: str) -> dict[str, list[Rule]]:
        """Mapping -> rules that lead into this group and into something else."""
        return self._that(lambda _, leads: group_id in leads and len(leads) > 1)

    def _that(self, holds: Callable[[Rule, frozenset[str]], bool]) -> dict[str, list[Rule]]:
        found = {
            name: [r for r, leads in zip(rules, self._leads[name], strict=True) if holds(r, leads)]
            for name, rules in self._mappings.items()
        }
        return {name: rules for name, rules in found.items() if rules}

    def _stale(self, rule: Rule, leads: frozenset[str], remotes: Collection[Any]) -> bool:
        return len(leads) == 1 and leads <= set(self._gone) and rule.get("remote") in remotes

    def with_own(
        self, mapping: str, ours: Mapping[str, Sequence[Rule]], marked: Collection[str], specs: Iterable[ShareSpec]
    ) -> list[Rule]:
        """The rules of ``mapping`` with those of the groups in ``ours``, which are of ``specs``, replaced.

        People's come first, in their order; ours follow, in the order of their groups. ``marked`` are our groups.
        """
        here = list(zip(self._mappings.get(mapping, ()), self._leads.get(mapping, ()), strict=True))
        former = [rule(spec, "")["remote"] for spec in specs]
        rest = [(r, leads) for r, leads in here if not (len(leads) == 1 and leads <= ours.keys())]
        rest = [(r, leads) for r, leads in rest if not self._stale(r, leads, former)]
        theirs = [r for r, leads in rest if not leads or not leads <= set(marked)]
        kept = [(min(leads), r) for r, leads in rest if leads and leads <= set(marked)]
        fresh = [(group, r) for group, rules in ours.items() for r in rules]
        return [*theirs, *(r for _, r in sorted(kept + fresh, key=lambda pair: (pair[0], encode(pair[1]))))]


def deviations(spec: ShareSpec, group_id: str, rules: Rules, mapping: str) -> tuple[str, ...]:
    """What rules of this group say that no share could."""
    found = []
    for name, own in sorted(rules.own(group_id, spec).items()):
        good = [r for r in own if name == mapping and entitlements(spec, group_id, r)]
        found += [f"mapping {name}: {_said(r)}" for r in own if r not in good]
        found += [f"mapping {name}: {len(good)} rules where one is enough"] if len(good) > 1 else []
    return tuple(sorted(set(found)))


def _said(rule: Rule) -> str:
    """Whom a rule lets in, short."""
    text = encode([{k: v for k, v in part.items() if k != "type"} or part for part in rule.get("remote", ())]).decode()
    return f"a rule lets in {text[:_LONGEST]}"


def let_in(spec: ShareSpec, group_id: str, rules: Rules, mapping: str) -> tuple[str, ...]:
    """The entitlements that come into the group by rules as they should be."""
    own = rules.own(group_id, spec).get(mapping, [])
    found = {entitlement for r in own for entitlement in entitlements(spec, group_id, r)}
    return tuple(sorted(found))


def entitlements(spec: ShareSpec, group_id: str, there: Rule) -> tuple[str, ...]:
    """The entitlements that a rule lets in, when it is the rule a share would have for them; none otherwise."""
    patterns = [p for part in there.get("remote", ()) if part.get("regex") for p in part.get("any_one_of", ())]
    plain = tuple(re.sub(r"\\(.)", r"\1", p.removeprefix("^").removesuffix("$"), flags=re.DOTALL) for p in patterns)
    return plain if plain and there == rule(spec.model_copy(update={"entitlements": plain}), group_id) else ()


def named(spec: ShareSpec, mappings: Mapping[str, Sequence[Rule]], known: Collection[str]) -> set[str]:
    """Ids of groups, other than the known ones, that rules with the share's own condition lead into."""
    remote = rule(spec, "")["remote"]
    rules = [r for rules in mappings.values() for r in rules if r.get("remote") == remote]
    found = {group for r in rules for group in leads_to(r, {}, "")}
    return found - {_ELSEWHERE} - set(known)
