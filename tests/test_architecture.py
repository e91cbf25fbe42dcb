"""Which way dependencies point: bot → retrieval, never back, and nothing heavy before its time."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).parent.parent
_HEAVY = {
    *("discord", "bot", "torch", "onnxruntime", "faiss", "sentence_transformers", "pymilvus"),
    *("babel", "htmldate", "lxml", "trafilatura"),
}
_DOORS = {
    "retrieval",
    "retrieval.context",
    "retrieval.dates",
    "retrieval.engine",
    "retrieval.errors",
    "retrieval.evaluation",
    "retrieval.feeds",
    "retrieval.model",
    "retrieval.oddities",
    "retrieval.places",
    "retrieval.survey",
    "retrieval.types",
    "retrieval.watching",
}


def _imported_by(module: str) -> set[str]:
    """The names of all modules that a fresh interpreter holds after one import."""
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=_REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["retrieval.engine", "retrieval.survey", "retrieval.types", "retrieval.errors"]
)
def test_the_doors_open_without_anything_heavy(module: str) -> None:
    """`dateline --help` must not wait five seconds for torch."""
    assert set() == _HEAVY & _imported_by(module)


def _imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every module a file imports, and whether only for its types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in for_types
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or "", id(node) in for_types
            if node.module == "retrieval":  # `from retrieval import engine` is a door too
                for alias in node.names:
                    if (_REPOSITORY / "retrieval" / f"{alias.name}.py").exists():
                        yield f"retrieval.{alias.name}", id(node) in for_types


def _files(package: str) -> list[Path]:
    return sorted((_REPOSITORY / package).rglob("*.py"))


@pytest.mark.parametrize(
    "path", _files("retrieval"), ids=lambda path: str(path.relative_to(_REPOSITORY))
)
def test_retrieval_has_never_heard_of_discord_or_the_bot(path: Path) -> None:
    """The library is usable, and testable, without either."""
    assert set() == {name for name, _ in _imports(path) if name.split(".")[0] in ("bot", "discord")}


@pytest.mark.parametrize("path", _files("bot"), ids=lambda path: str(path.relative_to(_REPOSITORY)))
def test_the_bot_enters_retrieval_by_its_doors_only(path: Path) -> None:
    """What lies behind them may then be rearranged. Types alone may be named from anywhere."""
    used = {name for name, _ in _imports(path) if name.split(".")[0] == "retrieval"}
    for_types = {name for name, only_types in _imports(path) if only_types}

    assert used - for_types <= _DOORS


def test_the_rooms_of_retrieval_depend_in_one_direction() -> None:
    """Each may import those before it: the order in which data flows."""
    order = [
        ("retrieval.errors", "retrieval.dates", "retrieval.places"),
        ("retrieval.types", "retrieval.sentences", "retrieval.words", "retrieval.model"),
        ("retrieval.articles", "retrieval.passages", "retrieval.embedder"),
        ("retrieval.index", "retrieval.copies"),
        ("retrieval.candidates", "retrieval.reader"),
        ("retrieval.answers",),
        (
            "retrieval.engine",
            "retrieval.survey",
            "retrieval.feeds",
            "retrieval.watching",
            "retrieval.oddities",
        ),
    ]
    level = {room: number for number, rooms in enumerate(order) for room in rooms}

    def room(module: str) -> str:
        return ".".join(module.split(".")[:2])

    wrong = [
        f"{module} imports {name}"
        for path in _files("retrieval")
        for module in [".".join(path.relative_to(_REPOSITORY).with_suffix("").parts)]
        if room(module) in level
        for name, _ in _imports(path)
        if room(name) in level and level[room(name)] > level[room(module)]
    ]

    assert [] == wrong
