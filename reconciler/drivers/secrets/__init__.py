"""Secrets, read at the moment of use: environment, files, SOPS, OpenBao. Errors name the reference, never the value."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from reconciler.drivers.secrets.kept import Kept
from reconciler.drivers.secrets.openbao import OpenBao
from reconciler.drivers.secrets.sops import Sops
from reconciler.errors import Terminal
from reconciler.masking import MASK
from reconciler.model import SecretRef
from reconciler.ports.secrets import OpenBaoOptions, SopsOptions

__all__ = ["Secrets"]


class Secrets:
    """Every source of secrets of one reconciler. May be used by many threads."""

    def __init__(
        self,
        environment: Mapping[str, str],
        committed: Callable[[str], bytes],
        sops: SopsOptions,
        openbao: OpenBaoOptions,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``committed`` gives a file of the repository as of the commit in force; it raises Terminal."""
        self._environment = environment
        self._sops = Sops(sops, environment, committed, Kept(monotonic))
        self._openbao = OpenBao(openbao, self.read, Kept(monotonic), monotonic)

    def read(self, reference: SecretRef) -> str:
        """The secret. Raises Terminal, or Transient where the store cannot be reached now."""
        value = self._read(reference)
        MASK.learn(value)
        return value

    def login(self) -> None:
        """Log in to OpenBao anew. Raises Terminal when that is refused, Transient when it cannot be asked."""
        self._openbao.login()

    def _read(self, reference: SecretRef) -> str:
        if reference.env is not None:
            if reference.env not in self._environment:
                raise Terminal(f"the environment variable {reference.env} is not set: set it for the reconciler")
            return self._environment[reference.env]
        if reference.sops is not None:
            return self._sops.read(reference.sops)
        if reference.openbao is not None:
            return self._openbao.read(reference.openbao)
        try:
            return Path(reference.file or "").read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise Terminal(f"the secret file {reference.file} cannot be read: {why}") from error
