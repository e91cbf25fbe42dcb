"""The installed `dateline` command, run as a person would: another process, its own folders."""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATELINE = Path(sys.executable).with_name("dateline")
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Finished:
    """What a run of the command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, read as one JSON document."""
        return json.loads(self.out)


def environment(home: Path, **settings: str) -> dict[str, str]:
    """A clean environment whose caches lie under `home`; nothing of ours, nothing of the hub's."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("DATELINE_", "DISCORD_", "HF_", "XDG_"))
    }
    return {**kept, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), **settings}


def dateline(
    *arguments: str | Path,
    home: Path,
    stdin: str | None = None,
    timeout_s: float = 120,
    as_root: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Finished:
    """Runs `dateline` with these arguments in the folder `home`, with piped output.

    Where the tests run as root, `as_root=False` makes file modes count nevertheless.
    """
    done = subprocess.run(
        [DATELINE, *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=home,
        env=environment(home, **settings or {}),
        timeout=timeout_s,
        preexec_fn=None if as_root else without_root_rights,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def without_root_rights() -> None:
    """Takes from root what lets it read and write everything, so that file modes count for it.

    For `preexec_fn`: it holds for the program started next. For others than root there is nothing
    to do.
    """
    if os.geteuid() == 0:
        drop_from_bounding_set = 24
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(drop_from_bounding_set, capability)
