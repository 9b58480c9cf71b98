"""How long something may take here and now: what a person is promised holds on a machine that has nothing else to do.

Where programs share the processors, each waits for its turn.  Tests that measure a promise in seconds allow so much
more; whatever can be counted in processor time, or told from a state, is not measured with this.
"""

from __future__ import annotations

import os


def crowding() -> float:
    """Return how many threads each processor has to serve; at least 1."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) if hasattr(os, "getloadavg") else 1.0


def allowed_s(promised_s: float) -> float:
    """Return what becomes of a promise on this machine as crowded as it is now."""
    return promised_s * crowding()
