"""The collections of one index in Milvus, and which of their rows count.

    <name>                 the state: what counts, what is being written, the names of sources
    <name>_files_<g>       a row for each corpus file, as it was when it was read
    <name>_articles_<g>    a row for each article: all that it is, and its words
    <name>_passages_<g>    a row for each passage: its embedding and its words

Nobody can swap several collections at once, so rows say from which version on they count (`since`)
and from which on no longer (`until`), and one row of the state says which version holds. A writer
writes the version after it; when every shard has done so, that one row is replaced, and whoever
asks next sees all of it. What a killed writer leaves behind does not count yet, and the next
one goes on from there. To start anew is to write the collections of the next generation `<g>`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from retrieval.errors import IndexDamagedError, IndexNotBuiltError
from retrieval.index.milvus.connection import PATIENCE_S, Connection, Row
from retrieval.index.milvus.schema import NO_VECTOR, TABLES, notes, tables
from retrieval.places import MilvusPlace

FORMAT = 1  # of everything in the collections; a reader of another format refuses it
FOREVER = 2**62
_PAGE = 1_000  # rows asked for at once
_ROWS = 500  # rows written at once: below 2 MB each with the usual embeddings
_WRITE_S = 60.0


@dataclass(frozen=True, slots=True)
class Totals:
    """How much counts in some files, or in all of them."""

    articles: int = 0
    passages: int = 0
    words: int = 0
    """Stems in all passages together."""
    article_words: int = 0
    """Likewise in all articles, their titles included."""
    first: str | None = None
    """The date whose first day is the earliest, as ISO 8601; None when nothing is dated."""
    last: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What counts, and what it was made from."""

    generation: int
    version: int
    shards: int
    """How many filled it together."""
    corpus: str
    """The corpus folder, absolute, as the machines that filled it saw it."""
    model: str
    model_digest: str
    dimensions: int
    passage_settings: str
    built: str = ""
    """When the corpus was last taken up, in UTC, as ISO 8601."""
    files: str = ""
    """A digest of all files that were read; empty when they have to be read again."""
    totals: Totals = Totals()

    @property
    def number(self) -> tuple[int, int]:
        """Greater for what is written later."""
        return self.generation, self.version


class Store:
    """What is in one index, over an open connection. Safe to share between threads.

    Every method blocks and raises `IndexFolderError`, whose message says what Milvus said.
    """

    def __init__(self, place: MilvusPlace) -> None:
        """Connects; nothing is made.

        Raises:
            IndexBusyError: another process has the file open.
            IndexFolderError: Milvus cannot be reached, or pymilvus is not installed.
        """
        self.place = place
        self._connection = Connection(place)

    @property
    def is_lite(self) -> bool:
        """Whether milvus-lite holds it, also behind an address."""
        return self._connection.is_lite

    def close(self) -> None:
        """Closes the connection, and the file if it is one."""
        self._connection.close()

    # What counts

    def state(self, *, fresh: bool = False) -> State:
        """What counts now.

        Args:
            fresh: as of this moment; otherwise it may be what counted some seconds ago.

        Raises:
            IndexNotBuiltError: nothing yet.
            IndexDamagedError: it cannot be understood.
        """
        found = self._read_state("current", fresh=fresh)
        if found is None:
            raise IndexNotBuiltError(self.place)
        return found

    def target(self, generation: int | None = None) -> State | None:
        """What was last begun to be written of a generation, finished or not; None if nothing was.

        Args:
            generation: by default the newest.
        """
        last = self.last_generation() if generation is None else generation
        return self._read_state(f"target:{last}", fresh=True)

    def set_target(self, target: State) -> None:
        """Notes what is being written, and makes its collections where they are missing."""
        self._connection.make(notes(self.place.collection))
        generation = target.generation
        note = {f"target:{generation}": {"format": FORMAT, **asdict(target)}}
        self._write_state(note, kind="target", generation=generation)
        is_file = self.place.is_file
        for collection in tables(target.dimensions, is_lite=self.is_lite, is_file=is_file):
            name = _table(self.place, collection.name, target)
            self._connection.make(replace(collection, name=name))

    def publish(self, state: State) -> None:
        """Makes a version the one that counts, in one step."""
        self._write_state({"current": {"format": FORMAT, **asdict(state)}})

    def finished(self, target: State) -> list[tuple[Totals, str] | None]:
        """Totals and digest of the files of each shard, in order; None for one that is not done."""
        keys = [_done_key(target, shard) for shard in range(target.shards)]
        rows = self._state_rows(keys, consistency_level="Strong")
        notes = {row["pk"]: json.loads(row["data"]) for row in rows}
        return [
            (Totals(**notes[key]["totals"]), notes[key]["files"]) if key in notes else None
            for key in keys
        ]

    def finish(self, target: State, shard: int, totals: Totals, files: str) -> None:
        """Notes that one shard is done."""
        note = {"totals": asdict(totals), "files": files}
        self._write_state({_done_key(target, shard): note})

    def unfinish(self, target: State, shard: int) -> None:
        """Notes that one shard is being written."""
        self._connection.call("delete", self.place.collection, ids=[_done_key(target, shard)])

    def writing(self, target: State, shard: int) -> list[str]:
        """Which articles were last about to be written for a shard, by digest."""
        key = _writing_key(target, shard)
        rows = list(self._state_rows([key], consistency_level="Strong"))
        return list(json.loads(rows[0]["data"])) if rows else []

    def set_writing(self, target: State, shard: int, digests: Sequence[str]) -> None:
        """Notes which articles are about to be written, lest something of them be lost sight of."""
        self._write_state({_writing_key(target, shard): list(digests)})

    def sources(self, state: State) -> dict[str, str]:
        """The names of all sources by their keys."""
        expression = f'kind == "source" and generation == {state.generation}'
        rows = self._connection.pages(self.place.collection, expression, ["pk", "data"], _PAGE)
        return {row["pk"].rpartition(":")[2]: json.loads(row["data"]) for row in rows}

    def add_sources(self, state: State, sources: Mapping[str, str]) -> None:
        """Notes the names of sources by their keys."""
        generation = state.generation
        self._write_state(
            {f"source:{generation}:{key}": name for key, name in sources.items()},
            kind="source",
            generation=generation,
        )

    def remove_sources(self, state: State, keys: Iterable[str]) -> None:
        """Forgets names of sources."""
        if ids := [f"source:{state.generation}:{key}" for key in keys]:
            self._connection.call("delete", self.place.collection, ids=ids)

    def tidy(self, state: State) -> None:
        """Removes what no longer counts, but for rows that counted in the last version.

        Somebody may just be asking it.
        """
        for table in ("articles", "passages"):
            self.delete_where(state, table, f"until < {state.version}")
        spent = [_done_key(state, shard) for shard in range(state.shards)]
        self._connection.call("delete", self.place.collection, ids=spent)

    def drop_below(self, generation: int) -> None:
        """Drops the collections of all generations before this one."""
        for name, number in self._numbered():
            if number < generation:
                self._connection.call("drop_collection", name)
        if self._connection.exists(self.place.collection):
            old = f'kind in ["source", "target"] and generation < {generation}'
            self._connection.call("delete", self.place.collection, filter=old)

    def last_generation(self) -> int:
        """The last generation that collections were made for; 0 if there are none."""
        return max((number for _, number in self._numbered()), default=0)

    def _numbered(self) -> list[tuple[str, int]]:
        """The collections that rows are in, with their generations."""
        names: list[str] = self._connection.call("list_collections")
        parts = [(name, *name.rpartition("_")[::2]) for name in names]
        ours = {f"{self.place.collection}_{table}" for table in TABLES}
        return [(name, int(end)) for name, table, end in parts if table in ours and end.isdigit()]

    # Rows

    def write(
        self, state: State, table: str, rows: Sequence[Row], *, partial: bool = False
    ) -> None:
        """Writes rows over those with the same keys; with `partial`, only the fields given."""
        name = _table(self.place, table, state)
        extra = {"partial_update": True} if partial else {}
        self._connection.load(name)
        for start in range(0, len(rows), _ROWS):
            some = list(rows[start : start + _ROWS])
            self._connection.call("upsert", name, some, timeout=_WRITE_S, **extra)

    def delete(self, state: State, table: str, keys: Sequence[str]) -> None:
        """Removes rows by their keys."""
        for start in range(0, len(keys), _PAGE):
            self._connection.call(
                "delete", _table(self.place, table, state), ids=keys[start : start + _PAGE]
            )

    def delete_where(self, state: State, table: str, expression: str) -> None:
        """Removes all rows for which an expression holds."""
        name = _table(self.place, table, state)
        self._connection.load(name)
        self._connection.call("delete", name, filter=expression, timeout=_WRITE_S)

    def get(
        self, state: State, table: str, keys: Iterable[str], fields: Sequence[str], **options: Any
    ) -> dict[str, Row]:
        """Those of these rows that are there, by their keys."""
        name, wanted = _table(self.place, table, state), list(dict.fromkeys(keys))
        found: dict[str, Row] = {}
        for start in range(0, len(wanted), _PAGE):
            rows = self._connection.query(
                name, ["pk", *fields], ids=wanted[start : start + _PAGE], **options
            )
            found |= {row["pk"]: row for row in rows}
        return found

    def select(
        self, state: State, table: str, expression: str, fields: Sequence[str], page: int = _PAGE
    ) -> Iterator[Row]:
        """All rows for which an expression holds, page by page, in order of key."""
        return self._connection.pages(
            _table(self.place, table, state), expression, ["pk", *fields], page
        )

    def count(self, state: State, table: str, expression: str, **options: Any) -> int:
        """For how many rows an expression holds."""
        name = _table(self.place, table, state)
        rows = self._connection.query(name, ["count(*)"], filter=expression, **options)
        return int(rows[0]["count(*)"])

    def search(
        self,
        state: State,
        table: str,
        field: str,
        vector: Any,
        limit: int,
        expression: str,
        fields: Sequence[str],
        **options: Any,
    ) -> list[tuple[float, Row]]:
        """The rows with the greatest inner products, the greatest first, with `pk` and fields."""
        name = _table(self.place, table, state)
        self._connection.load(name)
        hits = self._connection.call(
            "search",
            name,
            data=[vector],
            anns_field=field,
            limit=limit,
            filter=expression,
            output_fields=list(fields),
            search_params={"metric_type": "IP"},
            **options,
        )[0]
        return [(float(hit["distance"]), {"pk": hit["pk"], **hit["entity"]}) for hit in hits]

    def flush(self, state: State) -> None:
        """Has what was written sealed and indexed."""
        for table in TABLES:
            self._connection.call("flush", _table(self.place, table, state), timeout=PATIENCE_S)

    # The state

    def _read_state(self, key: str, *, fresh: bool) -> State | None:
        level = {"consistency_level": "Strong"} if fresh else {}
        rows = list(self._state_rows([key], **level))
        if not rows:
            return None
        try:
            raw = json.loads(rows[0]["data"])
            if raw.pop("format") != FORMAT:
                raise IndexDamagedError(self.place, "written by another version of Dateline")
            return State(**{**raw, "totals": Totals(**raw["totals"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IndexDamagedError(self.place, "its state cannot be understood") from error

    def _state_rows(self, keys: Sequence[str], **options: Any) -> Iterator[Row]:
        name = self.place.collection
        if not self._connection.is_loaded(name) and not self._connection.exists(name):
            return
        for start in range(0, len(keys), _PAGE):
            some = list(keys[start : start + _PAGE])
            yield from self._connection.query(name, ["pk", "data"], ids=some, **options)

    def _write_state(
        self, values: Mapping[str, object], kind: str = "note", generation: int = 0
    ) -> None:
        rows = [
            {
                "pk": key,
                "kind": kind,
                "generation": generation,
                "data": json.dumps(value),
                **NO_VECTOR,
            }
            for key, value in values.items()
        ]
        for start in range(0, len(rows), _ROWS):
            self._connection.call("upsert", self.place.collection, rows[start : start + _ROWS])


def _table(place: MilvusPlace, table: str, state: State) -> str:
    return f"{place.collection}_{table}_{state.generation}"


def _done_key(target: State, shard: int) -> str:
    return f"done:{target.generation}:{target.version}:{shard}/{target.shards}"


def _writing_key(target: State, shard: int) -> str:
    return f"writing:{target.generation}:{shard}/{target.shards}"
