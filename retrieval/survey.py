"""What the corpus holds and what would trouble a run, found without model, torch or FAISS."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from retrieval.articles import read_file, scan
from retrieval.copies import newer_versions
from retrieval.errors import ArticleError
from retrieval.index.access import access
from retrieval.index.progress import READING, Report, no_report
from retrieval.model import ModelFiles
from retrieval.passages import split
from retrieval.types import Article, Filters, Places, date_order


@dataclass(frozen=True)
class Survey:
    """What the corpus holds, in order of date, undated articles last."""

    articles: tuple[tuple[Article, int], ...]
    """Each with how many passages it has."""
    refused: tuple[ArticleError, ...]
    where: str = ""
    """What it was read from, for people: the corpus folder, or an index without one."""

    @cached_property
    def newer(self) -> Mapping[str, tuple[Article, ...]]:
        """The newer versions of articles that were superseded, the newest last, by id."""
        return newer_versions(article for article, _ in self.articles)

    def find(self, wanted: str) -> tuple[Article, int] | None:
        """The article with this id, or its file's name, or else the only one that begins so."""
        exact = [found for found in self.articles if found[0].article_id == wanted] or [
            found for found in self.articles if found[0].source == wanted
        ]
        near = [found for found in self.articles if found[0].article_id.startswith(wanted)]
        matches = exact or near
        return matches[0] if len(matches) == 1 else None

    def narrowed(self, filters: Filters) -> "Survey":
        """With only those articles that the filters let in.

        Raises:
            QuestionError: no source is named so; the window ends before it begins.
        """
        checked = filters.checked({article.source for article, _ in self.articles})
        return replace(self, articles=tuple(f for f in self.articles if checked.admits(f[0])))


def survey(places: Places, report: Report = no_report) -> Survey:
    """Reads the corpus: from its index where that is current, else from the files; blocks.

    Raises:
        CorpusError: there is no such corpus folder.
    """
    held = access(places).held()
    if held is not None:
        return Survey(_in_order(held.articles), held.refused, held.where)
    return _read_files(places, report)


def _read_files(places: Places, report: Report) -> Survey:
    files, refused = scan(places.corpus)
    articles: dict[str, tuple[Article, int]] = {}
    for done, file in enumerate(files):
        report(READING, done, len(files))
        try:
            read = read_file(places.corpus, file)
        except ArticleError as error:
            refused.append(error)
            continue
        refused += read.refused
        for article in read.articles:
            if article.article_id in articles:
                reason = f"another article has the id {article.article_id!r} already; rename one"
                refused.append(ArticleError(file.path, reason))
                continue
            articles[article.article_id] = article, len(split(article))
    report(READING, len(files), len(files))
    return Survey(_in_order(articles.values()), tuple(refused), str(places.corpus))


def _in_order(found: Iterable[tuple[Article, int]]) -> tuple[tuple[Article, int], ...]:
    return tuple(sorted(found, key=lambda item: date_order(item[0])))


def describe_index(places: Places, model: ModelFiles) -> tuple[str, bool]:
    """The state of the index, for people, and whether it can be used as it is; reads it whole.

    Raises:
        CorpusError, IndexFolderError: the index is damaged or does not fit.
    """
    return access(places).describe(model)
