"""A process that is held to permissions, to try hostile code in: it says what became of each attempt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.conftest import ROOT
from twinviewer.isolation.permissions import Granted

WITHIN_S = 60
NOTHING = Granted()
_PROGRAM = """
import json, sys
from pathlib import Path
from twinviewer.isolation.permissions import Granted, enforce

task = json.loads(sys.stdin.read())
told = []
restricted = enforce(
    Granted(**{key: tuple(value) if isinstance(value, list) else value for key, value in task["granted"].items()}),
    plugin_folder=Path(task["plugin"]), writable=[Path(each) for each in task["writable"]],
    readable=[Path(each) for each in task["readable"]],
    on_refusal=lambda refusal: told.append([refusal.problem, refusal.cure]),
)
outcomes = {}
for name, code in task["attempts"].items():
    names = dict(task["names"])
    try:
        exec(code, names)
        outcomes[name] = {"result": names.get("result")}
    except BaseException as error:
        kinds = [each.__name__ for each in type(error).__mro__]
        outcomes[name] = {"error": str(error), "kinds": kinds, "number": getattr(error, "errno", None)}
kernel = [restricted.files, restricted.tcp, restricted.signals]
print(json.dumps({"outcomes": outcomes, "told": told, "kernel": kernel}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What became of the attempts."""

    outcomes: dict[str, dict[str, object]]
    told: list[tuple[str, str]]
    """Problem and cure of what was told to the host."""
    kernel: tuple[bool, bool, bool]

    def result(self, name: str) -> object:
        outcome = self.outcomes[name]
        assert "error" not in outcome, outcome
        return outcome["result"]

    def refusal(self, name: str) -> str:
        """Return the sentence with which an attempt was refused."""
        outcome = self.outcomes[name]
        assert "error" in outcome, f"{name} was not refused: {outcome}"
        kinds = outcome["kinds"]
        assert isinstance(kinds, list)
        assert "PermissionRefused" in kinds, outcome
        assert "PermissionError" in kinds
        return str(outcome["error"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of a plugin, and a home with something in it that is nobody's business."""

    root: Path
    plugin: Path = field(init=False)
    scratch: Path = field(init=False)
    data: Path = field(init=False)
    home: Path = field(init=False)
    canary: Path = field(init=False)

    def __post_init__(self) -> None:
        for name in ("plugin", "scratch", "data", "home"):
            folder = self.root / name
            folder.mkdir()
            object.__setattr__(self, name, folder)
        (self.home / ".ssh").mkdir()
        object.__setattr__(self, "canary", self.home / ".ssh" / "id_rsa")
        self.canary.write_text("a secret")
        (self.plugin / "stations.csv").write_text("a,b\n")

    def attempt(
        self,
        attempts: Mapping[str, str],
        *,
        granted: Granted = NOTHING,
        readable: Sequence[Path] = (),
        variables: Mapping[str, str] = MappingProxyType({}),
        **names: object,
    ) -> Outcomes:
        """Run each piece of code in one process; what it leaves in ``result`` is its result."""
        task = {
            "granted": {name: getattr(granted, name) for name in ("network", "read", "write", "subprocess")},
            "plugin": str(self.plugin),
            "writable": [str(self.scratch), str(self.data)],
            "readable": [str(each) for each in readable],
            "attempts": dict(attempts),
            "names": {
                **{name: str(getattr(self, name)) for name in ("plugin", "scratch", "data", "home", "canary")},
                **names,
            },
        }
        proxies = ("http_proxy", "https_proxy", "all_proxy")
        inherited = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            env={**inherited, "HOME": str(self.home), "PYTHONPATH": str(ROOT), **variables},
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout.splitlines()[-1])
        return Outcomes(
            outcomes=answer["outcomes"],
            told=[(problem, cure) for problem, cure in answer["told"]],
            kernel=tuple(answer["kernel"]),
        )
