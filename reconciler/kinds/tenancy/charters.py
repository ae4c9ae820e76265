"""From a Tenancy's spec to the rules that the engine asks."""

from __future__ import annotations

from reconciler.kinds.tenancy.spec import Allow, Needed, SomeBody, TenancyScope, TenancySpec
from reconciler.model import Ref
from reconciler.tenancy import Charter, Rule, Scope, Subject, Word


def charter(name: Ref, spec: TenancySpec) -> Charter:
    """What one Tenancy says, as a rule book."""
    return Charter(
        name,
        _scope(spec.scope),
        spec.rest,
        spec.authority.part if spec.authority else "",
        spec.roles,
        tuple(map(_rule, spec.allow)),
        tuple(map(_word, spec.approvals)),
        tuple((one.namespaces, one.kinds or ("*",)) for one in spec.refers),
    )


def subject(body: SomeBody) -> Subject:
    """Somebody, as the engine knows him."""
    if body.role is not None:
        return Subject("role", body.role, level=body.over or "", over=body.name or "")
    if body.entitlement is not None:
        return Subject("entitlement", body.entitlement, body.issuer or "")
    if body.person is not None:
        return Subject("person", body.person, body.issuer or "")
    if body.signer is not None:
        return Subject("signer", body.signer)
    return Subject("user", body.user) if body.user is not None else Subject("team", body.team or "")


def _rule(allow: Allow) -> Rule:
    return Rule(tuple(map(subject, allow.who)), frozenset(allow.actions), _scope(allow), allow.fields or ())


def _word(needed: Needed) -> Word:
    return Word(tuple(map(subject, needed.by)), needed.fields, needed.what, _scope(needed))


def _scope(given: TenancyScope) -> Scope:
    lists = (given.kinds, given.namespaces, given.paths, given.targets, given.resources)
    return Scope(*(patterns or () for patterns in lists))
