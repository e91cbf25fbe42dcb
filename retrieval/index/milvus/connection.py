"""The connection to Milvus, a server or a file of milvus-lite, and its failures in our words."""

import logging
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from retrieval.errors import IndexBusyError, IndexFolderError
from retrieval.places import MilvusPlace

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")

_files: Counter[str] = Counter()
"""How many connections there are to each file, all of which one server in this process serves."""


def connect(place: MilvusPlace, timeout_s: float) -> "MilvusClient":
    """Connects; nothing is made.

    Raises:
        IndexBusyError: another process has the file open.
        IndexFolderError: Milvus cannot be reached, or pymilvus is not installed.
    """
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
            place.uri, token=place.token, db_name=place.database, timeout=timeout_s
        ),
    )
    if place.is_file:
        _files[place.uri] += 1
    return client


def disconnect(place: MilvusPlace, client: "MilvusClient") -> None:
    """Closes the connection, and the file if it is one."""
    client.close()
    if place.is_file:
        _files[place.uri] -= 1
        if not _files[place.uri]:
            from milvus_lite.server_manager import server_manager_instance

            server_manager_instance.release_server(place.uri)


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
