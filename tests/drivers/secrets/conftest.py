from tests.real.secrets import openbao, sops  # noqa: F401 (fixtures)
