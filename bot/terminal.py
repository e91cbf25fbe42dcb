"""Answer → what a terminal shows: colour and layout for people, plain text in a pipe."""

import re
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from bot.phrases import (
    ABSTAINED,
    CORRECTION,
    also_in_phrase,
    date_phrase,
    order_phrase,
    plural,
    reason_sentence,
    scope_phrase,
    timeline_phrase,
)
from retrieval.survey import Survey
from retrieval.types import Answer, Article, Quote, Span, Timeline

if TYPE_CHECKING:
    from bot.check import Checkup
    from retrieval.evaluation import Evaluation
    from retrieval.index.building import Changes

_LISTED = 20  # ids of one kind that `dateline index` names before it only counts
_BOLD, _PLAIN = "\x1b[1m", "\x1b[22m"
_PLAIN_WIDTH = 10_000  # a pipe has no width: nothing is wrapped or cut for it
# An article can hold codes that would recolour, overwrite or retitle the terminal it is shown on.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")


class Terminal:
    """Writes to standard output for people."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._file = file or sys.stdout
        self._tty = self._file.isatty()
        self._console = Console(
            file=self._file,
            highlight=False,
            soft_wrap=True,
            width=None if self._tty else _PLAIN_WIDTH,
        )

    def line(self, *parts: str | tuple[str, str]) -> None:
        """One line of parts, each plain or with a style. Never wrapped, never markup."""
        pairs = ((part, "") if isinstance(part, str) else part for part in parts)
        self._console.print(Text.assemble(*(_on_one_line(*pair) for pair in pairs)))

    def answer(self, answer: Answer, *, show_nearest: bool = False) -> None:
        """An answer: its quotes, or why there are none."""
        if answer.abstained:
            self.line((ABSTAINED, "bold yellow"), " ", reason_sentence(answer))
        order = f"{order_phrase(answer).capitalize()}. " if len(answer.quotes) > 1 else ""
        self.line((order + scope_phrase(answer), "dim"))
        for quote in answer.quotes:
            self._quote(quote)
        if answer.abstained and answer.nearest:
            if not show_nearest:
                hint = "To see the nearest passages, which do not answer, add --nearest."
                self.line((hint, "dim"))
                return
            self.line()
            self.line(("Nearest passages. They do not answer the question:", "yellow"))
            for quote in answer.nearest:
                self._quote(quote)

    def timeline(self, found: Timeline) -> None:
        """The passages on a topic, in order of date."""
        self.line((timeline_phrase(found), "dim"))
        for quote in found.quotes:
            self._quote(quote)

    def _quote(self, quote: Quote) -> None:
        article = quote.article
        self.line()
        self.line(
            (date_phrase(article), "bold cyan"), "  ", (article.title, "bold"), _derived(article)
        )
        self.verbatim(quote.text, quote.highlight)
        if article.correction is not None:
            self.line((f"{CORRECTION}: ", "yellow"), article.correction.of(article.text))
        place = [article.source, article.url or "", also_in_phrase(quote.also_in)]
        self.line(("— " + " · ".join(part for part in place if part), "dim"))

    def verbatim(self, text: str, highlight: Span | None = None) -> None:
        """Text exactly as it is, on lines of its own. Nothing between us and the file touches it.

        rich would drop carriage returns and form feeds. On a terminal, what would command it
        instead of being shown is shown as a symbol, such as "␛", and the highlight is bold.
        """
        if self._tty:
            start, end = (highlight.start, highlight.end) if highlight else (0, 0)
            before, words, after = (
                _CONTROL.sub(_symbol, part) for part in (text[:start], text[start:end], text[end:])
            )
            bold = f"{_BOLD}{words}{_PLAIN}" if words and self._console.color_system else words
            text = before + bold + after
        self._file.write(text + "\n")

    def sources(self, found: Survey) -> None:
        """What the corpus holds, one article a line."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("date", "title", "source", "id"):
            table.add_column(column, no_wrap=column == "date", overflow="fold")
        for article, _ in found.articles:
            table.add_row(
                _on_one_line(date_phrase(article), "cyan"),
                _on_one_line(article.title, "italic" if article.title_derived else ""),
                _on_one_line(article.source),
                _on_one_line(article.article_id, "dim"),
            )
        if found.articles:
            self._console.print(table, soft_wrap=False)
        self.line((plural(len(found.articles), "article"), "dim"))
        self.refused(found.refused)

    def source(self, article: Article, passages: int, newer: Sequence[Article] = ()) -> None:
        """One article, whole, below its metadata; `newer` are its newer versions."""
        facts = {
            "title": article.title + (" (derived)" if article.title_derived else ""),
            "published": date_phrase(article)
            + (f", from {article.published_from}" if article.published_from else ""),
            "updated": (str(article.updated) if article.updated else "")
            + (f", from {article.updated_from}" if article.updated_from else ""),
            "source": article.source,
            "author": article.author or "",
            "url": article.url or "",
            "id": article.article_id,
            "passages": str(passages),
            "newer": newer[-1].article_id if newer else "",
        }
        for name, value in facts.items():
            if value:
                self.line((f"{name:<10}", "dim"), value)
        if article.correction is not None:
            self.line(("corrected ", "yellow"), article.correction.of(article.text))
        for note in article.notes:
            self.line(("note      ", "yellow"), note)
        self.line()
        self.verbatim(article.text)

    def changes(self, changes: "Changes", seconds: float) -> None:
        """What bringing an index up to date did."""
        for kind, style in (("added", "green"), ("changed", "yellow"), ("removed", "red")):
            ids: tuple[str, ...] = getattr(changes, kind)
            for article_id in ids[:_LISTED]:
                self.line((f"{kind:<8}", style), article_id)
            if len(ids) > _LISTED:
                self.line((f"{kind:<8}", style), f"… and {len(ids) - _LISTED:,} more")
        self.refused(changes.refused)
        counts = ", ".join(
            f"{count:,} {kind}"
            for kind, count in (
                ("added", len(changes.added)),
                ("changed", len(changes.changed)),
                ("removed", len(changes.removed)),
                ("unchanged", changes.unchanged),
                ("refused", len(changes.refused)),
            )
        )
        self.line(
            f"{counts}; {plural(changes.passages, 'passage')}, {changes.embedded:,} embedded, "
            f"{seconds:.1f} s"
        )
        if changes.shards_left:
            self.line(
                f"Nothing of it counts before {plural(changes.shards_left, 'other shard')} "
                f"{'is' if changes.shards_left == 1 else 'are'} filled.",
            )

    def evaluation(self, measured: "Evaluation") -> None:
        """What was measured, as tables."""
        self.line((plural(measured.questions, "question"), "bold"))
        if measured.stages:
            self.line()
            names = list(next(iter(measured.stages.values())))
            self._table(
                [f"{measured.unit}s ranked by", *names],
                [[stage, *_numbers(row.values())] for stage, row in measured.stages.items()],
            )
        for title, group in (("answers", measured.answers), ("kind of question", measured.kinds)):
            if group:
                self.line()
                rows = zip(group, _numbers(group.values()), strict=True)
                self._table([title, "share"], [list(row) for row in rows])
        if measured.reliability:
            self.line()
            self._table(
                ["confidence", "right", "questions"],
                [
                    [*_numbers((mean, share)), f"{count:,}"]
                    for mean, share, count in measured.reliability
                ],
            )
        if measured.latency:
            self.line()
            self._table(
                ["milliseconds", *next(iter(measured.latency.values()))],
                [
                    [part, *(f"{time:.1f}" for time in times.values())]
                    for part, times in measured.latency.items()
                ],
            )

    def _table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for number, column in enumerate(columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        self._console.print(table, soft_wrap=False)

    def refused(self, errors: Iterable[object]) -> None:
        """What could not be read, and why."""
        for error in errors:
            self.line(("refused ", "red"), str(error))

    def checkup(self, found: "Checkup") -> None:
        """Each article with its date and what is odd about it; below them what concerns all."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in ("date", "read from", "article", "what is odd"):
            table.add_column(column, no_wrap=column == "date", overflow="fold")
        for article, odd in found.articles:
            wrong = any(oddity.is_wrong for oddity in odd)
            table.add_row(
                _on_one_line(date_phrase(article), "cyan"),
                _on_one_line(article.published_from or ""),
                _on_one_line(article.article_id),
                _on_one_line("; ".join(o.finding for o in odd), "yellow" if wrong else "dim"),
            )
        if found.articles:
            self._console.print(table, soft_wrap=False)
        self.refused(found.refused)
        self.checks(found.rows)

    def checks(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Rows of (state, what, finding)."""
        styles = {"ok": "green", "note": "yellow", "problem": "bold red"}
        for state, what, finding in rows:
            self.line((f"{state:<8}", styles[state]), (f"{what:<10}", "bold"), finding)


def _derived(article: Article) -> tuple[str, str]:
    return ("  (title derived)" if article.title_derived else "", "dim")


def _on_one_line(text: str, style: str = "") -> Text:
    """Text for a line of ours: its line breaks are spaces, its control characters symbols."""
    return Text(_CONTROL.sub(_symbol, " ".join(text.splitlines())), style)


def _symbol(match: re.Match[str]) -> str:
    """A control character as something to see: U+2400 and on picture the first 32."""
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"


class TerminalProgress:
    """A `Report` that draws on standard error; a context manager that cleans up after itself.

    On a terminal it is a spinner or a bar with the time left; elsewhere, one plain line for each
    step that takes longer than two seconds.
    """

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress: Progress | None = None
        self._step = ""
        self._began = 0.0
        self._told = False

    def __enter__(self) -> "TerminalProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Draws how far a step has come."""
        if self._console.is_terminal:
            self._draw(step, done, total)
        else:
            self._tell(step, done, total)

    def _draw(self, step: str, done: int, total: int) -> None:
        if self._progress is None:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        # A step of one unit has no share to show: a pulse instead of a bar stuck at 0.
        share = total if total > 1 else None
        if step != self._step:
            self._step = step
            for task in self._progress.task_ids:
                self._progress.remove_task(task)
            self._progress.add_task(step, completed=done, total=share)
        else:
            self._progress.update(self._progress.task_ids[0], completed=done, total=share)

    def _tell(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step != self._step:
            self._step, self._began, self._told = step, now, False
            if total == 0:
                self._console.print(f"{step} …", soft_wrap=True)
        elif not self._told and 0 < done < total and now - self._began > 2:
            self._told = True
            left = (now - self._began) / done * (total - done)
            self._console.print(
                f"{step}: {done:,} of {total:,}, about {left:.0f} s left", soft_wrap=True
            )


def _numbers(values: Iterable[float]) -> list[str]:
    return [f"{value:.3f}" for value in values]
