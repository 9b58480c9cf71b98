"""Is in C code that lets nothing else run: not even a thread could say that it lives."""

import re


def feed(*, site, start, end, feedback):
    return re.fullmatch(r"(a+)+", "a" * 60 + "b")


def encode(*, frames, site):
    return []
