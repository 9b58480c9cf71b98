"""Returns what nobody asked for."""


class Surprise:
    pass


def feed(*, site, start, end, feedback):
    return [Surprise(), lambda: None]


def encode(*, frames, site):
    return {"a": {1, 2}}
