"""Where an index in Milvus is, and which part of it one machine fills."""

import re
from dataclasses import dataclass, field

_DEFAULT = "dateline"
_SERVER = re.compile(r"(https?://[^/@\s]+)((?:/[^/]+)*)/?")
_FILE = re.compile(r"(.+\.db)(?:/([^/]+))?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


@dataclass(frozen=True, slots=True)
class MilvusPlace:
    """A collection in a Milvus, or in a file of milvus-lite.

    Raises:
        ValueError: a name is none that Milvus allows.
    """

    uri: str
    """`http://host:port`, `https://…`, or the path of a file that ends in `.db`."""
    collection: str = _DEFAULT
    database: str = ""
    """Empty for Milvus' default one."""
    token: str = field(default="", repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in filter(None, (self.collection, self.database)):
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} is no name for a collection in Milvus; use letters, digits and _, "
                    "and begin with a letter"
                )

    @property
    def is_file(self) -> bool:
        """Whether it is a file, which one process alone can open."""
        return not self.uri.startswith(("http://", "https://"))

    def __str__(self) -> str:
        return "/".join(filter(None, (self.uri, self.database, self.collection)))


def parse_milvus(text: str, token: str = "") -> MilvusPlace | None:
    """The place that a setting names; None if it names a folder.

    Examples: `http://host:19530`, `http://host:19530/collection`,
    `http://host:19530/database/collection`, `news.db`, `news.db/collection`.

    Raises:
        ValueError: it begins as an address, but is none, or a name in it is not allowed.
    """
    if text.startswith(("http://", "https://")):
        found = _SERVER.fullmatch(text)
        names = [] if found is None else found[2].split("/")[1:]
        if found is None or len(names) > 2:
            raise ValueError(
                "give http://host:19530/collection or http://host:19530/database/collection, "
                "without a password: that is DATELINE_MILVUS_TOKEN's"
            )
        database, collection = [*[""] * (2 - len(names)), *names] if names else ["", _DEFAULT]
        return MilvusPlace(found[1], collection, database, token)
    if found := _FILE.fullmatch(text):
        return MilvusPlace(found[1], found[2] or _DEFAULT)
    return None


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of a corpus, by a hash of the paths of its files.

    Raises:
        ValueError: there is no such part.
    """

    number: int = 0
    """From 0."""
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of <= 1_000:
            raise ValueError(f"no shard {self}; the shards of 4 are 0/4, 1/4, 2/4 and 3/4")

    @property
    def range(self) -> range:
        """The hashes, of those below 2**32, that are its own."""
        start, stop = (-(-(number << 32) // self.of) for number in (self.number, self.number + 1))
        return range(start, stop)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"
