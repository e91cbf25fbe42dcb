"""Dense search of one segment: of few passages exact, of many nearly so, and as fast as it must."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from retrieval.articles import read_file, scan
from retrieval.embedder import Embeddings, embedder_for
from retrieval.index import dense
from retrieval.index.dense import Dense, Rows, write_dense
from retrieval.model import find_model
from retrieval.passages import split

_SIZE = 6_000
_SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.fixture(scope="module")
def embeddings() -> Embeddings:
    """Real embeddings, and what lies between two of them, by chance: clustered as coverage is."""
    articles = (a for file in scan(_SEEDS)[0] for a in read_file(_SEEDS, file).articles)
    texts = [span.of(a.text) for a in articles for p in split(a) for span in p.sentences]
    real = embedder_for(find_model()).embed_passages(texts)
    dice = np.random.default_rng(1)
    one, other = dice.integers(0, len(real), (2, _SIZE))
    between = real[one] + real[other] * dice.random((_SIZE, 1), dtype=np.float32)
    between += 0.02 * dice.standard_normal(between.shape, dtype=np.float32)
    return np.asarray(between / np.linalg.norm(between, axis=1, keepdims=True))


@pytest.fixture
def many(embeddings: Embeddings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dense:
    """All of them, more than are compared one by one; the first eleven are equal."""
    monkeypatch.setattr(dense, "_FEW", 1_000)
    kept = np.concatenate([np.repeat(embeddings[:1], 11, axis=0), embeddings[11:]])
    write_dense(tmp_path / "many", _SIZE, kept.__getitem__)
    return Dense(tmp_path / "many")


def _exact(
    found: Dense, embedding: Embeddings, k: int, admitted: dense.Mask, patch: pytest.MonkeyPatch
) -> list[tuple[int, float]]:
    """What comparing all finds."""
    with patch.context() as patched:
        patched.setattr(dense, "_FEW", _SIZE)
        pairs = found.nearest(embedding, k, admitted)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:k]


@pytest.mark.parametrize("share", [1.0, 0.4])
def test_of_many_nearly_all_that_are_nearest_are_found(
    many: Dense, embeddings: Embeddings, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    """Among filters too, which are applied inside the search; and with the very same scores."""
    dice, hits = np.random.default_rng(2), 0
    for _ in range(50):
        asked = embeddings[dice.integers(_SIZE)] + 0.03 * dice.standard_normal(384)
        asked = (asked / np.linalg.norm(asked)).astype(np.float32)[None]
        admitted = dice.random(_SIZE) < share
        expected = _exact(many, asked, 10, admitted, monkeypatch)
        found = dict(many.nearest(asked, 10, admitted))
        hits += len(found.keys() & dict(expected).keys())
        assert all(admitted[row] for row in found)
        assert all(found.get(row, score) == score for row, score in expected)

    assert hits >= 0.99 * 500


def test_equals_are_all_found(many: Dense, embeddings: Embeddings) -> None:
    """Which of them comes first is for their order in the corpus to say, not for chance."""
    pairs = many.nearest(embeddings[:1], 5, None)
    best = max(score for _, score in pairs)

    assert [*range(11)] == sorted(row for row, score in pairs if score == best)


def test_the_few_that_are_admitted_are_found_among_many(
    many: Dense, embeddings: Embeddings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of one day must not depend on what is near on all others."""
    admitted = np.zeros(_SIZE, dtype=np.bool_)
    admitted[[50, 4_000, 5_999]] = True

    assert {50, 4_000, 5_999} == dict(many.nearest(embeddings[20:21], 9, admitted)).keys()


def test_half_precision_is_precise_enough(many: Dense, embeddings: Embeddings) -> None:
    """Cosines are shown to nobody and weighed in hundredths."""
    rows: Rows = np.array([5_999, 11, 4_000])

    assert np.abs(many.take(rows) @ embeddings[7] - embeddings[rows] @ embeddings[7]).max() < 1e-4


def test_what_an_older_version_wrote_is_searched(embeddings: Embeddings, tmp_path: Path) -> None:
    """In single precision; embedding a million passages again would take hours."""
    flat = faiss.IndexFlatIP(384)
    flat.add(embeddings[:100])
    faiss.write_index(flat, str(tmp_path / "old"))
    old = Dense(tmp_path / "old")

    assert 7 == max(old.nearest(embeddings[7:8], 3, None), key=lambda pair: pair[1])[0]
    np.testing.assert_array_equal(embeddings[[3, 1]], old.take(np.array([3, 1])))


def test_a_full_disk_is_said(embeddings: Embeddings, tmp_path: Path) -> None:
    """FAISS says so in its own way, which nobody catches."""
    with pytest.raises(OSError, match="cannot be written"):
        write_dense(tmp_path / "missing" / "file", 3, embeddings.__getitem__)
