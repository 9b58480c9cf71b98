"""Ends the process that it runs in."""

import os


def feed(*, site, start, end, feedback):
    os._exit(3)


def encode(*, frames, site):
    os._exit(4)
