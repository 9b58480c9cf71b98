"""Keeps everything that it ever made."""

kept = []


def feed(*, site, start, end, feedback):
    while True:
        kept.append(bytearray(4 * 2**20))


def encode(*, frames, site):
    return []
