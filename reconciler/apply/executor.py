"""Who runs the calls: one after the other (tests), or a pool of threads (the default)."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self, TypeVar

T = TypeVar("T")


class Executor(Protocol):
    """Runs calls; used as a context."""

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run ``call``, now or soon."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class Serial:
    """Runs each call at once, in the calling thread."""

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run ``call`` now."""
        future: Future[T] = Future()
        try:
            future.set_result(call())
        except Exception as error:  # noqa: BLE001 (a future carries whatever its call raised)
            future.set_exception(error)
        return future

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        return None


class Threads:
    """Runs calls in ``workers`` threads."""

    def __init__(self, workers: int = 8) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="apply")

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Run ``call`` soon, with the log context of whoever asked."""
        return self._pool.submit(contextvars.copy_context().run, call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
