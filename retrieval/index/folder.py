"""The index as a folder: FAISS for embeddings, bm25s for words."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import bm25s
import faiss
import numpy as np
import numpy.typing as npt

from retrieval.embedder import Embeddings
from retrieval.errors import IndexDamagedError
from retrieval.index.storage import Manifest, built_at, read_articles, read_manifest, verify
from retrieval.types import Article, CorpusSummary, Filters, Passage
from retrieval.words import stems

_EMBEDDINGS = "embeddings.faiss"
_WORDS = "bm25"
_ARTICLE_WORDS = "bm25-articles"
_OPEN_ATTEMPTS = 5  # a writer may replace the generation while it is being read


class FolderIndex:
    """An open index: everything it needs is in memory, so the folder may change meanwhile."""

    def __init__(
        self,
        manifest: Manifest,
        passages: Sequence[Passage],
        embeddings: "faiss.Index",
        words: bm25s.BM25 | None,
        article_words: bm25s.BM25 | None,
        built: datetime,
    ) -> None:
        self.manifest = manifest
        self.built = built
        self.passages = passages
        by_id = {passage.article.article_id: passage.article for passage in passages}
        self.articles: Sequence[Article] = [by_id[key] for key in sorted(by_id)]
        self._embeddings = embeddings
        self._words = words
        self._article_words = article_words
        places = {article.article_id: place for place, article in enumerate(by_id.values())}
        self._article_of_row = np.array(
            [places[passage.article.article_id] for passage in passages], dtype=np.int64
        )
        self.summary = summarise(self.articles, len(passages))

    @classmethod
    def open(cls, folder: Path) -> "FolderIndex":
        """Reads the index in `folder`; blocks.

        Raises:
            IndexNotBuiltError: there is none.
            IndexDamagedError: it is not whole.
        """
        for attempt in range(_OPEN_ATTEMPTS):
            manifest = read_manifest(folder)
            try:
                return cls._open(folder, manifest)
            except IndexDamagedError:
                last = attempt == _OPEN_ATTEMPTS - 1
                if last or read_manifest(folder).generation == manifest.generation:
                    raise
        raise AssertionError("unreachable")

    @classmethod
    def _open(cls, folder: Path, manifest: Manifest) -> "FolderIndex":
        generation = verify(folder, manifest)
        passages = [passage for group in read_articles(folder, generation) for passage in group]
        try:
            embeddings = faiss.read_index(str(generation / _EMBEDDINGS))
            words, article_words = (
                bm25s.BM25.load(str(generation / name), show_progress=False)
                if (generation / name).is_dir()
                else None
                for name in (_WORDS, _ARTICLE_WORDS)
            )
            built = built_at(generation)
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            raise IndexDamagedError(folder, "its embeddings or words cannot be read") from error
        if not len(passages) == embeddings.ntotal == manifest.passages:
            raise IndexDamagedError(folder, "its parts are of different sizes")
        return cls(manifest, passages, embeddings, words, article_words, built)

    def embeddings(self) -> Embeddings:
        """All embeddings, shape `(len(passages), dimensions)`, a copy."""
        return np.asarray(
            self._embeddings.reconstruct_n(0, self._embeddings.ntotal), dtype=np.float32
        )

    def admitted(self, filters: Filters) -> npt.NDArray[np.bool_]:
        """Which rows the filters let in."""
        let_in = {article.article_id for article in self.articles if filters.admits(article)}
        return np.fromiter(
            (passage.article.article_id in let_in for passage in self.passages),
            dtype=np.bool_,
            count=len(self.passages),
        )

    def nearest(
        self, embedding: Embeddings, k: int, admitted: npt.NDArray[np.bool_]
    ) -> list[tuple[int, float]]:
        """The admitted rows nearest to an embedding, with their cosines, best first."""
        k = min(k, int(admitted.sum()))
        if k == 0:
            return []
        parameters = None
        if not admitted.all():
            rows = np.flatnonzero(admitted).astype(np.int64)
            selector = faiss.IDSelectorBatch(rows)
            # The constructor takes keywords at run time; its declared types do not say so.
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, found = self._embeddings.search(embedding, k + 1, params=parameters)
        # FAISS fills up with label -1 when it finds fewer.
        pairs = [
            (int(row), float(score))
            for row, score in zip(found[0], scores[0], strict=True)
            if row >= 0
        ]
        if len(pairs) > k and pairs[k][1] >= pairs[k - 1][1]:
            # Equals on both sides of the border, and FAISS takes any of them: let all come in.
            border = float(np.nextafter(np.float32(pairs[k][1]), np.float32(-2)))
            _, near, rows_found = self._embeddings.range_search(
                embedding, border, params=parameters
            )
            pairs = [(int(row), float(score)) for row, score in zip(rows_found, near, strict=True)]
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]

    def word_scores(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """BM25 of every row for stemmed words."""
        return _bm25(self._words, words, len(self.passages))

    def article_scores(self, words: Sequence[str]) -> npt.NDArray[np.float32]:
        """BM25 of the article of every row for stemmed words."""
        return _bm25(self._article_words, words, len(self.articles))[self._article_of_row]

    def cosines(self, embedding: Embeddings, rows: Sequence[int]) -> npt.NDArray[np.float32]:
        """The cosine of one embedding and each of these rows."""
        if not rows:
            return np.empty(0, dtype=np.float32)
        chosen = self._embeddings.reconstruct_batch(np.asarray(rows, dtype=np.int64))
        return np.asarray(chosen @ embedding[0], dtype=np.float32)


def summarise(articles: Sequence[Article], passages: int) -> CorpusSummary:
    """How much there is, and from when to when."""
    dates = [article.published for article in articles if article.published is not None]
    return CorpusSummary(
        articles=len(articles),
        passages=passages,
        first=min(dates, key=lambda date: date.first_day, default=None),
        last=max(dates, key=lambda date: date.last_day, default=None),
    )


def write_search_files(
    generation: Path, passages: Sequence[Passage], embeddings: Embeddings
) -> None:
    """Writes what `FolderIndex` searches in, for passages and embeddings of the same order."""
    flat = faiss.IndexFlatIP(embeddings.shape[1])
    flat.add(embeddings)
    # Written by Python, for whose errors there is a sentence: FAISS would raise a RuntimeError.
    (generation / _EMBEDDINGS).write_bytes(faiss.serialize_index(flat).tobytes())
    _write_words(generation / _WORDS, [passage.text for passage in passages])
    texts: dict[str, list[str]] = {}  # in the order in which `FolderIndex` meets the articles
    for passage in passages:
        article = passage.article
        texts.setdefault(article.article_id, [article.title]).append(passage.text)
    _write_words(generation / _ARTICLE_WORDS, [" ".join(parts) for parts in texts.values()])


def _write_words(folder: Path, texts: Sequence[str]) -> None:
    tokens = [stems(text) for text in texts]
    if any(tokens):  # a corpus of stop words alone has nothing to search by
        words = bm25s.BM25(method="lucene")
        words.index(tokens, show_progress=False)
        words.save(str(folder), show_progress=False)


def _bm25(index: bm25s.BM25 | None, words: Sequence[str], size: int) -> npt.NDArray[np.float32]:
    known = [] if index is None else [word for word in words if word in index.vocab_dict]
    if index is None or not known:
        return np.zeros(size, dtype=np.float32)
    return np.asarray(index.get_scores(known), dtype=np.float32)
