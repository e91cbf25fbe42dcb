"""What a measurement is named by: the commit and the machine."""

import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).parents[2]
RESULTS = Path(__file__).with_name("results")


def commit() -> str:
    """The commit that is checked out, and whether anything but results has been changed since."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(_REPOSITORY), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    return git("rev-parse", "HEAD")[:12] + (
        "-changed"
        if git("status", "--porcelain", "--", ".", f":(exclude){RESULTS.relative_to(_REPOSITORY)}")
        else ""
    )


def machine() -> str:
    """Processor, cores and Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def keep(name: str, found: dict[str, Any]) -> Path:
    """Writes figures to `results/<name>-<commit>.json`."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{found['commit']}.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    return path
