"""The connection to Milvus, a server or a file of milvus-lite, and its failures in our words."""

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from retrieval.errors import IndexBusyError, IndexDamagedError, IndexFolderError
from retrieval.index.milvus.schema import Collection
from retrieval.places import MilvusPlace

if TYPE_CHECKING:
    from pymilvus import MilvusClient

PATIENCE_S = 600.0  # for a cluster to load a collection, or to seal what was written
_TIMEOUT_S = 10.0

Row = dict[str, Any]
T = TypeVar("T")

_files: Counter[str] = Counter()
"""How many connections there are to each file, all of which one server in this process serves."""
_opening = threading.Lock()
"""Held while a connection is opened or closed."""


class Connection:
    """An open connection. Safe to share between threads.

    Methods that ask Milvus block and raise `IndexFolderError`, whose message says what it said.
    """

    def __init__(self, place: MilvusPlace) -> None:
        """Connects; nothing is made.

        Raises:
            IndexBusyError: another process has the file open.
            IndexFolderError: Milvus cannot be reached, or pymilvus is not installed.
        """
        self.place = place
        self._loaded: set[str] = set()
        self._lock = threading.Lock()
        with _opening:
            self._client = _connect(place)
        try:
            version: str = self.call("get_server_version")
        except BaseException:
            self.close()
            raise
        self.is_lite = version.startswith("milvus_lite")
        """Whether it is milvus-lite, also behind an address."""

    def close(self) -> None:
        """Closes it, and the file if it is one."""
        with _opening:
            self._client.close()
            if self.place.is_file:
                _files[self.place.uri] -= 1
                if not _files[self.place.uri]:
                    from milvus_lite.server_manager import server_manager_instance

                    server_manager_instance.release_server(self.place.uri)

    def call(self, verb: str, *arguments: Any, timeout: float = _TIMEOUT_S, **named: Any) -> Any:
        """What a method of pymilvus' client gives.

        Args:
            verb: its name.
            arguments: what it is given.
            timeout: seconds.
            named: what it is given by name.
        """
        if self.place.is_file:  # it is in this very process, and only slow
            timeout = PATIENCE_S
        call = getattr(self._client, verb)
        try:
            return guarded(self.place, lambda: call(*arguments, timeout=timeout, **named))
        except IndexFolderError:
            self._loaded.clear()  # a server that was started again has nothing loaded
            raise

    def query(self, name: str, fields: Sequence[str], **named: Any) -> list[Row]:
        """These fields of the rows of a collection that are asked for."""
        self.load(name)
        rows: list[Row] = self.call("query", name, output_fields=list(fields), **named)
        return rows

    def pages(self, name: str, expression: str, fields: Sequence[str], page: int) -> Iterator[Row]:
        """All rows for which an expression holds, so many at once, in order of key."""
        self.load(name)
        pages = self.call(
            "query_iterator",
            name,
            batch_size=page,
            filter=expression,
            output_fields=list(fields),
            consistency_level="Strong",
        )
        try:
            while rows := guarded(self.place, pages.next):
                yield from rows
        finally:
            pages.close()

    def exists(self, name: str) -> bool:
        """Whether there is a collection of this name."""
        return bool(self.call("has_collection", name))

    def is_loaded(self, name: str) -> bool:
        """Whether it was there and loaded when it was last asked."""
        return name in self._loaded

    def load(self, name: str) -> None:
        """Has a collection loaded, once."""
        if name in self._loaded:
            return
        with self._lock:
            if not self.exists(name):
                raise IndexDamagedError(self.place, f"there is no collection {name}")
            self.call("load_collection", name, timeout=PATIENCE_S)
            self._loaded.add(name)

    def make(self, collection: Collection) -> None:
        """Makes a collection, or what is missing of one."""
        name = collection.name
        if not self.exists(name):
            schema = collection.schema()
            self.call("create_collection", name, schema=schema, consistency_level="Bounded")
        missing = collection.indexes_besides(self.call("list_indexes", name))
        if len(missing):  # not waited for: that takes half a second each, and nothing is in it
            self.call("create_index", name, missing, sync=False)


def _connect(place: MilvusPlace) -> "MilvusClient":
    environment = {"GRPC_VERBOSITY": "NONE", **os.environ}  # its warnings are nobody's business
    os.environ.update(environment)
    try:
        from pymilvus import MilvusClient

        if place.is_file:
            import milvus_lite  # noqa: F401
    except ImportError:
        raise IndexFolderError(
            f"the index {place} is in Milvus, for which a library is missing; "
            "install it with: pip install 'dateline[milvus]'"
        ) from None
    finally:
        # pymilvus reads any .env file that it finds into it. Never empty meanwhile: others read it.
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
    # What goes wrong is said by our errors; these print it as well.
    for name in ("pymilvus", "milvus_lite"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    if place.is_file:
        Path(place.uri).absolute().parent.mkdir(parents=True, exist_ok=True)
    client = guarded(
        place,
        lambda: MilvusClient(
            place.uri, token=place.token, db_name=place.database, timeout=_TIMEOUT_S
        ),
    )
    if place.is_file:
        _files[place.uri] += 1
    return client


def guarded(place: MilvusPlace, call: Callable[[], T]) -> T:
    """What a call gives, its failure in our words."""
    from grpc import RpcError
    from pymilvus import MilvusException

    try:
        return call()
    except (MilvusException, RpcError) as error:
        said = error.message if isinstance(error, MilvusException) else error.details()
        cause = " ".join(str(said or error).split())[:200]
        if place.is_file and "Open local milvus failed" in cause:
            raise IndexBusyError(
                f"{place.uri} cannot be opened; another process has it open, or it is no file "
                "of milvus-lite. Many processes can share a Milvus server"
            ) from error
        raise IndexFolderError(
            f"Milvus at {place} does not do what it is asked ({cause}); see that it runs, that "
            "DATELINE_INDEX is its address, and whether it wants DATELINE_MILVUS_TOKEN"
        ) from error
