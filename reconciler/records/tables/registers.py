"""Registers that are kept here."""

from __future__ import annotations

from sqlalchemy import Index, Text
from sqlmodel import Field

from reconciler.records.tables.base import Base


class RegisterRow(Base, table=True):
    """A register that is kept here, and the token of how it stands."""

    __tablename__ = "registers"

    name: str = Field(primary_key=True)
    token: str


class DocumentRow(Base, table=True):
    """One document, and the register it is kept in; its body is JSON as it was written."""

    __tablename__ = "documents"
    __table_args__ = (Index("ix_documents_uid", "kept_in", "uid"),)

    kept_in: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    uid: str
    body: str = Field(sa_type=Text)
