"""The command line: thin. Commands print, ask and own the exit codes; what they show is made elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reconciler.cli.application import app

__all__ = ["app", "main"]


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911 (one return per way to end)
    """Run one command and return its exit code: 0 done, 2 changes pending, 1 error, 3 blocked, 4 stale plan.

    Whatever goes wrong is one message on stderr; HANSE_DEBUG=1 shows where it came from.
    """
    from typer.exceptions import Abort, TyperException

    from reconciler.cli import errors
    from reconciler.errors import HanseError

    for closed in [name for name in ("stdout", "stderr") if getattr(sys, name) is None]:
        setattr(sys, closed, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 (open until the process ends)
    try:
        code = app(args=arguments, prog_name="hanse", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        return errors.usage(error)
    except HanseError as error:
        return errors.expected(error, os.environ)
    except (Abort, KeyboardInterrupt):
        return errors.interrupted()
    except BrokenPipeError:
        return errors.nobody_reads()
    except OSError as error:
        return errors.unusable(error, os.environ)
    except Exception as error:  # noqa: BLE001 (the outermost edge: people get a message, never a traceback)
        return errors.unexpected(error, os.environ)
    return code if isinstance(code, int) else 0
