"""Many short time series side by side, in two arrays: the memory behind the observation store.

Row i holds the samples of one thing, ascending in time, in the first ``count[i]`` columns of a block that is written
to the right and moved back to the left when it is full.  Asking for the sample at an instant is a binary search in
all rows at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]


class SeriesTable:
    """Bounded time series of ``width`` numbers per sample.  Not thread-safe.

    Args:
        width: Numbers per sample.
        capacity: Samples per row that are always kept; up to twice as many may be.
    """

    def __init__(self, *, width: int, capacity: int) -> None:
        self._capacity = capacity
        self._columns = min(16, 2 * capacity)
        self._rows = 0
        self._times = np.full((0, self._columns), np.inf)
        self._values = np.zeros((0, self._columns, width))
        self._count = np.zeros(0, np.int64)

    def __len__(self) -> int:
        return self._rows

    def add_rows(self, n: int) -> None:
        """Add ``n`` empty rows."""
        needed = self._rows + n
        if needed > len(self._count):
            size = max(needed, 2 * len(self._count))
            self._times = _grown(self._times, size, self._columns, np.inf)
            self._values = _grown(self._values, size, self._columns, 0.0)
            self._count = np.concatenate((self._count, np.zeros(size - len(self._count), np.int64)))
        self._rows = needed

    def append(
        self, row: Int64s, times: Float64s, values: Float64s, *, focus_s: float | None = None
    ) -> tuple[float, float]:
        """Insert samples.

        A sample of the same row and time as an older one replaces it.  Where a row overflows, the samples nearest to
        ``focus_s`` (None: the newest) stay.

        Args:
            row: (n,) row of each sample, in any order.
            times: (n,) finite seconds.
            values: (n, width)
            focus_s: What must not be forgotten.

        Returns:
            The time span outside of which a row may have been forgotten; infinite ends where none was.
        """
        if len(row) == 0:
            return -np.inf, np.inf
        step, later = np.diff(row), np.diff(times) > 0
        if not ((step > 0) | ((step == 0) & later)).all():
            order = np.lexsort((np.arange(len(row)), times, row))
            row, times, values = row[order], times[order], values[order]
        last = np.ones(len(row), np.bool_)
        last[:-1] = (row[1:] != row[:-1]) | (times[1:] != times[:-1])
        row, times, values = row[last], times[last], values[last]
        touched, first, added = np.unique(row, return_index=True, return_counts=True)
        count = self._count[touched]
        newest = np.where(count > 0, self._times[touched, count - 1], -np.inf)
        in_order = newest < times[first]
        kept_from, kept_to = -np.inf, np.inf
        fits = count + added <= self._columns
        if not fits.all() and self._columns < 2 * self._capacity:
            self._widen(int((count + added).max()))
            fits = count + added <= self._columns
        simple = in_order & fits
        rank = np.arange(len(row)) - np.repeat(first, added)
        if simple.any():
            chosen = np.repeat(simple, added)
            at = rank[chosen] + np.repeat(count[simple], added[simple])
            self._times[row[chosen], at] = times[chosen]
            self._values[row[chosen], at] = values[chosen]
            self._count[touched[simple]] += added[simple]
        for index in np.flatnonzero(~simple):
            part = slice(first[index], first[index] + added[index])
            start, end = self._merge(int(touched[index]), times[part], values[part], focus_s)
            kept_from, kept_to = max(kept_from, start), min(kept_to, end)
        return kept_from, kept_to

    def sample_at(self, instant_s: float) -> Int64s:
        """Return for each row (n,) the column of its last sample at or before the instant, −1 where there is none."""
        low = np.full(self._rows, -1)
        high = self._count[: self._rows].copy()
        rows = np.arange(self._rows)
        times = self._times
        for _ in range(int(self._columns).bit_length()):
            middle = (low + high) >> 1
            inside = high - low > 1
            below = inside & (times[rows, np.maximum(middle, 0)] <= instant_s)
            low = np.where(below, middle, low)
            high = np.where(inside & ~below, middle, high)
        return low

    def count(self) -> Int64s:
        """Return the number of samples of each row (n,)."""
        return self._count[: self._rows]

    def take(self, rows: Int64s, columns: Int64s) -> tuple[Float64s, Float64s]:
        """Return times (n,) and values (n, width) of one sample of each of ``rows``."""
        return self._times[rows, columns], self._values[rows, columns]

    def _widen(self, needed: int) -> None:
        self._columns = min(2 * self._capacity, max(needed, 2 * self._columns))
        self._times = _grown(self._times, len(self._times), self._columns, np.inf)
        self._values = _grown(self._values, len(self._values), self._columns, 0.0)

    def newest_s(self) -> Float64s:
        """Return the time of the newest sample of each row (n,), −inf where there is none."""
        count = self.count()
        times, _ = self.take(np.arange(self._rows), np.maximum(count - 1, 0))
        return np.where(count > 0, times, -np.inf)

    def keep_newest(self, most: int) -> Int64s:
        """Forget the rows heard of longest ago; return those (``most``,) that stay, as 0, 1, … in their old order."""
        rows: Int64s = np.sort(np.argsort(-self.newest_s(), kind="stable")[:most])
        self._times, self._values, self._count = self._times[rows], self._values[rows], self._count[rows]
        self._rows = len(rows)
        return rows

    def _merge(self, row: int, times: Float64s, values: Float64s, focus_s: float | None) -> tuple[float, float]:
        """Insert late, double or overflowing samples into one row; return the span outside of which some are lost."""
        count = int(self._count[row])
        all_times = np.concatenate((self._times[row, :count], times))
        all_values = np.concatenate((self._values[row, :count], values))
        order = np.argsort(all_times, kind="stable")
        last = np.ones(len(order), np.bool_)
        last[:-1] = all_times[order][1:] != all_times[order][:-1]
        order = order[last]
        kept_from, kept_to = -np.inf, np.inf
        if len(order) > self._columns:
            excess = len(order) - self._capacity
            start = excess
            if focus_s is not None:
                middle = int(np.searchsorted(all_times[order], focus_s))
                start = min(excess, max(0, middle - self._capacity // 4))  # most of it ahead: time runs on
            order = order[start : start + self._capacity]
            if start > 0:
                kept_from = float(all_times[order[0]])
            if start < excess:
                kept_to = float(all_times[order[-1]])
        kept = len(order)
        self._times[row, :kept] = all_times[order]
        self._times[row, kept:] = np.inf
        self._values[row, :kept] = all_values[order]
        self._count[row] = kept
        return kept_from, kept_to


def _grown(array: NDArray[Any], rows: int, columns: int, fill: float) -> NDArray[Any]:
    grown = np.full((rows, columns, *array.shape[2:]), fill)
    grown[: array.shape[0], : array.shape[1]] = array
    return grown
