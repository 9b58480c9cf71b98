"""Asks the viewer something as often as it can."""

import numpy as np


def feed(*, site, start, end, feedback):
    while True:
        site.ground_height(np.zeros((1, 2)))


def encode(*, frames, site):
    return []
