"""Articles → their rows in Milvus, with all that is searched in."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from retrieval.articles import CorpusFile
from retrieval.embedder import Embedder, Embeddings
from retrieval.index.milvus.connection import Row
from retrieval.index.milvus.rows import (
    article_rows,
    content_of,
    part_key,
    passage_key,
    passage_rows,
    source_key,
)
from retrieval.index.milvus.store import FOREVER, State, Store
from retrieval.index.progress import EMBEDDING, Report
from retrieval.index.storage import Group


class Writer:
    """Writes the rows of one version. What was embedded before is not embedded again.

    Attributes:
        embedded: how many passages it has embedded.
    """

    def __init__(self, store: Store, embedder: Embedder, target: State) -> None:
        """Args: target: the version, of which nothing counts before it is published."""
        self.embedded = 0
        self._store, self._embedder, self._target = store, embedder, target
        self._sources: set[str] = set()  # noted already

    def write(self, fresh: Sequence[tuple[str, CorpusFile, Group]], report: Report) -> None:
        """Writes articles with all that is searched in, embedding what was never embedded.

        Args:
            fresh: the digest of each, the file it is in, and its passages.
            report: told how far embedding has come.
        """
        store, since = self._store, self._target.version
        articles = [group[0].article for _, _, group in fresh]
        names = {source_key(article.source): article.source for article in articles}
        if new := {key: name for key, name in names.items() if key not in self._sources}:
            store.add_sources(self._target, new)
            self._sources |= new.keys()
        embeddings = self._embeddings([group for _, _, group in fresh], report)
        passages: list[Row] = []
        rows: list[Row] = []
        for (digest, file, group), some in zip(fresh, embeddings, strict=True):
            passages += passage_rows(digest, group, some, since)
            rows += article_rows(digest, group, file.path, since)
        store.write(self._target, "passages", passages)
        # The row that says that an article is there comes last.
        store.write(self._target, "articles", sorted(rows, key=lambda row: row["part"] == 0))
        self.mark_alike([row for row in rows if row["part"] == 0])

    def mark_alike(self, rows: Sequence[Row]) -> None:
        """Marks articles that may be versions of each other, of which these are written already.

        Each machine looks once its own are there, so that of two that write at once one sees both.
        """
        for key in ("address", "headline"):
            names = sorted({row[key] for row in rows if row[key]})
            if not names:
                continue
            expression = f"{key} in [{quoted(names)}] and part == 0 and until == {FOREVER}"
            found = list(self._store.select(self._target, "articles", expression, [key, "alike"]))
            sizes = Counter(row[key] for row in found)
            marked = [
                {"pk": row["pk"], "alike": True}
                for row in found
                if sizes[row[key]] > 1 and not row["alike"]
            ]
            if marked:
                self._store.write(self._target, "articles", marked, partial=True)

    def set_until(self, digest: str, row: Row, until: int, **others: str) -> None:
        """Says of all rows of an article from which version on they count no longer.

        Args:
            digest: of the article.
            row: what is known of it: how many passages and parts it has.
            until: the version.
            others: what else its own rows say from now on.
        """
        store, target = self._store, self._target
        ends = {"until": until}
        passages = [{"pk": key, **ends} for key in _passage_keys(digest, row)]
        store.write(target, "passages", passages, partial=True)
        parts = [{"pk": key, **ends, **others} for key in _part_keys(digest, row)]
        store.write(target, "articles", parts, partial=True)

    def remove(self, digest: str, row: Row) -> None:
        """Removes all rows of an article that nobody has ever seen."""
        self._store.delete(self._target, "passages", _passage_keys(digest, row))
        self._store.delete(self._target, "articles", _part_keys(digest, row))

    def _embeddings(self, groups: Sequence[Group], report: Report) -> list[Embeddings]:
        """The embeddings of articles, each of its passages: held already, or computed."""
        held = self._held_embeddings({content_of(group): len(group) for group in groups})
        missing = [group for group in groups if content_of(group) not in held]
        texts = [passage.text for group in missing for passage in group]
        computed = (
            self._embedder.embed_passages(texts, lambda done, total: report(EMBEDDING, done, total))
            if texts
            else np.empty((0, 0), dtype=np.float32)
        )
        # As precise as in a folder, so that both give the same scores.
        computed = computed.astype(np.float16).astype(np.float32)
        self.embedded += len(texts)
        ends = np.cumsum([len(group) for group in missing])
        fresh = iter(np.split(computed, ends[:-1]))
        return [
            held[content] if (content := content_of(group)) in held else next(fresh)
            for group in groups
        ]

    def _held_embeddings(self, sizes: Mapping[str, int]) -> dict[str, Embeddings]:
        """The embeddings of contents that are in Milvus already, whether they count or not.

        Args:
            sizes: how many passages each of the contents has.
        """
        store, target = self._store, self._target
        expression = f"content in [{quoted(sizes)}] and part == 0"
        holders = {
            row["content"]: _passage_keys(row["pk"], row)
            for row in store.select(target, "articles", expression, ["content", "passages"])
        }
        keys = [key for some in holders.values() for key in some]
        rows = store.get(target, "passages", keys, ["embedding"], consistency_level="Strong")
        return {
            content: np.array([rows[key]["embedding"] for key in some], dtype=np.float32)
            for content, some in holders.items()
            if all(key in rows for key in some)
        }


def quoted(names: Iterable[str]) -> str:
    """As a filter lists them."""
    return ", ".join(f'"{name}"' for name in names)


def _passage_keys(digest: str, row: Row) -> list[str]:
    return [passage_key(digest, ordinal) for ordinal in range(row["passages"])]


def _part_keys(digest: str, row: Row) -> list[str]:
    return [part_key(digest, part) for part in range(row["parts"])]
