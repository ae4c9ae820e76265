"""Options of a keystone target, and the credential that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from reconciler.errors import Terminal
from reconciler.model import Reason, SecretRef, Strict, Target
from reconciler.ports import Administrator, Drivers

if TYPE_CHECKING:
    from keystoneauth1.identity.v3 import Auth

Word = Annotated[str, Field(min_length=1)]


class Options(Strict):
    """How a keystone is reached."""

    endpoint: Word
    """Keystone's address, with or without ``/v3``."""
    region: Word | None = None
    apiOverrides: dict[str, str] = Field(default={})
    """Service type -> address to use instead of the catalogue's."""
    administrator: Administrator | None = None
    caFile: Word | None = None
    """Certificates to trust instead of the system's."""
    timeoutSeconds: Annotated[float, Field(gt=0)] = 60.0
    """Of one call."""

    @property
    def keystone(self) -> str:
        """The address of the v3 API."""
        return f"{self.endpoint.rstrip('/').removesuffix('/v3')}/v3"

    def credential(self, target: Target, drivers: Drivers) -> Auth:
        """The administrator's credential, its secret read now.

        Raises Terminal with ``reason=OBSERVE_ONLY`` where there is none: then there is nothing that could go wrong.
        """
        from keystoneauth1.identity.v3 import ApplicationCredential, Password

        given = self.administrator
        if given is None:
            cure = f'name one in the site\'s onboarding.administrator, or in [targets."{target.id}"] of hanse.toml'
            raise Terminal(f"needs an administrator's credential: {cure}", reason=Reason.OBSERVE_ONLY)
        if given.applicationCredential is not None:
            own = given.applicationCredential
            return ApplicationCredential(
                self.keystone,
                application_credential_id=own.id,
                application_credential_secret=_read(own.secret, drivers),
            )
        assert given.password is not None  # noqa: S101 (validated above)
        return Password(
            self.keystone,
            username=given.username,
            password=_read(given.password, drivers),
            user_domain_name=given.userDomain,
            project_name=given.project,
            project_domain_name=given.projectDomain,
        )


def _read(reference: SecretRef, drivers: Drivers) -> str:
    try:
        return drivers.secret(reference)
    except Terminal as error:
        raise Terminal(f"needs an administrator's credential: {error}", reason=Reason.OBSERVE_ONLY) from error
