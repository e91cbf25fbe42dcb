"""The measures: right where they can be worked out by hand, and never kinder than that."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from retrieval.dates import PartialDate
from retrieval.engine import Engine
from retrieval.evaluation import (
    STAGES,
    Evaluation,
    EvaluationError,
    evaluate,
    read_qrels,
    read_questions,
)
from retrieval.reader.span import SpanReader
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import make_index

_ARTICLES = {
    "bridge": "The bridge of Lindhaven opened on Monday. Petra Marant cut the ribbon.",
    "tram": "The tram line to the harbour cost 5 million crowns. It has nine stops.",
    "flood": "The flood in the Kessim Valley killed 24 people in October.",
}


def _write(path: Path, records: Sequence[Mapping[str, object]]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.fixture
def measured(tmp_path: Path, reader: SpanReader) -> "Measure":
    """Measures questions on the three articles."""
    return Measure(tmp_path, reader)


class Measure:
    """Called with records of questions, and perhaps lines of judgements."""

    def __init__(self, folder: Path, reader: SpanReader) -> None:
        self._folder = folder
        self._engine = Engine(make_index(folder, _ARTICLES), HashingEmbedder(), reader)

    def __call__(
        self,
        *records: Mapping[str, object],
        qrels: str | None = None,
        stages: Sequence[str] = STAGES,
    ) -> Evaluation:
        """What is measured."""
        questions = read_questions(_write(self._folder / "questions.jsonl", records))
        judged = None
        if qrels is not None:
            (self._folder / "qrels").write_text(qrels, encoding="utf-8")
            judged = read_qrels(self._folder / "qrels")
        return evaluate(self._engine, self._folder / "corpus", questions, judged, stages)


def _asked(question: str, article: str, answer: str) -> dict[str, object]:
    start = _ARTICLES[article].index(answer)
    return {
        "id": question,
        "question": question,
        "passage_id": article,
        "answers": [{"text": answer, "start": start}],
        "answerable": True,
    }


_COST = _asked("How much did the tram line to the harbour cost?", "tram", "5 million crowns")
_RIBBON = _asked("Who cut the ribbon of the bridge?", "bridge", "Petra Marant")
_COLOUR = {"id": "c", "text": "Who won the 2022 World Cup?", "answerable": False}


def test_right_answers_and_right_silence_count(measured: Measure) -> None:
    """Two questions answered, one rightly not."""
    answers = measured(_COST, _RIBBON, _COLOUR).answers

    assert answers is not None
    assert answers["quote@1"] == answers["quote@3"] == 1
    assert answers["answerable met with silence"] == 0
    assert answers["unanswerable met with silence"] == answers["refusal precision"] == 1
    assert answers["AUROC of answerability"] == answers["best F1 of answerability"] == 1
    assert answers["verbatim"] == 1


def test_another_gold_answer_is_a_miss(measured: Measure) -> None:
    """The measure can fail."""
    wrong = {**_RIBBON, "answers": [{"text": "Monday", "start": 35}]}
    answers = measured(wrong, _COLOUR).answers

    assert answers is not None
    assert answers["quote@1"] == 0


def test_every_stage_is_ranked_by_itself(measured: Measure) -> None:
    """So that each one's worth is seen."""
    found = measured(_COST, _RIBBON, stages=["dense", "bm25", "fused"])

    assert found.stages is not None
    assert found.answers is None
    assert {"dense", "bm25", "fused"} == set(found.stages)
    assert found.unit == "passage"
    assert found.stages["fused"] == {"nDCG@10": 1, "MRR@10": 1, "recall@1": 1, "recall@10": 1}


@pytest.mark.parametrize("qrels", ["c 0 flood 1\n", "c\tflood\t1\n\n"])
def test_judgements_of_articles_are_read_in_both_forms(measured: Measure, qrels: str) -> None:
    """TREC's four columns, or the three that people write."""
    question = {"id": "c", "text": "flood in the Kessim Valley"}
    found = measured(question, qrels=qrels)

    assert found.stages is not None
    assert found.unit == "article"
    assert found.stages["fused"]["MRR@10"] == 1
    assert found.answers is None


@pytest.mark.parametrize(
    ("record", "kind", "right"),
    [
        ({"gold": [{"article_id": "flood", "answer": "24"}]}, "single", 1),
        ({"gold": [{"article_id": "tram", "answer": "24"}]}, "single", 0),
        ({"gold": [{"article_id": "x", "answer": "24"}], "copies": ["flood"]}, "single", 1),
        ({"gold": [{"article_id": "flood", "answer": "24"}], "not": ["flood"]}, "window", 0),
        (
            {
                "all": True,
                "gold": [
                    {"article_id": "flood", "answer": "24"},
                    {"article_id": "flood", "answer": "30"},
                ],
            },
            "both_sides",
            0,
        ),
        ({"gold": []}, "unanswerable_detail", 0),
    ],
)
def test_each_kind_of_question_has_its_own_idea_of_right(
    measured: Measure, record: dict[str, object], kind: str, right: int
) -> None:
    """One quote of three, all answers, none of the wrong articles, or silence."""
    question = "How many people did the flood in the Kessim Valley kill?"
    kinds = measured({"id": "q", "text": question, "type": kind, **record}).kinds

    assert kinds is not None
    assert {
        kind.partition("_")[0] if kind.startswith("un") else kind: right,
        "mean": right,
    } == kinds


def test_confidence_is_compared_with_what_was_right(measured: Measure) -> None:
    """The reliability diagram counts every judged question once."""
    found = measured(_COST, _RIBBON, _COLOUR)

    assert found.reliability is not None
    assert sum(count for _, _, count in found.reliability) == 3


def test_filters_of_a_question_hold(tmp_path: Path) -> None:
    """Its window and its source are asked for as people would."""
    path = tmp_path / "questions.jsonl"
    _write(path, [{"id": 1, "text": "Who?", "after": "2024-02", "before": None, "source": "AFP"}])
    (question,) = read_questions(path)

    assert question.filters.after == PartialDate(2024, 2)
    assert (question.filters.before, question.filters.source) == (None, "AFP")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: not a JSON object"),
        ('{"text": "Who?"}', "line 1: it has no 'id'"),
        ('{"id": 1}', "line 1: it has no 'question'"),
        ('{"id": 1, "text": "Who?", "after": "soon"}', "line 1: not a date"),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str, message: str) -> None:
    """With its file and number."""
    path = tmp_path / "questions.jsonl"
    path.write_text(line, encoding="utf-8")

    with pytest.raises(EvaluationError, match=message):
        read_questions(path)


def test_a_line_that_is_no_judgement_is_named(tmp_path: Path) -> None:
    """Three or four columns, the last a number."""
    path = tmp_path / "qrels"
    path.write_text("q 0 a 1\nq a yes\n", encoding="utf-8")

    with pytest.raises(EvaluationError, match="line 2: not a judgement"):
        read_qrels(path)


def test_a_quote_that_is_not_in_its_file_ends_the_evaluation(
    measured: Measure, tmp_path: Path
) -> None:
    """Verbatim is asserted, not assumed."""
    path = tmp_path / "corpus" / "tram.txt"
    path.write_text(_ARTICLES["tram"].replace("crowns", "francs"), encoding="utf-8")

    with pytest.raises(EvaluationError, match="not verbatim"):
        measured(_COST)
