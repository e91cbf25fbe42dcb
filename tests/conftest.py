"""What all tests share: corpora in temporary folders, the seeds, a clean environment."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from retrieval.model import DEFAULT_MODEL

if TYPE_CHECKING:
    from retrieval.reader.span import SpanReader

# A child that is forked beside open connections to Milvus could otherwise die of gRPC's clearing up
# before it runs its program.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
# Whoever runs the tests in the background ignores Ctrl-C, and so would every program they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("dateline", deadline=None, max_examples=60, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=10_000)  # new ones each time
settings.load_profile("dateline")

Corpus = Callable[[Mapping[str, str | bytes]], Path]
"""Writes files, by their path, into one corpus folder, and gives the folder."""

_REPOSITORY = Path(__file__).parent.parent
_LIBRARIES = (
    "sentence-transformers",
    "onnxruntime",
    "faiss-cpu",
    "sentencex",
    "discord.py",
)


def pytest_report_header() -> str:
    """Names what an answer depends on besides our own code."""
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    return f"model: {DEFAULT_MODEL}; {libraries}"


@pytest.fixture(autouse=True)
def clean_environ() -> Iterator[None]:
    """Gives every test an environment without our settings, and restores it afterwards."""
    before = dict(os.environ)
    for key in before:
        if key.startswith("DATELINE_") or key in ("DISCORD_TOKEN", "HF_HUB_OFFLINE"):
            del os.environ[key]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The corpus that the project ships."""
    return _REPOSITORY / "seeds"


@pytest.fixture(scope="session")
def golden() -> Path:
    """Invented articles with everything in them that has ever broken a reader."""
    return _REPOSITORY / "tests" / "golden"


@pytest.fixture(scope="session")
def reader() -> "SpanReader":
    """The reader that we ship, with its weights."""
    from retrieval.reader.span import SpanReader  # onnxruntime, which most tests do without

    return SpanReader.shipped()


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A factory of corpus folders: text is written as UTF-8 with its newlines as they are."""

    def write(files: Mapping[str, str | bytes]) -> Path:
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return write
