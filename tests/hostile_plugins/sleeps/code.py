"""Waits for something that never comes."""

import threading


def feed(*, site, start, end, feedback):
    threading.Event().wait()


def encode(*, frames, site):
    return []
