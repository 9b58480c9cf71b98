"""The process that reads foreign files, and writes files: ``python -m twinviewer.formats.worker``.

It is a process of its own because native libraries die on damaged files.  Before it imports any of them it closes
what a file must never open: drivers that follow references to other files, the network, core dumps.  Requests come
on stdin, answers go to stdout, each as four bytes of length and a JSON object; what libraries print goes to stderr.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from twinviewer.isolation import own_process
from twinviewer.isolation.frames import receive, send
from twinviewer.model.feedback import Silent

_PROGRESS_EVERY_S = 0.05
_ALIVE_EVERY_S = 0.5
HELD_FLAG = "--held"
_ORPHAN_S = 2.0
"""Where C code keeps the interpreter, only a watchdog can end a worker whose viewer is gone; so much later than it."""

# GDAL drivers that read something else than the file they are given (other files, the network, pointers, commands).
# Skipping works only before a GDAL is loaded; there are two, pyogrio's and rasterio's.
_SKIPPED_DRIVERS = (
    "VRT OGR_VRT GTI HTTP WMS WMTS WCS WFS OAPIF OGCAPI PDF GDALG STACIT STACTA EEDA EEDAI PLMOSAIC PLScenes DAAS NGW "
    "CSW Elasticsearch AmigoCloud Carto GMLAS PostgreSQL PostGISRaster MySQL MongoDBv3 ODBC MSSQLSpatial TileDB Zarr "
    "Rasterlite KMLSUPEROVERLAY"
)
_ENVIRONMENT = {
    "GDAL_SKIP": _SKIPPED_DRIVERS,
    "OGR_SKIP": _SKIPPED_DRIVERS.replace(" ", ","),
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_PROXY": "127.0.0.1:9",  # the discard port: no request leaves the machine
    "GDAL_HTTPS_PROXY": "127.0.0.1:9",
    "NO_PROXY": "",
    "no_proxy": "",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
    "CPL_CURL_ENABLE_VSIMEM": "NO",
    "GDAL_MEM_ENABLE_OPEN": "NO",  # no memory addresses as file names; rasterio's own arrays do not need it
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    "GDAL_PAM_ENABLED": "NO",  # never write .aux.xml beside the user's data
    "PROJ_NETWORK": "OFF",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


_refusals: list[str] = []
"""What the plugin was refused, a sentence each."""


class _PipeFeedback(Silent):
    """Feedback to the viewer.  Being asked is a sign of life; being cancelled is being killed."""

    def __init__(self, stream: BinaryIO, silence_limit_s: float) -> None:
        self._stream = stream
        self._silence_limit_s = silence_limit_s
        self._told_at = 0.0

    def progress(self, fraction: float, text: str = "") -> None:
        self._tell_every(_PROGRESS_EVERY_S, {"progress": fraction, "text": text})

    def stop_if_cancelled(self) -> None:
        self._tell_every(_ALIVE_EVERY_S, {"alive": True})

    def tell_preview(self, header: dict[str, Any]) -> None:
        _end_when_silent(self._silence_limit_s)
        send(self._stream, {"preview": header})

    def _tell_every(self, interval_s: float, message: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._told_at >= interval_s:
            self._told_at = now
            _end_when_silent(self._silence_limit_s)
            send(self._stream, message)


def main(arguments: Sequence[str] = ()) -> int:
    """Answer requests until the viewer closes the pipe.

    Args:
        arguments: ``--held``: the first message says what a plugin's code may do in this process, and nothing else
            can be done in it from then on.
    """
    os.environ.update(_ENVIRONMENT)
    own_process.leave_interrupts()
    inbox, outbox = own_process.take_pipes()
    faulthandler.enable(2)
    own_process.limit_core_dumps()
    if HELD_FLAG in arguments and not _hold(receive(inbox)):
        return 0
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(inbox, requests), daemon=True).start()
    send(outbox, {"ready": os.getpid()})
    while True:
        message = requests.get()
        if "import" in message:
            _prepare(message["import"], message["call"], requests)
        else:
            _answer(message, outbox)


def _hold(message: dict[str, Any] | None) -> bool:
    """Hold this process to what a plugin may do; return whether the viewer is still there."""
    if message is None:
        return False
    from twinviewer.isolation.permissions import Granted, enforce

    granted = message["granted"]
    enforce(
        Granted(
            network=tuple(granted["network"]),
            read=tuple(granted["read"]),
            write=tuple(granted["write"]),
            subprocess=bool(granted["subprocess"]),
        ),
        plugin_folder=Path(message["plugin_folder"]),
        writable=[Path(each) for each in message["writable"]],
        readable=[Path(each) for each in message["readable"]],
        on_refusal=lambda refusal: _refusals.append(f"{refusal.problem} {refusal.cure}"),
    )
    return True


def _listen(inbox: BinaryIO, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    while (message := receive(inbox)) is not None:
        requests.put(message)
    os._exit(0)  # the viewer is gone: whatever is being read, nobody wants it


def _prepare(modules: list[str], functions: list[str], requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Import what reading will need, as long as nobody asks for anything, and then call ``module:function``."""
    for module in modules:
        if not requests.empty():
            return
        try:
            importlib.import_module(module)
        except ImportError:
            traceback.print_exc()  # whoever needs it meets the same error and tells it
    # They may take seconds, and nobody who asks for something should wait for them.
    threading.Thread(target=_call_each, args=(functions,), daemon=True).start()


def _call_each(functions: list[str]) -> None:
    for each in functions:
        module, _, function = each.partition(":")
        try:
            getattr(importlib.import_module(module), function)()
        except Exception:  # noqa: BLE001 – whoever needs it meets the same error and tells it
            traceback.print_exc()


def _answer(message: dict[str, Any], outbox: BinaryIO) -> None:
    from twinviewer.formats import reading, writing  # numpy and pyproj must not delay the first sign of life
    from twinviewer.formats.request import ReadRequest, WriteRequest, function_from_json
    from twinviewer.model.errors import TwinViewerError

    path = Path(message["path"])
    try:
        own_process.limit_memory(message["memory_limit"])
        _end_when_silent(message["silence_limit_s"])
        if "probes" in message:
            probes = [function_from_json(probe) for probe in message["probes"]]
            answer: dict[str, Any] = {"done": reading.probe_file(path, probes)}
        else:
            files = [Path(file) for file in message["files"]]
            feedback = _PipeFeedback(outbox, message["silence_limit_s"])
            if "layers" in message:
                order = WriteRequest.from_json(message["request"])
                answer = {"done": writing.write_file(order, message["layers"], files, feedback)}
            else:
                request = ReadRequest.from_json(message["request"])
                tell = feedback.tell_preview if message["previews"] else None
                answer = {"done": reading.read_file(request, files, feedback, tell_preview=tell)}
    except TwinViewerError as error:
        answer = {"error": error.code, "problem": error.problem, "cure": error.cure, "source": error.source}
    except MemoryError:
        answer = {"out_of_memory": True}
    except Exception as error:  # noqa: BLE001 – a reader's own failure on this file; the viewer puts it in words
        answer = {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
    except BaseException as error:  # noqa: BLE001 – a panic of a Rust library: told, and then this process ends
        send(outbox, {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})
        os._exit(1)
    faulthandler.cancel_dump_traceback_later()
    send(outbox, {**answer, "refused": _refusals})


def _end_when_silent(silence_limit_s: float) -> None:
    """End this process, with a traceback, unless it shows another sign of life; C code cannot keep it from that."""
    faulthandler.dump_traceback_later(silence_limit_s + _ORPHAN_S, exit=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
