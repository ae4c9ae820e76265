"""Base of every answer, and a refusal."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Base of every answer."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, from_attributes=True)


Status = Literal["True", "False", "Unknown"]


class Problem(Shape):
    """A refusal (RFC 9457)."""

    type: str
    status: int
    title: str
    detail: str
