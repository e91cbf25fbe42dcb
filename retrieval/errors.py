"""What can go wrong, as a tree.

RetrievalError
├── ArticleError        a file, or one record of it, cannot be read as an article
├── CorpusError         the corpus folder is missing or closed to us
├── FeedError           a feed cannot be fetched or read
├── FeedListError       the list of feeds cannot be understood
├── ModelError          the embedding model is missing, altered or not to be had offline
├── IndexFolderError    the index cannot be used, in its folder or in Milvus
│   ├── IndexNotBuiltError   there is no index yet
│   ├── IndexDamagedError    what is there is not whole
│   ├── IndexMismatchError   it was built from another corpus or with another model
│   └── IndexBusyError       another process is writing it
└── QuestionError       a question that cannot be asked; also a ValueError

Each renders as one line: what is wrong, about which thing, and what to do.
"""

from pathlib import Path


class RetrievalError(Exception):
    """Base of every error a caller of `retrieval` is meant to show to a person."""


class ArticleError(RetrievalError):
    """A file, or one record of it, cannot be read as an article.

    Attributes:
        path: the file under the corpus, with "/" between folders.
        line: 1-based line of the record, or None when the whole file is meant.
        reason: why, as a phrase on one line.
    """

    def __init__(self, path: str, reason: str, line: int | None = None) -> None:
        self.path = path
        self.reason = " ".join(reason.split())  # what it tells of the file may go over several
        self.line = line
        where = path if line is None else f"{path}, line {line}"
        super().__init__(f"{where}: {self.reason}")


class CorpusError(RetrievalError):
    """The corpus folder is missing or closed to us."""


class FeedError(RetrievalError):
    """A feed cannot be fetched or read.

    Attributes:
        retry_after_s: for how long its host asks to be left alone; 0 if it does not say.
    """

    def __init__(self, url: str, reason: str, retry_after_s: float = 0.0) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(f"{url}: {reason}")


class FeedListError(RetrievalError):
    """The list of feeds cannot be understood."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}; mend it, or unset DATELINE_FEEDS")


class ModelError(RetrievalError):
    """The embedding model is missing, altered or not to be had offline."""


class IndexFolderError(RetrievalError):
    """The index cannot be used, in its folder or in Milvus."""


class IndexNotBuiltError(IndexFolderError):
    """There is no index at this path yet."""

    def __init__(self, place: object, command: str = "dateline index") -> None:
        super().__init__(f"no index in {place}; build it with: {command}")


class IndexDamagedError(IndexFolderError):
    """What is in the index is not whole."""

    def __init__(self, place: object, what: str) -> None:
        super().__init__(
            f"the index in {place} is damaged ({what}); "
            "build it anew with: dateline index --rebuild"
        )


class IndexMismatchError(IndexFolderError):
    """The index was built from another corpus or with another model or settings."""


class IndexBusyError(IndexFolderError):
    """Another process is writing the index."""


class QuestionError(RetrievalError, ValueError):
    """A question, or a filter on it, that cannot be asked as it stands."""
