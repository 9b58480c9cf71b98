"""Functions of arrays that are compiled to machine code, at their first call, and kept on disk for the next process.

A module that uses them takes a third of a second to import, and its first call one more second where nothing is kept
yet: it is imported where there is much to compute, and while a worker idles.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache

Integer = int | np.int64
"""What loops count with: where it is compiled, both are the same."""
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """Compile a function of arrays and numbers, which then runs without the interpreter's lock.

    Indices are not checked.  What it returns where it calls others of another module is kept until its own module
    changes.
    """
    dispatcher = numba.njit(nogil=True, error_model="numpy")(function)
    with suppress(RuntimeError):  # no folder can be written to: every process compiles anew
        dispatcher._cache = _Kept(function)
    return cast(_Function, dispatcher)


def is_kept(function: Callable[..., Any]) -> bool:
    """Return whether machine code of a compiled function is on disk, so that its first call takes no time."""
    cache = cast(Any, function)._cache
    return isinstance(cache, _Kept) and cache.is_there()


class _Kept(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Machine code on disk, beside the module or in the user's cache; neither is needed."""

    def is_there(self) -> bool:
        return Path(self._cache_file._index_path).exists()

    def load_overload(self, signature: Any, target: Any) -> Any:
        try:
            return super().load_overload(signature, target)
        except Exception:  # noqa: BLE001 – whatever a damaged file makes of unpickling: it is compiled again
            with suppress(OSError):
                self.flush()
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        with suppress(OSError):  # a full disk, for example
            super().save_overload(signature, result)
