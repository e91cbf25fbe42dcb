"""One segment: some articles with all that is searched in, written once, mapped into memory."""

import hashlib
import itertools
import json
import mmap
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from retrieval.copies import version_keys
from retrieval.dates import PartialDate
from retrieval.embedder import Embeddings
from retrieval.errors import IndexDamagedError
from retrieval.index.arrays import Array, map_arrays, save_arrays
from retrieval.index.dense import Dense, write_dense
from retrieval.index.postings import Ints, Postings, merge_postings, postings
from retrieval.index.storage import ARTICLES, Group, SegmentRecord, Sentences, decode, encode
from retrieval.types import Article, article_key
from retrieval.words import stems

UNDATED = np.iinfo(np.int32).min
_EMBEDDINGS = "embeddings.faiss"
_ARRAYS, _NAMES = "arrays.bin", "names.json"
_HEAD = np.dtype(
    [
        ("line", np.int64),  # where its line begins
        ("row", np.int64),  # its first passage
        ("first_day", np.int32),  # of what its date can mean, as days since the year 1; or UNDATED
        ("last_day", np.int32),
        ("source", np.int32),  # which of the names of sources
        ("address", np.uint64),  # equal for articles that may be versions of one; 0 for none
        ("headline", np.uint64),
        ("digest", "V16"),  # of its line
        ("content", "V16"),  # of its passages' texts: equal where embeddings are
    ]
)


class Segment:
    """An open segment. Its files may be removed while it is open.

    Attributes:
        record: as it stood when it was opened; which articles count may have changed since.
        ids: of its articles, in order, which is theirs.
        sources: the names of their sources.
        heads: what is known of each article without reading it, and one more that ends the last.
        words: the postings of its passages.
        article_words: those of its articles, their titles included.
    """

    def __init__(self, folder: Path, record: SegmentRecord) -> None:
        """Maps the files of the segment that `record` describes in the index folder.

        Raises:
            IndexDamagedError: they cannot be understood.
        """
        self.record = record
        self._folder = folder
        place = folder / record.name
        try:
            names = json.loads((place / _NAMES).read_text(encoding="utf-8"))
            self.ids: list[str] = names["ids"]
            self.sources: list[str] = names["sources"]
            self._keys: list[str] | None = names.get("keys")  # which older versions did not write
            self.heads, *rest = map_arrays(place / _ARRAYS)
            self.words, self.article_words = Postings(*rest[:5]), Postings(*rest[5:])
            self._dense = Dense(place / _EMBEDDINGS) if record.embedded else None
            with (place / ARTICLES).open("rb") as file:
                self._lines = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (RuntimeError, OSError, ValueError, KeyError, TypeError) as error:
            raise IndexDamagedError(folder, "its embeddings or words cannot be read") from error
        sizes = {record.rows, int(self.heads["row"][-1]), len(self.words.lengths)}
        if self._dense is not None:
            sizes.add(self._dense.size)
        counts = {record.articles, len(self.ids), len(self.heads) - 1}
        if len(sizes) > 1 or len(counts) > 1:
            raise IndexDamagedError(folder, "its parts are of different sizes")

    @property
    def keys(self) -> Sequence[str]:
        """The `article_key` of each article."""
        if self._keys is None:
            self._keys = [article_key(self.article(n)[0]) for n in range(len(self.ids))]
        return self._keys

    def line(self, ordinal: int) -> bytes:
        """The line of one article."""
        return self._lines[int(self.heads["line"][ordinal]) : int(self.heads["line"][ordinal + 1])]

    def article(self, ordinal: int) -> tuple[Article, Sentences]:
        """One article, and the sentences of its passages.

        Raises:
            IndexDamagedError: it cannot be understood.
        """
        return decode(self._folder, self.line(ordinal))

    @property
    def dense(self) -> Dense:
        """The embeddings of its passages.

        Raises:
            IndexDamagedError: it has none yet.
        """
        if self._dense is None:
            raise IndexDamagedError(self._folder, f"{self.record.name} has no embeddings")
        return self._dense


@dataclass(frozen=True, slots=True)
class Layout:
    """How what counts in several segments lies in one order, that of article ids.

    "Place" is the number of an article in it, "row" that of a passage.
    """

    ids: Sequence[str]
    owners: Ints
    """Which segment each article is in."""
    ordinals: Ints
    """Its number there."""
    first_rows: Ints
    """The first row of each, and one more that ends the last."""
    places: tuple[npt.NDArray[np.int32], ...]
    """For each segment, the place of each of its articles; -1 for one that does not count."""
    rows: tuple[npt.NDArray[np.int32], ...]
    """For each segment, the row of each of its passages; -1 likewise."""

    @classmethod
    def of(cls, segments: Sequence[Segment], deleted: Sequence[Sequence[int]]) -> "Layout":
        """Lays out segments without the articles deleted from each."""
        counting = [np.ones(len(segment.ids), dtype=np.bool_) for segment in segments]
        for mask, gone in zip(counting, deleted, strict=True):
            mask[list(gone)] = False
        kept = [np.flatnonzero(mask) for mask in counting]
        owners = np.repeat(np.arange(len(segments)), [len(ordinals) for ordinals in kept])
        ordinals = np.concatenate([np.empty(0, dtype=np.int64), *kept])
        ids = [
            segment.ids[ordinal]
            for segment, some in zip(segments, kept, strict=True)
            for ordinal in some.tolist()
        ]
        order = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
        owners, ordinals = owners[order], ordinals[order]
        sizes = np.empty(len(ids), dtype=np.int64)
        places, rows = [], []
        for number, segment in enumerate(segments):
            mine = owners == number
            sizes[mine] = np.diff(segment.heads["row"])[ordinals[mine]]
        first_rows = np.concatenate([[0], np.cumsum(sizes)])
        for number, segment in enumerate(segments):
            mine = owners == number
            place = np.full(len(segment.ids), -1, dtype=np.int32)
            place[ordinals[mine]] = np.flatnonzero(mine)
            there = segment.heads["row"]
            shift = np.repeat(first_rows[place] - there[:-1], np.diff(there))
            row = (np.arange(len(shift)) + shift).astype(np.int32)
            row[np.repeat(place < 0, np.diff(there))] = -1
            places.append(place)
            rows.append(row)
        return cls(
            [ids[number] for number in order.tolist()],
            owners,
            ordinals,
            first_rows,
            tuple(places),
            tuple(rows),
        )


def write_segment(folder: Path, groups: Sequence[Group]) -> None:
    """Writes articles, each as its passages, into an empty folder; all but their embeddings.

    Args:
        folder: where to.
        groups: at least one, in order of id.
    """
    heads = np.zeros(len(groups) + 1, dtype=_HEAD)
    sources: dict[str, int] = {}
    line = row = 0
    tokens: list[list[str]] = []
    article_tokens: list[list[str]] = []
    with (folder / ARTICLES).open("wb") as file:
        for ordinal, group in enumerate(groups):
            article = group[0].article
            encoded = encode(group)
            file.write(encoded)
            source = sources.setdefault(article.source, len(sources))
            days = _days(article.published)
            shared_keys = version_keys(article)
            shared = (_number(shared_keys.get(by)) for by in ("address", "headline"))
            hashes = _short(encoded), content_hash(group)
            heads[ordinal] = (line, row, *days, source, *shared, *hashes)
            line += len(encoded)
            row += len(group)
            own = [stems(passage.text) for passage in group]
            tokens += own
            article_tokens.append([*stems(article.title), *itertools.chain.from_iterable(own)])
    heads[-1]["line"], heads[-1]["row"] = line, row
    ids = [group[0].article.article_id for group in groups]
    keys = [article_key(group[0].article) for group in groups]
    _write_names(folder, ids, keys, list(sources))
    _write_arrays(folder, heads, postings(tokens), postings(article_tokens))


def _write_arrays(folder: Path, heads: Array, words: Postings, article_words: Postings) -> None:
    parts = (words, article_words)
    arrays = [getattr(part, field.name) for part in parts for field in fields(Postings)]
    save_arrays(folder / _ARRAYS, [heads, *arrays])


def _write_names(
    folder: Path, ids: Sequence[str], keys: Sequence[str], sources: Sequence[str]
) -> None:
    names = {"ids": ids, "keys": keys, "sources": sources}
    (folder / _NAMES).write_text(json.dumps(names), encoding="utf-8")


def _days(published: PartialDate | None) -> tuple[int, int]:
    if published is None:
        return UNDATED, UNDATED
    return published.first_day.toordinal(), published.last_day.toordinal()


def _number(key: str | None) -> int:
    """Eight bytes of a hash as a number; 0 for None."""
    if key is None:
        return 0
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())


def content_hash(group: Group) -> bytes:
    """Sixteen bytes that are equal for articles whose embeddings are equal."""
    digest = hashlib.blake2b(digest_size=16)
    for passage in group:
        digest.update(passage.text.encode() + b"\0")
    return digest.digest()


def article_hash(group: Group) -> bytes:
    """Sixteen bytes that are equal for articles of which nothing differs."""
    return _short(encode(group))


def _short(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=16).digest()


def write_embeddings(folder: Path, embeddings: Embeddings) -> None:
    """Writes the embeddings of a segment's passages, in order."""
    write_dense(folder / _EMBEDDINGS, len(embeddings), embeddings.__getitem__)


def merge(folder: Path, segments: Sequence[Segment], deleted: Sequence[Sequence[int]]) -> int:
    """Writes what counts of several segments as one, into an empty folder.

    Returns:
        How many articles it holds; nothing is written for none.
    """
    layout = Layout.of(segments, deleted)
    if not layout.ids:
        return 0
    heads = np.zeros(len(layout.ids) + 1, dtype=_HEAD)
    sources: dict[str, int] = {}
    lengths = np.zeros(len(layout.ids), dtype=np.int64)
    for number, segment in enumerate(segments):
        mine = layout.owners == number
        old = segment.heads[layout.ordinals[mine]]
        codes = [sources.setdefault(name, len(sources)) for name in segment.sources]
        old["source"] = np.array(codes, dtype=np.int32)[old["source"]]
        heads[:-1][mine] = old
        lengths[mine] = np.diff(segment.heads["line"])[layout.ordinals[mine]]
    heads["row"] = layout.first_rows
    heads["line"] = np.concatenate([[0], np.cumsum(lengths)])
    pairs = list(zip(layout.owners.tolist(), layout.ordinals.tolist(), strict=True))
    keys = [segments[owner].keys[ordinal] for owner, ordinal in pairs]
    _write_names(folder, layout.ids, keys, list(sources))
    words = [segment.words for segment in segments]
    article_words = [segment.article_words for segment in segments]
    _write_arrays(
        folder,
        heads,
        merge_postings(list(zip(words, layout.rows, strict=True))),
        merge_postings(list(zip(article_words, layout.places, strict=True))),
    )
    with (folder / ARTICLES).open("wb") as file:
        file.writelines(segments[owner].line(ordinal) for owner, ordinal in pairs)
    owners, locals_ = locate(layout)
    write_dense(
        folder / _EMBEDDINGS,
        len(owners),
        lambda rows: gather(segments, owners[rows], locals_[rows]),
    )
    return len(layout.ids)


def locate(layout: Layout) -> tuple[Ints, Ints]:
    """For each row of a layout, which segment it is in and its number there."""
    size = int(layout.first_rows[-1])
    owners = np.empty(size, dtype=np.int32)
    locals_ = np.empty(size, dtype=np.int32)
    for number, rows in enumerate(layout.rows):
        there = np.flatnonzero(rows >= 0)
        owners[rows[there]] = number
        locals_[rows[there]] = there
    return owners, locals_


def gather(segments: Sequence[Segment], owners: Ints, rows: Ints) -> Embeddings:
    """The embeddings of passages, given by segment and number there; at least one."""
    found: Embeddings | None = None
    for number in np.unique(owners).tolist():
        mine = owners == number
        some = segments[number].dense.take(rows[mine])
        if found is None:
            found = np.empty((len(owners), some.shape[1]), dtype=np.float32)
        found[mine] = some
    if found is None:
        raise ValueError("no rows")
    return found
