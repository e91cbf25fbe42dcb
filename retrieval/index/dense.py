"""The embeddings of one segment on disk, in half precision; where there are many, with sketches.

Few are all compared with the question. Of many, each has a sketch of one bit a dimension as well:
Jégou et al. (2011), Product Quantization for Nearest Neighbor Search, in the form of André et al.
(2015) that a processor scans 20 times as fast. Those whose sketches are best are compared with the
question itself, so whatever is found has the very score that comparing all would give it.
"""

from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import numpy.typing as npt

from retrieval.embedder import Embeddings

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.integer]

_FEW = 16_384  # rows that are compared in the time that a few hundred thousand sketches take
# How many of the best sketches are compared, as a multiple of the square root of how many rows
# there are. Enough for 0.99 of the ten nearest: see `tests/benchmarks/growth.py`.
_COMPARED = 1.5
_SAMPLE, _ROUNDS = 16_384, 8  # rows from which a sketch is learnt, and how often each is looked at
_CHUNK = 65_536  # rows that are copied at once
_HALF = faiss.ScalarQuantizer.QT_fp16
_COSINE = faiss.METRIC_INNER_PRODUCT  # of unit vectors


def write_dense(path: Path, size: int, take: Callable[[Rows], Embeddings]) -> None:
    """Writes embeddings.

    Args:
        path: the file.
        size: how many there are, at least one.
        take: those of some rows, shape `(len(rows), dimensions)`.
    """
    some = take(np.linspace(0, size - 1, min(size, _SAMPLE)).astype(np.int64))
    dimensions = some.shape[1]
    index: faiss.Index = faiss.IndexScalarQuantizer(dimensions, _HALF, _COSINE)
    if size > _FEW:
        # 4 bits for 4 dimensions; in one list, for FAISS lets rows of lists alone be filtered.
        parts = dimensions // 4 if dimensions % 4 == 0 else dimensions
        sketches = faiss.IndexIVFPQFastScan(
            faiss.IndexFlatIP(dimensions), dimensions, 1, parts, 4, _COSINE
        )
        sketches.by_residual = False
        sketches.pq.cp.niter = _ROUNDS
        sketches.pq.cp.max_points_per_centroid = _SAMPLE
        sketches.train(some)
        index = faiss.IndexRefine(sketches, index)
        index.is_trained = True  # half precision has nothing to learn
    for start in range(0, size, _CHUNK):
        index.add(take(np.arange(start, min(start + _CHUNK, size))))
    try:
        faiss.write_index(index, str(path))
    except RuntimeError as error:  # which is how FAISS says that the disk is full
        raise OSError(None, "its embeddings cannot be written", path) from error


class Dense:
    """Embeddings that `write_dense` wrote, mapped into memory. Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Raises: RuntimeError: they cannot be read."""
        self._whole = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        self._sketches: faiss.IndexRefine | None = None
        if isinstance(self._whole, faiss.IndexRefine):
            self._sketches = self._whole
            self._whole = faiss.downcast_index(self._sketches.refine_index)
        self.size: int = self._whole.ntotal

    def take(self, rows: Rows) -> Embeddings:
        """Those of some rows, shape `(len(rows), dimensions)`."""
        return np.asarray(self._whole.reconstruct_batch(np.asarray(rows, dtype=np.int64)))

    def nearest(
        self, embedding: Embeddings, k: int, admitted: Mask | None
    ) -> list[tuple[int, float]]:
        """The rows nearest to an embedding, with their cosines, and all equal to the last.

        Args:
            embedding: of the question, shape `(1, dimensions)`.
            k: how many.
            admitted: which rows may be found; None for all.
        """
        count = self.size if admitted is None else int(admitted.sum())
        k = min(k, count)
        if k == 0:
            return []
        # The constructors take these at run time; their declared types do not say so.
        selector = None
        if admitted is not None and count < self.size:
            bits = np.packbits(admitted, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[arg-type, call-arg]
        # One question has nothing to share out, and threads that wait for nothing slow others down.
        faiss.omp_set_num_threads(1)
        compared = max(k, round(_COMPARED * count**0.5))
        if self._sketches is not None and count > max(_FEW, compared):
            lists = faiss.SearchParametersIVF(sel=selector, nprobe=1)  # type: ignore[call-arg]
            best = faiss.IndexRefineSearchParameters(k_factor=1, base_index_params=lists)  # type: ignore[call-arg]
            scores, found = self._sketches.search(embedding, compared, params=best)
            enough = scores[0] >= scores[0, k - 1]  # they come in order
            return _pairs(found[0, enough], scores[0, enough])
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, found = self._whole.search(embedding, k + 1, params=parameters)
        pairs = _pairs(found[0], scores[0])
        if len(pairs) > k and pairs[k][1] >= pairs[k - 1][1]:
            # Equals on both sides of the border, and FAISS takes any of them: let all come in.
            border = float(np.nextafter(np.float32(pairs[k][1]), np.float32(-2)))
            _, near, rows = self._whole.range_search(embedding, border, params=parameters)
            pairs = _pairs(rows, near)
        return pairs


def _pairs(rows: npt.NDArray[np.int64], scores: npt.NDArray[np.float32]) -> list[tuple[int, float]]:
    """FAISS fills up with row -1 when it finds fewer."""
    return [(r, s) for r, s in zip(rows.tolist(), scores.tolist(), strict=True) if r >= 0]
