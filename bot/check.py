"""What would trouble a run: a row for each thing that has to be right."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

from bot.phrases import plural
from bot.settings import DESCRIPTIONS, Settings, SettingsError
from retrieval import __version__
from retrieval.errors import IndexNotBuiltError, ModelError, RetrievalError
from retrieval.model import ModelFiles, find_model
from retrieval.survey import describe_index, survey

Row = tuple[str, str, str]
"""State ("ok", "note" or "problem"), what was looked at, and what was found."""


def check(settings: Settings) -> Iterator[Row]:
    """Looks at corpus, model, index, token and intents, without loading any model."""
    yield "ok", "version", f"Dateline {__version__} on Python {platform.python_version()}"
    yield from _check_corpus(settings)
    try:
        model = find_model(settings.model)
        yield "ok", "model", f"{model.name}, SHA-256 {model.digest[:12]}…"
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


def _check_corpus(settings: Settings) -> Iterator[Row]:
    try:
        found = survey(settings.places)
    except RetrievalError as error:
        yield "problem", "corpus", str(error)
        return
    size = plural(len(found.articles), "article")
    if found.articles:
        yield "ok", "corpus", f"{size} in {settings.corpus}"
    else:
        yield "problem", "corpus", f"no article in {settings.corpus} can be read"
    for refused in found.refused:
        yield "note", "refused", str(refused)
    for article, _ in found.articles:
        if article.published is None:
            yield "note", "undated", f"{article.article_id} states no date"
        for note in article.notes:
            yield "note", "article", f"{article.article_id}: {note}"


def _check_index(settings: Settings, model: ModelFiles) -> Iterator[Row]:
    try:
        finding, current = describe_index(settings.places, model)
        yield "ok" if current else "note", "index", finding
    except IndexNotBuiltError:
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
