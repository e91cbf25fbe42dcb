"""What is remembered of each corpus file, and of how much all of them hold."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from retrieval.articles import CorpusFile
from retrieval.dates import PartialDate
from retrieval.errors import ArticleError
from retrieval.index.milvus.connection import Row
from retrieval.index.milvus.rows import hash_of, lengths, short
from retrieval.index.milvus.store import State, Store, Totals
from retrieval.index.storage import Group

_MAX_REFUSED = 14_000  # characters of what a file's row remembers of its refused records


@dataclass(frozen=True, slots=True)
class FileRow:
    """One corpus file as it was when it was read."""

    path: str
    size: int
    mtime_ns: int
    totals: Totals
    refused: tuple[tuple[int | None, str], ...]
    """Line and reason of each record, or of the file itself, that is no article."""
    unsettled: bool
    """It has to be read again next time, though it stays as it is."""

    def row(self) -> Row:
        """As it is written."""
        return {
            "pk": short(self.path),
            "hash": hash_of(self.path),
            "troubled": bool(self.refused),
            "data": json.dumps(asdict(self), ensure_ascii=False),
            "nothing": [0.0, 0.0],
        }

    @classmethod
    def of(cls, row: Row) -> "FileRow":
        """From what `row` gave."""
        raw = json.loads(row["data"])
        refused = tuple((line, reason) for line, reason in raw["refused"])
        return cls(**{**raw, "totals": Totals(**raw["totals"]), "refused": refused})


def file_rows(store: Store, state: State) -> Iterator[FileRow]:
    """All files that were read."""
    return map(FileRow.of, store.select(state, "files", "hash >= 0", ["data"]))


def refused_records(store: Store, state: State) -> list[ArticleError]:
    """What of the corpus files is no article."""
    rows = store.select(state, "files", "troubled == true", ["data"])
    return [
        ArticleError(record.path, reason, line)
        for record in map(FileRow.of, rows)
        for line, reason in record.refused
    ]


def digest_of(files: Iterable[CorpusFile]) -> str:
    """Equal for the very same files, by path, size and time of change."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.path}\0{file.size}\0{file.mtime_ns}\0".encode())
    return digest.hexdigest()


def fitting(
    refused: Sequence[tuple[int | None, str]],
) -> tuple[tuple[tuple[int | None, str], ...], bool]:
    """As many reasons as a row has room for, and whether that is all of them."""
    kept: list[tuple[int | None, str]] = []
    room = _MAX_REFUSED
    for line, reason in refused:
        room -= len(reason) + 20
        if room < 0:
            return tuple(kept), False
        kept.append((line, reason))
    return tuple(kept), True


def totals_of(groups: Sequence[Group]) -> Totals:
    """How much some articles are."""
    dates = [group[0].article.published for group in groups if group[0].article.published]
    sizes = [lengths(group) for group in groups]
    return Totals(
        articles=len(groups),
        passages=sum(map(len, groups)),
        words=sum(own for own, _ in sizes),
        article_words=sum(whole for _, whole in sizes),
        first=_text(min(dates, key=lambda date: date.first_day, default=None)),
        last=_text(max(dates, key=lambda date: date.last_day, default=None)),
    )


def together(parts: Iterable[Totals]) -> Totals:
    """How much there is in all."""
    parts = list(parts)
    first = [PartialDate.from_iso(part.first) for part in parts if part.first]
    last = [PartialDate.from_iso(part.last) for part in parts if part.last]
    return Totals(
        articles=sum(part.articles for part in parts),
        passages=sum(part.passages for part in parts),
        words=sum(part.words for part in parts),
        article_words=sum(part.article_words for part in parts),
        first=_text(min(first, key=lambda date: date.first_day, default=None)),
        last=_text(max(last, key=lambda date: date.last_day, default=None)),
    )


def _text(date: PartialDate | None) -> str | None:
    return None if date is None else str(date)
