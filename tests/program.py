"""The installed `dateline` command, run as a person would: another process, its own folders."""

import json
import os
import subprocess
import sys
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
    **settings: str,
) -> Finished:
    """Runs `dateline` with these arguments in the folder `home`, with piped output."""
    done = subprocess.run(
        [DATELINE, *arguments],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=home,
        env=environment(home, **settings),
        timeout=timeout_s,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)
