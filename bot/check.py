"""What would trouble a run: a row for each thing that has to be right."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from bot.phrases import plural
from bot.settings import DESCRIPTIONS, Settings, SettingsError
from retrieval import __version__
from retrieval.errors import ArticleError, IndexNotBuiltError, ModelError, RetrievalError
from retrieval.model import ModelFiles, find_model
from retrieval.oddities import Oddity, oddities
from retrieval.places import MilvusPlace
from retrieval.survey import Survey, describe_index, survey
from retrieval.types import Article

if TYPE_CHECKING:
    from retrieval.index.progress import Report

Row = tuple[str, str, str]
"""State ("ok", "note" or "problem"), what was looked at, and what was found."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found."""

    rows: tuple[Row, ...]
    """What concerns the whole: settings, corpus, model, index, token."""
    articles: tuple[tuple[Article, Sequence[Oddity]], ...]
    """Every article, in order of date, with what is odd about it."""
    refused: tuple[ArticleError, ...]

    @property
    def has_problem(self) -> bool:
        """Whether anything has to be mended before a run."""
        return any(state == "problem" for state, _, _ in self.rows)

    @property
    def is_odd(self) -> bool:
        """Whether anything is wrong with an article or a file."""
        return bool(self.refused) or any(o.is_wrong for _, odd in self.articles for o in odd)

    @property
    def all_rows(self) -> Iterator[Row]:
        """All that is not as it should be as rows, those of articles and files included."""
        yield from self.rows
        yield from (("note", "refused", str(error)) for error in self.refused)
        for article, odd in self.articles:
            for oddity in odd:
                if oddity.is_wrong and oddity.kind != "language":  # one row says it of them all
                    mark = ":" if oddity.kind == "article" else ""
                    yield "note", oddity.kind, f"{article.article_id}{mark} {oddity.finding}"


def check(
    settings: Settings,
    report: "Report | None" = None,
    today: Callable[[], date] = date.today,
) -> Checkup:
    """Looks at articles, model, index, token and intents, without loading any model; blocks."""
    found, problem = Survey((), ()), None
    try:
        found = survey(settings.places, *((report,) if report else ()))
    except RetrievalError as error:
        problem = str(error)
    articles = [article for article, _ in found.articles]
    odd = oddities(articles, today(), english=settings.model is None)
    checked = tuple((article, odd[article.article_id]) for article in articles)
    rows = _rows(settings, problem, Checkup((), checked, found.refused), found.where)
    return Checkup(tuple(rows), checked, found.refused)


def _rows(settings: Settings, problem: str | None, found: Checkup, where: str) -> Iterator[Row]:
    yield "ok", "version", f"Dateline {__version__} on Python {platform.python_version()}"
    yield from _check_corpus(problem, found, where)
    yield from _check_language(found)
    try:
        model = find_model(settings.model)
        way = ", run in int8" if model.is_default else ""
        yield "ok", "model", f"{model.name}, SHA-256 {model.digest[:12]}…{way}"
        yield from _check_index(settings, model)
    except ModelError as error:
        yield "problem", "model", str(error)
    try:
        settings.require_token()
        yield "ok", "token", "DISCORD_TOKEN is set (only Discord can tell whether it is valid)"
    except SettingsError as error:
        yield "note", "token", f"{error}; only `dateline run` needs it"
    yield "ok", "intents", "no privileged intent is needed; leave all three switched off"
    yield "ok", "log level", settings.log_level
    if settings.feeds is not None:
        yield _check_feeds(settings.feeds)
    if settings.feedback is not None:
        yield _check_feedback(settings.feedback)
    for name in settings.unknown:
        yield "note", "setting", f"{name} is none of ours; there are {', '.join(DESCRIPTIONS)}"


def _check_corpus(problem: str | None, found: Checkup, where: str) -> Iterator[Row]:
    if problem is not None:
        yield "problem", "corpus", problem
        return
    if found.articles:
        yield "ok", "corpus", f"{plural(len(found.articles), 'article')} in {where}"
    else:
        yield "problem", "corpus", f"no article in {where} can be read"
    if found.is_odd:
        odd = sum(any(oddity.is_wrong for oddity in odd) for _, odd in found.articles)
        refused = f", and {len(found.refused):,} refused" if found.refused else ""
        yield "note", "articles", f"something is wrong with {plural(odd, 'article')}{refused}"


def _check_language(found: Checkup) -> Iterator[Row]:
    """One row however many they are: a corpus is in another language as a whole, or nearly not."""
    foreign = sum(any(oddity.kind == "language" for oddity in odd) for _, odd in found.articles)
    if foreign:
        articles = (
            "no article reads"
            if foreign == len(found.articles)
            else (f"{foreign:,} of {plural(len(found.articles), 'article')} do not read")
        )
        finding = f"{articles} as English, which is all that the model knows; see DATELINE_MODEL"
        yield "note", "language", finding


def _check_index(settings: Settings, model: ModelFiles) -> Iterator[Row]:
    try:
        finding, current = describe_index(settings.places, model)
        yield "ok" if current else "note", "index", finding
    except IndexNotBuiltError as error:
        if isinstance(settings.index, MilvusPlace) and not settings.index.is_file:
            yield "note", "index", str(error)  # a question may not: see `access`
        else:
            yield "note", "index", f"none yet in {settings.index}; the first question builds it"
    except RetrievalError as error:
        yield "problem", "index", str(error)


def _check_feeds(path: Path) -> Row:
    from retrieval.feeds import read_list

    try:
        feeds, _ = read_list(path)
    except RetrievalError as error:
        return "problem", "feeds", str(error)
    return "ok", "feeds", f"{plural(len(feeds), 'feed')} listed in {path}"


def _check_feedback(folder: Path) -> Row:
    there = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return "ok", "feedback", f"unanswered questions and thumbs are written to {folder}"
    return "problem", "feedback", f"{folder} cannot be written; give another DATELINE_FEEDBACK"
