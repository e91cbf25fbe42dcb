"""How well the shipped pipeline answers and abstains, on data that is not part of the project.

    python -m tests.benchmarks.quality CORPUS.jsonl QUESTIONS.jsonl [ANSWERS.jsonl]

Indexes the whole corpus in a temporary folder and asks every question of all of it. Questions have
`id`, `text` or `question`, and `answerable`; the gold spans stand with them (`answers`, with the
article as `passage_id`) or in a file of their own (`question_id`, `article_id`, `start`, `text`).
"""

import json
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sklearn.metrics import roc_auc_score

from retrieval.engine import Engine
from retrieval.types import Places, Quote

Gold = tuple[str, int, int]
"""Article, start and end of an answer, in code points."""


def main(corpus: Path, questions: Path, answers: Path | None = None) -> None:
    """Prints the measures, one a line."""
    records = _read(questions)
    gold = _gold(records, _read(answers) if answers else [])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "corpus").mkdir()
        shutil.copy(corpus, Path(folder) / "corpus")
        engine = Engine.open(Places(Path(folder) / "corpus", Path(folder) / "index"))
        found = [engine.answer(record.get("text") or record["question"]) for record in records]
    shown = [answer.quotes or answer.nearest for answer in found]
    answerable = [bool(record["answerable"]) for record in records]
    asked = [number for number, yes in enumerate(answerable) if yes]
    verbatim = all(
        quote.text == quote.article.text[quote.span.start : quote.span.end]
        for quotes in shown
        for quote in quotes
    )
    silent = [answer.abstained for answer in found]
    print_row("questions", len(records))
    print_row("answerable", len(asked))
    for k in (1, 3):
        hits = [_holds(shown[number][:k], gold[records[number]["id"]]) for number in asked]
        print_row(f"quote@{k}", statistics.fmean(hits))
    scores = [answer.confidence for answer in found]
    print_row("AUROC of answerability", roc_auc_score(answerable, scores))
    print_row("answerable met with silence", statistics.fmean(silent[n] for n in asked))
    rest = [quiet for quiet, yes in zip(silent, answerable, strict=True) if not yes]
    print_row("unanswerable met with silence", statistics.fmean(rest))
    print_row("verbatim", float(verbatim))
    times = sorted(answer.timing.total for answer in found)
    for share in (50, 95, 99):
        print_row(f"ms an answer, p{share}", times[len(times) * share // 100])


def print_row(name: str, value: float) -> None:
    """One measure."""
    sys.stdout.write(
        f"{name:<32}{value:>10.3f}\n" if isinstance(value, float) else f"{name:<32}{value:>10,}\n"
    )


def _read(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _gold(
    records: Sequence[dict[str, Any]], answers: Sequence[dict[str, Any]]
) -> dict[str, list[Gold]]:
    spans: dict[str, list[Gold]] = defaultdict(list)
    for record in answers:
        end = record["start"] + len(record["text"])
        spans[record["question_id"]].append((record["article_id"], record["start"], end))
    for record in records:
        for answer in record.get("answers", ()):
            end = answer["start"] + len(answer["text"])
            spans[record["id"]].append((record["passage_id"], answer["start"], end))
    return spans


def _holds(quotes: Sequence[Quote], gold: Sequence[Gold]) -> bool:
    return any(
        quote.article.article_id == article_id
        and quote.span.start <= start
        and end <= quote.span.end
        for quote in quotes
        for article_id, start, end in gold
    )


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
