"""The profile as it is computed with, and the one that is there without being declared."""

from __future__ import annotations

from reconciler.availability import EGI, AggregationProfile, Function, Operations
from reconciler.kinds.aggregationprofile.spec import (
    AggregationProfileSpec,
    FunctionGroup,
    OperationsProfile,
    ServiceOperation,
)

_FUNCTIONS = {
    "compute": ("ARC-CE", "CREAM-CE", "org.opensciencegrid.htcondorce", "org.nordugrid.arex", "QCG.Computing", "CE"),
    "storage": ("SRM", "SRMv2", "XRootD", "webdav", "globus-GRIDFTP", "eu.egi.cloud.storage-management.oneprovider"),
    "information": ("Site-BDII",),
    "cloud": ("org.openstack.nova", "eu.egi.cloud.vm-management.occi"),
}

DEFAULT = AggregationProfileSpec(
    description="Like EGI's: one of each function is enough, every function is needed",
    groups=tuple(
        FunctionGroup(name=name, services=tuple(ServiceOperation(name=service) for service in services))
        for name, services in _FUNCTIONS.items()
    ),
    others="OR",
)


def profile_of(name: str, spec: AggregationProfileSpec) -> AggregationProfile:
    """The profile to compute with. Raises ValueError for truth tables with holes and operations that there are not."""
    functions = tuple(
        Function(group.name, group.operation, {one.name: one.operation for one in group.services})
        for group in spec.groups
    )
    operations = tables(spec.operations) if spec.operations else EGI
    return AggregationProfile(
        name, functions, spec.metricOperation, spec.profileOperation, spec.others or "", operations
    )


def tables(spec: OperationsProfile) -> Operations:
    """Truth tables as they are computed with. Raises ValueError."""
    rows = {one.name: [(row.a, row.b, row.x) for row in one.truthTable] for one in spec.operations}
    defaults = spec.defaults
    return Operations.of_rows(
        spec.name,
        spec.availableStates,
        rows,
        down=defaults.down,
        missing=defaults.missing,
        unknown=defaults.unknown,
    )
