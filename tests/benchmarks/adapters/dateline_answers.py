"""Dateline as people use it: what is retrieved is read, and quotes come out, or silence."""

from pathlib import Path

from retrieval.engine import Engine
from retrieval.types import Places


class Tool:
    """An engine on the index that `dateline` built."""

    def __init__(self, model: str) -> None:
        self._engine: Engine | None = None

    def open(self, folder: Path) -> None:
        """Opens what was built."""
        self._engine = Engine.open(Places(folder.parent / "corpus", folder, None))

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """The quotes, or else what is nearest, with ids written as those of passages are."""
        assert self._engine is not None
        answer = self._engine.answer(question)
        shown = (answer.quotes or answer.nearest)[:k]
        return [(f"{q.article.article_id}#{q.span.start}-{q.span.end}", q.text) for q in shown]
