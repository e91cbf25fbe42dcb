"""Whether an index still fits the corpus, the model and the settings. No torch, no FAISS here."""

from pathlib import Path
from typing import Protocol

from retrieval.articles import scan
from retrieval.errors import IndexMismatchError
from retrieval.index.storage import Manifest
from retrieval.model import ModelFiles
from retrieval.passages import SETTINGS


def is_current(corpus: Path, manifest: Manifest) -> bool:
    """Whether the corpus folder still holds the very files that were indexed.

    By size and time of change, as version control does it; contents are not read.

    Raises:
        CorpusError: there is no such folder.
    """
    files, _ = scan(corpus)
    known = {(record.path, record.size, record.mtime_ns) for record in manifest.files}
    return (
        manifest.corpus == str(corpus.resolve())
        and manifest.passage_settings == SETTINGS
        and not any(record.unsettled for record in manifest.files)
        and known == {(file.path, file.size, file.mtime_ns) for file in files}
    )


class Made(Protocol):
    """What an index says of how it was made."""

    @property
    def corpus(self) -> str:
        """The corpus folder, absolute."""

    @property
    def model(self) -> str:
        """The name of the model."""

    @property
    def model_digest(self) -> str:
        """Of its weights."""

    @property
    def passage_settings(self) -> str:
        """How articles were cut."""


def require_match(place: object, made: Made, corpus: Path | None, model: ModelFiles) -> None:
    """Refuses an index that was built from another corpus, or with another model or settings.

    Args:
        place: where it is.
        made: how.
        corpus: the corpus folder; None for whichever it is.
        model: the model to ask it with.

    Raises:
        IndexMismatchError: naming both.
    """
    rebuild = "build it anew with: dateline index --rebuild"
    if corpus is not None and made.corpus != str(corpus.resolve()):
        raise IndexMismatchError(
            f"the index in {place} was built from the corpus {made.corpus}, not from "
            f"{corpus.resolve()}; give each corpus its own --index, or {rebuild}"
        )
    if made.model_digest != model.digest:
        raise IndexMismatchError(
            f"the index in {place} was built with the model {made.model} "
            f"({made.model_digest[:12]}…), not with {model.name} ({model.digest[:12]}…); "
            f"set DATELINE_MODEL to that one, or {rebuild}"
        )
    if made.passage_settings != SETTINGS:
        raise IndexMismatchError(
            f"the index in {place} was built with other passage settings; {rebuild}"
        )
