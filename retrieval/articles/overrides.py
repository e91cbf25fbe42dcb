"""What stands beside an article's file and states its metadata: sidecars and coverage.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from retrieval.articles.decoding import decode
from retrieval.articles.fields import NAMES, Fields, is_whole
from retrieval.articles.names import bare
from retrieval.errors import ArticleError
from retrieval.types import Article

COVERAGE = "coverage.yaml"
SIDECAR = ".meta.yaml"
_MAX_SIDECAR_BYTES = 100_000
_MAX_COVERAGE_BYTES = 1_000_000
_MAX_PATTERNS = 1_000  # each is compared with each file below


@dataclass(frozen=True, slots=True)
class Stated:
    """Metadata that is stated outside the article."""

    fields: Fields
    overrides: bool
    """Whether it counts whatever the article says, and not only where that says nothing."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """A coverage.yaml: what holds for the files in its folder and below.

    source: Gazette          # where an article does not say
    files:                   # whatever the article says
      "*.pdf": {author: Jo}
      "2024/a.html": {date: 2024-03-18}
    """

    path: str
    """Under the corpus."""
    defaults: Fields
    files: Mapping[str, Fields]
    """By file name, or by path below the folder, either of which may hold `*`, `?` and `[…]`."""

    def of(self, path: str) -> Iterator[Stated]:
        """What it states of a file, the strongest first: of several patterns the last one."""
        below = path.removeprefix(self.path.removesuffix(COVERAGE))
        name = below.rpartition("/")[2]
        for exact in dict.fromkeys((below, name)):
            if exact in self.files:
                yield Stated(self.files[exact], overrides=True)
        for pattern, fields in reversed(list(self.files.items())):
            against = below if "/" in pattern else name
            if any(char in pattern for char in "*?[") and fnmatchcase(against, pattern):
                yield Stated(fields, overrides=True)
        if self.defaults.values:
            yield Stated(self.defaults, overrides=False)


def sidecar_names(path: str) -> tuple[str, ...]:
    """What the sidecars of a file may be called, the strongest first."""
    unpacked = path[:-3] if path.lower().endswith(".gz") else path
    return tuple(dict.fromkeys(f"{name}{SIDECAR}" for name in (path, unpacked, bare(path))))


@lru_cache(maxsize=256)  # a corpus is looked through each time a question is asked
def read_coverage(file: Path, path: str, size: int, mtime_ns: int) -> Coverage:
    """A coverage.yaml; read again only when its size or time changes.

    Raises:
        ArticleError: it cannot be understood.
    """
    try:
        values = _read(file, size, _MAX_COVERAGE_BYTES)
        files = values.pop("files", None) or {}
        if not isinstance(files, dict) or not all(isinstance(v, dict) for v in files.values()):
            raise ValueError("its `files` do not name files and what holds for them")
        if sum(any(char in str(name) for char in "*?[") for name in files) > _MAX_PATTERNS:
            raise ValueError(f"more than {_MAX_PATTERNS:,} patterns")
        defaults = _checked(Fields(path, values)) if values else Fields(path, {})
        named = {
            str(name): _checked(Fields(f"{path} {name}", stated)) for name, stated in files.items()
        }
    except ValueError as error:
        raise ArticleError(path, f"{error}; the articles are read without it") from error
    return Coverage(path, defaults, named)


def read_sidecar(file: Path, path: str) -> Stated:
    """What a sidecar states.

    Raises:
        ValueError: it cannot be understood.
    """
    fields = Fields(f"sidecar {path.rpartition('/')[2]}", _read(file, 0, _MAX_SIDECAR_BYTES))
    return Stated(_checked(fields), overrides=True)


def _read(file: Path, size: int, max_bytes: int) -> dict[str, object]:
    from retrieval.articles.yaml_fields import read_yaml  # here, for most corpora have no use

    try:
        with file.open("rb") as opened:
            data = opened.read(max_bytes + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    if len(data) > max_bytes:
        raise ValueError(f"more than {max_bytes:,} bytes")
    return read_yaml(decode(data)[0])


def _checked(fields: Fields) -> Fields:
    """These.

    Raises:
        ValueError: they state nothing, or what is no text.
    """
    texts = [text for name in NAMES if (text := fields.text(name)) is not None]
    if not texts:
        raise ValueError(f"it states none of {', '.join(NAMES)}")
    if not all(map(is_whole, texts)):
        raise ValueError("it holds half of a surrogate pair")
    return fields


def override(article: Article, path: str, stated: tuple[Stated, ...]) -> Article:
    """The article with what is stated outside it, the strongest first."""
    says = {
        "title": not article.title_derived,
        "published": article.published is not None,
        "updated": article.updated is not None,
        "source": article.source != path,
        "url": article.url is not None,
        "author": article.author is not None,
    }
    notes: list[str] = []
    changes: dict[str, Any] = {}
    for each in stated:
        for name in NAMES:
            if name in changes or (says[name] and not each.overrides):
                continue
            if name not in ("published", "updated"):
                changes |= {name: text} if (text := each.fields.text(name)) else {}
            elif dated := each.fields.date(name, notes):
                changes[name], changes[f"{name}_from"] = dated
    if "title" in changes:
        changes["title_derived"] = False
    return replace(article, **changes, notes=(*article.notes, *notes))
