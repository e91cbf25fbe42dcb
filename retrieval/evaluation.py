"""Questions with known answers → how well a corpus is searched, answered and left unanswered."""

import contextlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from ir_measures import RR, R, nDCG
from sklearn.metrics import precision_recall_curve, roc_auc_score

from retrieval.articles import read_file, scan
from retrieval.dates import PartialDate
from retrieval.engine import Engine
from retrieval.errors import RetrievalError
from retrieval.index.progress import ASKING, Report, no_report
from retrieval.types import Answer, Article, Filters, Passage, Quote, Span

STAGES = ("dense", "bm25", "bm25_articles", "fused", "reader")
"""The stages of retrieval that can be measured alone, and what the reader makes of them."""
_RANKING = {"nDCG@10": nDCG @ 10, "MRR@10": RR @ 10, "recall@1": R @ 1, "recall@10": R @ 10}
_BINS = 10  # of the reliability diagram, of equal width


class EvaluationError(RetrievalError):
    """The questions or judgements cannot be used; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class Gold:
    """An answer that counts as right: these words of this article."""

    article_id: str
    text: str
    span: Span | None
    """Where it stands in the article; None when any occurrence counts."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known of its answer."""

    question_id: str
    text: str
    filters: Filters
    answerable: bool | None
    """None when nobody judged it."""
    gold: tuple[Gold, ...]
    kind: str | None
    """What is asked for: "single", "both_sides", "latest", "window", "unanswerable_…"."""
    needs_all: bool
    """Every gold answer has to be quoted, not any one of them."""
    excluded: frozenset[str]
    """Articles that must not be quoted."""
    copies: frozenset[str]
    """Articles that are near-copies of a gold one and count as well."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured; a group is None where the questions do not allow it.

    Attributes:
        questions: how many were asked.
        stages: for each stage the measures of its ranking.
        unit: what the stages rank, "article" or "passage".
        answers: how well questions are answered and left unanswered.
        kinds: the share of right answers for each kind of question, and their mean.
        reliability: for each bin of confidence its mean, the share answered right, and the count.
        latency: milliseconds, by part and percentile.
    """

    questions: int
    stages: Mapping[str, Mapping[str, float]] | None
    unit: str
    answers: Mapping[str, float] | None
    kinds: Mapping[str, float] | None
    reliability: Sequence[tuple[float, float, int]] | None
    latency: Mapping[str, Mapping[str, float]] | None


def read_questions(path: Path, answers: Path | None = None) -> list[Question]:
    """The questions of a JSON Lines file.

    Args:
        path: objects with `id`, `text` or `question`, and what is known: `after`, `before`,
            `source`, `answerable`, `type`, `gold` (`article_id`, `answer`), `all`, `not`,
            `copies`, or `passage_id` with `answers` (`start`, `text`).
        answers: a file of gold spans, `question_id`, `article_id`, `start` and `text`.

    Raises:
        EvaluationError: a line is no such object.
    """
    spans: dict[str, list[Gold]] = defaultdict(list)
    for where, record in _records(answers) if answers else ():
        with _reading(where):
            spans[str(record["question_id"])].append(_span_gold(record["article_id"], record))
    return [_question(where, record, spans) for where, record in _records(path)]


def _question(where: str, record: Mapping[str, Any], spans: Mapping[str, list[Gold]]) -> Question:
    with _reading(where):
        question_id = str(record["id"])
        gold = list(spans.get(question_id, ()))
        gold += (_span_gold(record["passage_id"], answer) for answer in record.get("answers", ()))
        gold += (Gold(g["article_id"], g["answer"], None) for g in record.get("gold", ()))
        kind = record.get("type") if "gold" in record else None
        answerable = record.get("answerable")
        if answerable is None and kind is not None:
            answerable = not kind.startswith("unanswerable")
        return Question(
            question_id=question_id,
            text=str(record["text"] if "text" in record else record["question"]),
            filters=Filters(
                after=_date(record.get("after")),
                before=_date(record.get("before")),
                source=record.get("source"),
            ),
            answerable=answerable,
            gold=tuple(gold),
            kind=kind,
            needs_all=bool(record.get("all")),
            excluded=frozenset(record.get("not", ())),
            copies=frozenset(record.get("copies", ())),
        )


def _span_gold(article_id: str, answer: Mapping[str, Any]) -> Gold:
    text = str(answer["text"])
    return Gold(str(article_id), text, Span(answer["start"], answer["start"] + len(text)))


def _date(text: object) -> PartialDate | None:
    return PartialDate.from_iso(str(text)) if text else None


@contextlib.contextmanager
def _reading(where: str) -> Iterator[None]:
    """Names the line in what goes wrong with it."""
    try:
        yield
    except KeyError as error:
        raise EvaluationError(f"{where}: it has no {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise EvaluationError(f"{where}: {error}") from error


def _records(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise EvaluationError(f"{path} is not UTF-8 text") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except ValueError as error:
            raise EvaluationError(f"{where}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise EvaluationError(f"{where}: not a JSON object")
        yield where, record


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgements by question and article, from TREC qrels or the same without the second column.

    Raises:
        EvaluationError: a line is neither.
    """
    qrels: dict[str, dict[str, int]] = defaultdict(dict)
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        parts = line.split()
        if not parts:
            continue
        try:
            question, *_, article, grade = parts
            qrels[question][article] = int(grade)
        except ValueError as error:
            raise EvaluationError(
                f"{path}, line {number}: not a judgement; write: QUESTION 0 ARTICLE GRADE"
            ) from error
    return qrels


def evaluate(
    engine: Engine,
    corpus: Path | None,
    questions: Sequence[Question],
    qrels: Mapping[str, Mapping[str, int]] | None = None,
    stages: Sequence[str] = STAGES,
    report: Report = no_report,
) -> Evaluation:
    """Asks every question of the whole corpus, and compares; blocks.

    Stages rank articles where there are judgements of articles, and otherwise passages, of which
    those that hold a gold answer are right. The reader's stage is measured by what is quoted.

    Args:
        engine: open on `corpus`.
        corpus: its folder, read again to compare every quote with; None where it is not here, and
            quotes are compared with what the index holds.
        questions: at least one.
        qrels: grades of articles by question; above 0 is relevant.
        stages: which of `STAGES` are measured.
        report: told how far it has come.

    Raises:
        EvaluationError: a quote is not what its file says, word for word.
    """
    if corpus is None:
        texts = {article.article_id: article.text for article in engine.articles}
    else:
        texts = _texts(corpus)
    questions = [_with_twins(question, texts) for question in questions]
    runs: dict[str, list[ir_measures.ScoredDoc]] = {stage: [] for stage in stages}
    relevant: list[ir_measures.Qrel] = []
    answers: list[Answer] = []
    for done, question in enumerate(questions):
        report(ASKING, done, len(questions))
        grades = dict(qrels.get(question.question_id, {})) if qrels is not None else {}
        for stage, passages in engine.rank(question.text, question.filters).items():
            if stage not in runs:
                continue
            names = (p.article.article_id if qrels is not None else p.passage_id for p in passages)
            for rank, name in enumerate(dict.fromkeys(names)):
                runs[stage].append(ir_measures.ScoredDoc(question.question_id, name, -rank))
            if qrels is None:
                grades |= {p.passage_id: 1 for p in passages if _in_passage(question, p)}
        relevant += (ir_measures.Qrel(question.question_id, *item) for item in grades.items())
        if "reader" in stages:
            answer = engine.answer(question.text, question.filters)
            _require_verbatim(answer, texts)
            answers.append(answer)
    report(ASKING, len(questions), len(questions))
    judged = [q for q in questions if q.answerable is not None]
    ranked = {stage: _rank_measures(run, relevant) for stage, run in runs.items() if run}
    return Evaluation(
        questions=len(questions),
        stages=ranked if relevant and ranked else None,
        unit="passage" if qrels is None else "article",
        answers=_answering(questions, answers) if answers and judged else None,
        kinds=_kinds(questions, answers) if answers else None,
        reliability=_reliability(questions, answers) if answers and judged else None,
        latency=_latency(answers) if answers else None,
    )


def _with_twins(question: Question, texts: Mapping[str, str]) -> Question:
    """The question with every article that has the very text of a gold one among the copies."""
    gold_texts = {texts.get(gold.article_id) for gold in question.gold}
    twins = {article_id for article_id, text in texts.items() if text in gold_texts}
    return replace(question, copies=question.copies | twins)


def _texts(corpus: Path) -> dict[str, str]:
    files, _ = scan(corpus)
    return {a.article_id: a.text for file in files for a in read_file(corpus, file).articles}


def _require_verbatim(answer: Answer, texts: Mapping[str, str]) -> None:
    for quote in (*answer.quotes, *answer.nearest):
        text = texts.get(quote.article.article_id, "")
        if not quote.text or quote.span.of(text) != quote.text:
            raise EvaluationError(
                f"not verbatim: {quote.text!r} is not at {quote.span.start}..{quote.span.end} of "
                f"{quote.article.article_id!r}; question: {answer.question!r}"
            )


def _rank_measures(
    run: Sequence[ir_measures.ScoredDoc], relevant: Sequence[ir_measures.Qrel]
) -> dict[str, float]:
    found = ir_measures.calc_aggregate(list(_RANKING.values()), relevant, run)
    return {name: float(found[measure]) for name, measure in _RANKING.items()}


def _in_passage(question: Question, passage: Passage) -> bool:
    return any(_stands_in(gold, question, passage.article, passage.span) for gold in question.gold)


def _stands_in(gold: Gold, question: Question, article: Article, span: Span) -> bool:
    """Whether these words are all of the gold answer, or hold it."""
    if article.article_id != gold.article_id and article.article_id not in question.copies:
        return False
    if gold.span is None:
        return gold.text in span.of(article.text)
    return span.start <= gold.span.start and gold.span.end <= span.end


def _holds(question: Question, quotes: Iterable[Quote]) -> bool:
    return any(
        _stands_in(gold, question, quote.article, quote.span)
        for quote in quotes
        for gold in question.gold
    )


def _right(question: Question, answer: Answer) -> bool:
    """Whether an answer is as its kind of question wants it."""
    quotes = answer.quotes
    if not question.answerable:
        return answer.abstained
    if any(quote.article.article_id in question.excluded for quote in quotes[:3]) and (
        question.kind == "window"
    ):
        return False
    if question.needs_all:
        return all(
            any(_stands_in(gold, question, quote.article, quote.span) for quote in quotes)
            for gold in question.gold
        )
    return _holds(question, quotes[: 1 if question.kind == "latest" else 3])


def _best(answer: Answer) -> float:
    return max((quote.score for quote in (*answer.quotes, *answer.nearest)), default=0.0)


def _answering(questions: Sequence[Question], answers: Sequence[Answer]) -> dict[str, float]:
    pairs = [(q, a) for q, a in zip(questions, answers, strict=True) if q.answerable is not None]
    asked = [(q, a) for q, a in pairs if q.answerable]
    truth = np.array([bool(q.answerable) for q, _ in pairs])
    silent = np.array([a.abstained for _, a in pairs])
    measures = {"verbatim": 1.0}  # or else there would be no measures
    if asked:
        for k in (1, 3):
            hits = [_holds(q, (a.quotes or a.nearest)[:k]) for q, a in asked]
            measures[f"quote@{k}"] = float(np.mean(hits))
        for k in (1, 3):
            hits = [_holds(q, a.quotes[:k]) for q, a in asked]
            measures[f"quote@{k}, silence as a miss"] = float(np.mean(hits))
        measures["answerable met with silence"] = float(silent[truth].mean())
    if not truth.all():
        measures["unanswerable met with silence"] = float(silent[~truth].mean())
        measures["refusal recall"] = float(silent[~truth].mean())
        measures["refusal precision"] = float((~truth[silent]).mean()) if silent.any() else 0.0
    if len(asked) not in (0, len(pairs)):
        scores = [_best(a) for _, a in pairs]
        precision, recall, _ = precision_recall_curve(truth, scores)
        both = np.maximum(precision + recall, 1e-9)
        measures["AUROC of answerability"] = float(roc_auc_score(truth, scores))
        measures["best F1 of answerability"] = float((2 * precision * recall / both).max())
    bins = _reliability(questions, answers)
    total = sum(count for _, _, count in bins)
    measures["expected calibration error"] = (
        sum(count * abs(mean - share) for mean, share, count in bins) / total
    )
    return measures


def _reliability(
    questions: Sequence[Question], answers: Sequence[Answer]
) -> list[tuple[float, float, int]]:
    """For each bin of confidence that holds any: its mean, the share answered right, the count.

    Every judged question counts once, with its most probable quote, shown or nearest.
    """
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for question, answer in zip(questions, answers, strict=True):
        shown = answer.quotes or answer.nearest
        if question.answerable is None or not shown:
            continue
        best = max(shown, key=lambda quote: quote.score)
        right = bool(question.answerable) and _holds(question, [best])
        bins[min(_BINS - 1, math.floor(best.score * _BINS))].append((best.score, right))
    return [
        (float(np.mean([s for s, _ in held])), float(np.mean([r for _, r in held])), len(held))
        for _, held in sorted(bins.items())
    ]


def _kinds(questions: Sequence[Question], answers: Sequence[Answer]) -> dict[str, float] | None:
    right: dict[str, list[bool]] = defaultdict(list)
    for question, answer in zip(questions, answers, strict=True):
        if question.kind is not None:
            right[
                question.kind.partition("_")[0] if not question.answerable else question.kind
            ].append(_right(question, answer))
    if not right:
        return None
    shares = {kind: float(np.mean(found)) for kind, found in right.items()}
    return {**shares, "mean": float(np.mean(list(shares.values())))}


def _latency(answers: Sequence[Answer]) -> dict[str, dict[str, float]]:
    found = {}
    for part in ("embed", "retrieve", "read", "total"):
        times = [getattr(answer.timing, part) for answer in answers]
        found[part] = {f"p{p}": float(np.percentile(times, p)) for p in (50, 95, 99)}
    return found
