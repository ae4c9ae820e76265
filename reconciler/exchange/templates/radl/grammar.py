"""The grammar of RADL: what its documents look like, told to lark."""

from __future__ import annotations

from functools import cache

from lark import Lark

GRAMMAR = r"""
start: (ansible | network | system | configure | contextualize | deploy | description | include)*

ansible: "ansible" id features
network: "network" id features?
system: "system" id features?
description: "description" id features
include: "include" id features?
configure: "configure" id ("(" RECIPE? ")")?
contextualize: "contextualize" QUANTITY? "(" step* ")"
step: "system" id "configure" id ("step" QUANTITY)? ("with" WORD)?  -> step
    | "option" WORD "=" value                                        -> option
deploy: "deploy" id QUANTITY id?

features: "(" (feature (("and" | ",")? feature)*)? ")"
?feature: WORD OPERATOR value            -> feature
        | WORD "contains" element        -> contains
        | "soft" QUANTITY features       -> soft
?element: features | value
?value: STRING | QUANTITY | WORD | list | object
list: "[" (value ("," value)*)? "]"
object: ("system" | "network") WORD

id: WORD | STRING | QUANTITY

OPERATOR: ">=" | "<=" | "=>" | "=<" | "=" | ">" | "<"
STRING: /'[^']*'/ | /"[^"]*"/
QUANTITY: /-?\d+(\.\d+)?([a-zA-Z]{1,4})?(?![\w.-])/
WORD: /[a-zA-Z_][\w.\-]*/ | /\d[\w.\-]*[a-zA-Z_][\w.\-]*/
RECIPE: /@begin.*?@end/s
COMMENT: /#[^\n]*/

%ignore /\s+/
%ignore COMMENT
"""


@cache
def parser() -> Lark:
    """The parser, made once."""
    return Lark(GRAMMAR, parser="lalr", propagate_positions=True, maybe_placeholders=False)
