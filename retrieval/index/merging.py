"""Many small segments → few large ones, so that a search need not look into hundreds."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from retrieval.index.segment import Segment, merge
from retrieval.index.storage import (
    Manifest,
    SegmentRecord,
    commit,
    new_segment,
    seals,
    verify,
)

_SMALL = 8_192  # passages; segments below it are merged however much they differ in size
_MOST = 8  # segments of about one size; each size is this many times the one below


def merge_segments(folder: Path, manifest: Manifest) -> Manifest:
    """Merges what there is too much of, and commits it. Call it inside `writing`.

    A segment more than half of which no longer counts is written anew without that.

    Raises:
        IndexDamagedError: a segment is not whole.
    """
    while some := _too_many(manifest.segments):
        for record in some:
            verify(folder, record)
        opened = [Segment(folder, record) for record in some]
        path = new_segment(folder)
        count = merge(path, opened, [record.deleted for record in some])
        merged: tuple[SegmentRecord, ...] = ()
        if count:
            passages = sum(record.passages for record in some)
            merged = (SegmentRecord(path.name, count, passages, passages, (), True, seals(path)),)
        kept = tuple(record for record in manifest.segments if record not in some)
        manifest = replace(manifest, segments=(*kept, *merged))
        commit(folder, manifest)
    return manifest


def _too_many(segments: tuple[SegmentRecord, ...]) -> list[SegmentRecord]:
    """Those to be merged next; none when there is nothing to do."""
    sizes: dict[int, list[SegmentRecord]] = defaultdict(list)
    for record in segments:
        size, bound = 0, _SMALL
        while record.passages >= bound:
            size, bound = size + 1, bound * _MOST
        sizes[size].append(record)
    for size in sorted(sizes):
        if len(sizes[size]) > _MOST:
            return sizes[size]
    return next(([record] for record in segments if record.passages * 2 < record.rows), [])
