"""Secrets as variables: ansible-playbook loads this file by path, as a vars plugin.

They are read from the anonymous file named in HANSE_SECRETS. What comes from here Ansible never takes for a template.
"""  # noqa: INP001 (Ansible loads it by path)

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.plugins.vars import BaseVarsPlugin  # type: ignore[import-untyped]

DOCUMENTATION = """
name: secrets_in_memory
version_added: "2.19"
short_description: Secrets of a run as variables
description: Secrets of a run as variables, read from memory
"""


@lru_cache(maxsize=1)
def _secrets() -> dict[str, str]:
    found: dict[str, str] = json.loads(Path(os.environ["HANSE_SECRETS"]).read_bytes())
    return found


class VarsModule(BaseVarsPlugin):  # type: ignore[misc]
    """The same secrets for every host."""

    REQUIRES_ENABLED = False

    def get_vars(self, loader: Any, path: str, entities: Any, cache: bool = True) -> dict[str, str]:  # noqa: ARG002
        """Every secret."""
        return dict(_secrets())
