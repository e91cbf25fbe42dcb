"""How well web pages are read, on pages whose dates, titles and text are known.

    python -m tests.benchmarks.web_pages PAGES GOLD.jsonl [--misses]

PAGES is a folder of web pages. GOLD.jsonl has a line for each, with what is known of it:

    {"file": "page.html", "url": "https://…", "date": "2024-02-20", "title": "…",
     "with": ["words of the article"], "without": ["words beside it"], "text": "the whole article"}

`date` is null where the page states none; a date read as `2024-02` or `2024` counts as wrong.
`with` and `without` are counted as trafilatura's own evaluation does: what of `with` is in the text
is right, what of it is not is missed, and what of `without` is in it is too much. `text` is
compared by its sequences of four words, page by page. White space never counts.
"""

import argparse
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.articles.html import read_html
from retrieval.errors import ArticleError


@dataclass(frozen=True, slots=True)
class Reading:
    """What a program read of one page; None for what it does not read at all."""

    date: str | None = None
    title: str | None = None
    text: str | None = None


@dataclass(slots=True)
class Score:
    """How often a program was right."""

    dates: list[bool] = field(default_factory=list)
    undated: int = 0
    titles: list[bool] = field(default_factory=list)
    found: int = 0
    missed: int = 0
    too_much: int = 0
    overlaps: list[tuple[float, float]] = field(default_factory=list)
    seconds: float = 0

    def lines(self) -> Iterator[str]:
        """The measures that there is gold for."""
        if self.dates:
            right = sum(self.dates)
            yield (
                f"dates {right / len(self.dates):.3f} ({right} of {len(self.dates)} pages, "
                f"{self.undated} of the others without any)"
            )
        if self.titles:
            right = sum(self.titles)
            yield f"titles {right / len(self.titles):.3f} ({right} of {len(self.titles)} pages)"
        if self.found:
            precision = self.found / (self.found + self.too_much)
            recall = self.found / (self.found + self.missed)
            yield f"snippets {_measures(precision, recall)} ({self.found + self.missed} in gold)"
        if self.overlaps:
            precision, recall = (
                sum(part) / len(self.overlaps) for part in zip(*self.overlaps, strict=True)
            )
            yield f"whole text {_measures(precision, recall)} ({len(self.overlaps)} pages)"
        yield f"{self.seconds:.1f} s of processor time"


def _measures(precision: float, recall: float) -> str:
    f = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"P {precision:.3f} R {recall:.3f} F {f:.3f}"


def dateline(data: bytes, url: str | None) -> Reading:
    """Dateline, from the file's bytes to the article; the address is not told."""
    try:
        article = read_html("page.html", data)
    except ArticleError:
        return Reading("", "", "")
    title = "" if article.title_derived else article.title
    return Reading(str(article.published or ""), title, article.text)


def htmldate(data: bytes, url: str | None) -> Reading:
    """Htmldate alone."""
    from htmldate import find_date

    try:
        return Reading(date=find_date(data, original_date=True, extensive_search=True) or "")
    except Exception:  # what it raises is its own matter
        return Reading(date="")


def trafilatura(data: bytes, url: str | None) -> Reading:
    """Trafilatura alone."""
    from trafilatura import bare_extraction

    try:
        found: Any = bare_extraction(data, include_comments=False, with_metadata=True)
    except Exception:  # likewise
        found = None
    return Reading("", "", "") if found is None else Reading(found.date, found.title, found.text)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _fours(text: str) -> Counter[tuple[str, ...]]:
    words = text.split()
    return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3)))


def _overlap(text: str, gold: str) -> tuple[float, float]:
    """Precision and recall of the sequences of four words."""
    read, wanted = _fours(text), _fours(gold)
    common = (read & wanted).total()
    return common / read.total(), common / wanted.total()


def judge(score: Score, reading: Reading, gold: dict[str, Any]) -> Iterator[str]:
    """Counts what is right and yields a line for each thing that is not."""
    if "date" in gold and reading.date is not None:
        right = (gold["date"] or "") == reading.date
        score.dates.append(right)
        score.undated += not right and not reading.date
        if not right:
            yield f"date {reading.date or None}, not {gold['date']}"
    if gold.get("title") and reading.title is not None:
        right = _plain(gold["title"]) == _plain(reading.title)
        score.titles.append(right)
        if not right:
            yield f"title {reading.title!r}, not {gold['title']!r}"
    if reading.text is not None:
        yield from _judge_text(score, _plain(reading.text), gold)


def _judge_text(score: Score, text: str, gold: dict[str, Any]) -> Iterator[str]:
    for words in gold.get("with", []):
        there = _plain(words) in text
        score.found += there
        score.missed += not there
        if not there:
            yield f"missing {words!r}"
    for words in gold.get("without", []):
        there = _plain(words) in text
        score.too_much += there
        if there:
            yield f"too much {words!r}"
    if gold.get("text"):
        score.overlaps.append(_overlap(text, _plain(gold["text"])))
        if min(score.overlaps[-1]) < 0.8:
            yield "text P {:.2f} R {:.2f}".format(*score.overlaps[-1])


_PROGRAMS: tuple[Callable[[bytes, str | None], Reading], ...] = (dateline, htmldate, trafilatura)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    """Measures each program on all pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--misses", action="store_true", help="also print what was read wrongly")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    golds = [json.loads(line) for line in options.gold.read_text(encoding="utf-8").splitlines()]
    for program in _PROGRAMS:
        score = Score()
        _say(f"{program.__name__}, {len(golds)} pages")
        for gold in golds:
            data = (options.pages / gold["file"]).read_bytes()
            started = time.process_time()
            reading = program(data, gold.get("url"))
            score.seconds += time.process_time() - started
            for miss in judge(score, reading, gold):
                if options.misses:
                    _say(f"  {gold['file']}: {miss}")
        for line in score.lines():
            _say(f"  {line}")


if __name__ == "__main__":
    main()
