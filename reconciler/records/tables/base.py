"""Base of every table, and the columns that many have."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import BigInteger, Index, Integer, MetaData, Table, text
from sqlmodel import Field, SQLModel

from reconciler.records.columns import Instant, Json, Said

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """Base of every table; constraints have names, so that a migration can speak of them."""

    metadata = MetaData(naming_convention=_NAMES)


def instant(**kwargs: Any) -> Any:
    """A moment, kept in UTC."""
    return Field(sa_type=Instant, **kwargs)


def json() -> Any:
    """Plain data."""
    return Field(sa_type=Json)


def words() -> Any:
    """What others said: cut, and without what a database refuses."""
    return Field(default="", sa_type=Said, nullable=False)


def from_zero() -> Any:
    """A number in a column that came later: 0 in the rows that were there."""
    return Field(default=0, sa_column_kwargs={"server_default": text("0")})


def from_nothing() -> Any:
    """A word in a column that came later: "" in the rows that were there."""
    return Field(default="", sa_column_kwargs={"server_default": text("''")})


def serial() -> Any:
    """A number that the database gives each row."""
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Field(default=None, primary_key=True, sa_type=kind, sa_column_kwargs={"autoincrement": True})


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over only those rows that ``where`` holds for."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


def table(row: type[Base]) -> Table:
    """The Core table behind a class."""
    return cast("Table", row.__table__)  # type: ignore[attr-defined]
