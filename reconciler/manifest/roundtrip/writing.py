"""Data as YAML text: in block style, or on one line; text that could be read as something else is quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import Node, ScalarNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

# Text that YAML 1.1 or 1.2 would read as something else than text, and indicators that parsers disagree about.
_AMBIGUOUS = re.compile(
    r"""(?ix) | ~ | null | true | false | yes | no | on | off | y | n | << | =
    | [-+]? 0 b [01_]+ | [-+]? 0 o? [0-7_]+ | [-+]? 0 x [0-9a-f_]+
    | [-+]? [0-9] [0-9_]* ( : [0-5]? [0-9] )+ ( \. [0-9_]* )?
    | [-+]? ( [0-9] [0-9_]* ( \. [0-9_]* )? | \. [0-9_]+ ) ( e [-+]? [0-9]+ )? | [-+]? \. inf | \. nan
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} .*
    | [-?:] .*"""
)
_BREAKS = re.compile("[\n\x85\u2028\u2029\ufeff]")
"""What parsers take for the end of a line, or leave out, unless it is written as an escape."""


def dump(data: Any) -> str:
    """``data`` as a new YAML document in block style; text that could be read as a number or so is quoted."""
    out = StringIO()
    codec().dump(_quoted(data), out)
    return out.getvalue()


def inline(data: Any, old: Node | None = None) -> str:
    """A value on one line; a quoted scalar stays quoted."""
    if isinstance(data, str) and isinstance(old, ScalarNode) and old.style == '"':
        data = DoubleQuotedScalarString(data)
    out = StringIO()
    yaml = codec()
    yaml.default_flow_style = True
    yaml.dump([_quoted(data)], out)
    return out.getvalue().strip()[1:-1]


def codec() -> YAML:
    """YAML as it is read and written here."""
    yaml = YAML(typ="rt", pure=True)
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.width = 1 << 20
    return yaml


def _quoted(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {_quoted(key): _quoted(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_quoted(value) for value in data]
    if isinstance(data, str) and (_BREAKS.search(data) or _AMBIGUOUS.fullmatch(data)):
        return DoubleQuotedScalarString(data)
    return data
