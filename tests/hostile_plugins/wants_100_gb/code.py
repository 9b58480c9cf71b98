"""Asks for more memory at once than there is."""

import numpy as np


def feed(*, site, start, end, feedback):
    return np.ones(100 * 2**30 // 8)


def encode(*, frames, site):
    return []
