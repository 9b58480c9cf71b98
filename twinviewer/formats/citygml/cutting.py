"""A large CityGML file, cut where members seem to begin, and scanned on all processors at once.

That a cut is true shows when the piece before it turns out whole; else more is added to that piece.  What is not for
the scanner goes to libxml2: the piece alone where that is enough, all that follows where something is wrong with it.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from lxml import etree

from twinviewer.formats.citygml.elements import ElementColumns, Elements, Uint8s, pieces_of
from twinviewer.formats.citygml.namespaces import Prolog, understood
from twinviewer.formats.citygml.scanner import Outcome, scan
from twinviewer.formats.citygml.stream import MEMBER_TAG, PARSING, is_member, is_outermost, members
from twinviewer.formats.findings import Findings
from twinviewer.model.feedback import Feedback

_LEAST, _MOST = 2**18, 2**22
"""Bytes of a piece, if its members are not larger."""
_PIECES = 24
"""Of a file that is not very large, so that progress is seen."""
_TREE_MOST = 2**24
"""Bytes that libxml2 gets at once; it needs ten times as much memory for them."""
_WINDOW = 2**16
_TAG_BYTES = 100
"""At least as long as what shows that a member begins."""
_ASK_EVERY_S = 0.05


class _Piece(NamedTuple):
    start: int
    stop: int
    elements: Elements | None
    """None where it is not whole, or not well-formed."""
    is_open: bool
    """Whether more of the file may make it whole."""
    is_last: bool
    """Whether the root ends in it."""


def scanned_pieces(
    path: Path, size: int, prolog: Prolog, *, feedback: Feedback, findings: Findings
) -> Iterator[Elements]:
    """Yield all that a file of ``size`` bytes holds; see :func:`twinviewer.formats.citygml.pieces.pieces`."""
    given, at = 0, len(prolog.content)
    with closing(_Ahead(path, size, prolog, feedback)) as ahead:
        while (piece := ahead.piece(at)).elements is not None or piece.is_open:
            if piece.elements is None:
                ahead.extend(piece)
                continue
            if len(piece.elements.name):
                yield piece.elements
            feedback.progress(piece.stop / size, "Reading city objects")
            if piece.is_last:
                return
            given += _members_in(piece.elements)
            at = piece.stop
    yield from pieces_of(members(path, feedback=feedback, findings=findings, behind=(at, given)))


def _members_in(elements: Elements) -> int:
    are_members = np.array([is_member(name) for name in elements.names])
    return int(are_members[elements.name[elements.parent < 0]].sum())


class _Ahead:
    """Pieces that are scanned before they are asked for: one more than there are processors."""

    def __init__(self, path: Path, size: int, prolog: Prolog, feedback: Feedback) -> None:
        self._path, self._size, self._prolog, self._feedback = path, size, prolog, feedback
        self._step = min(max(size // _PIECES, _LEAST), _MOST)
        self._threads = _processors()
        self._pool = ThreadPoolExecutor(self._threads)
        self._file: BinaryIO = path.open("rb")
        self._waiting: deque[tuple[int, Future[_Piece]]] = deque()
        """Where pieces end."""

    def piece(self, start: int) -> _Piece:
        """Return the piece that begins where the one before it ends, or at the first child of the root.

        Raises:
            Cancelled: The person stopped the work.
        """
        last = self._waiting[-1][0] if self._waiting else start
        while len(self._waiting) <= self._threads and (last < self._size or not self._waiting):
            last = self._submit(last, last + self._step)
        _, scanning = self._waiting.popleft()
        while True:
            self._feedback.stop_if_cancelled()
            try:
                return scanning.result(timeout=_ASK_EVERY_S)
            except TimeoutError:
                continue

    def extend(self, piece: _Piece) -> None:
        """Scan a piece again, with as much again of what follows."""
        self._forget()
        self._submit(piece.start, 2 * piece.stop - piece.start)

    def close(self) -> None:
        """Wait for what is being scanned, and forget it."""
        self._forget()
        self._pool.shutdown()
        self._file.close()

    def _forget(self) -> None:
        for _, scanning in self._waiting:
            scanning.cancel()
        self._waiting.clear()

    def _submit(self, start: int, at: int) -> int:
        stop = self._next_cut(at)
        self._waiting.append((stop, self._pool.submit(_scanned, self._path, start, stop, self._size, self._prolog)))
        return stop

    def _next_cut(self, at: int) -> int:
        """Return where something that looks like a member begins, or the end of the file."""
        while at < self._size:
            self._feedback.stop_if_cancelled()
            self._file.seek(at)
            window = self._file.read(_WINDOW)
            if begin := MEMBER_TAG.search(window):
                return at + begin.start()
            if len(window) < _WINDOW:
                break
            at += _WINDOW - _TAG_BYTES
        return self._size


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _scanned(path: Path, start: int, stop: int, size: int, prolog: Prolog) -> _Piece:
    content = np.empty(stop - start + 1, np.uint8)
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        count = file.readinto(content.data[:-1]) or 0
    content = content[: count + 1]
    content[-1] = 0
    scanned = scan(content)
    is_open = scanned.outcome is Outcome.OPEN and stop < size
    # At the end of the file the root has to be closed, and anything may follow; nowhere else may it be.
    is_last = scanned.outcome is Outcome.CLOSED and _is_end_of(prolog.root, content[scanned.position :])
    if is_last or (scanned.outcome is Outcome.WHOLE and stop < size):
        elements = understood(scanned, content, prolog.namespaces)
        if elements is not None:
            return _Piece(start, stop, elements, is_open=False, is_last=is_last)
    if is_open:
        return _Piece(start, stop, None, is_open=True, is_last=False)
    return _Piece(
        start, stop, _by_libxml2(content[:-1], prolog, is_last=stop == size), is_open=False, is_last=stop == size
    )


def _is_end_of(root: bytes, content: Uint8s) -> bool:
    tag, bracket, _ = content[: len(root) + _TAG_BYTES].tobytes().partition(b">")
    return bool(bracket) and tag.rstrip(b" \t\r\n") == b"</" + root


def _by_libxml2(content: Uint8s, prolog: Prolog, *, is_last: bool) -> Elements | None:
    """Return what is in a piece, None where libxml2 has any objection."""
    if len(content) > _TREE_MOST:
        return None
    closed = b"" if is_last else b"</" + prolog.root + b">"
    try:
        root = etree.fromstring(prolog.content + content.tobytes() + closed, etree.XMLParser(**PARSING))
    except etree.XMLSyntaxError:
        return None
    columns = ElementColumns()
    for child in root.iterchildren("*"):
        if is_outermost(child.tag):
            columns.add(child)
    return columns.finished()
