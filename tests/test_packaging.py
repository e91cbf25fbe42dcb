"""The image and the service: what can be said of them without running them."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from bot.settings import DESCRIPTIONS
from tests.program import REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
SERVICE = (REPOSITORY / "contrib" / "dateline.service").read_text(encoding="utf-8")
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def copied() -> set[str]:
    """What the image is built from."""
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_the_image_is_built_from_all_that_the_package_is_made_of() -> None:
    """What is missing would be noticed only by whoever builds it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {
        "pyproject.toml",
        project["project"]["readme"],
        *project["project"]["license-files"],
        *wheel["packages"],
        *wheel["force-include"],
    }

    assert needed == copied()


def test_docker_is_shown_what_the_image_is_built_from_and_nothing_else() -> None:
    """A token in the folder must not get into a layer."""
    shown = re.findall(
        r"^!(.*)$", (REPOSITORY / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert copied() == set(shown)
    assert all((REPOSITORY / name).exists() for name in shown)


def test_the_image_runs_as_nobody_and_tells_its_health() -> None:
    """The last stage is what runs."""
    last = DOCKERFILE.rpartition("FROM ")[2]

    assert re.search(r"^USER (\d+):\1$", last, re.MULTILINE)
    assert 'CMD ["dateline", "health"]' in last
    assert "DATELINE_LIVENESS=/run/dateline/" in last
    assert set(re.findall(r"DATELINE_[A-Z]+", last)) <= set(DESCRIPTIONS)
    for folder in ("/var/lib/dateline", "/run/dateline"):
        assert folder in last
        assert re.search(rf"(-v dateline:|--tmpfs ){folder}", README)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
def test_the_service_is_one_that_systemd_takes(tmp_path: Path) -> None:
    """It only warns of a misspelt line, and runs without it."""
    unit = tmp_path / "dateline.service"
    unit.write_text(SERVICE.replace("/opt/dateline/bin/dateline", "/bin/true"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit],  # noqa: S607
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

    # It may have things to say of the machine's own units too.
    assert [] == [line for line in done.stderr.splitlines() if unit.name in line]
