"""The examples the reader is trained on: every gold span stands where it is said to."""

import hashlib
import json
import random
from pathlib import Path

from retrieval.reader import examples
from retrieval.reader.examples import Examples, read_records, story_records, written_records

_WRITTEN = Path(examples.__file__).with_name("written.jsonl")
_STORIES = _WRITTEN.with_name("stories.jsonl")
_COMMENTARIES = _WRITTEN.with_name("commentaries.jsonl")
_CHECKED = Path(__file__).parents[1] / "benchmarks" / "commentaries"


def _own() -> list[examples.Record]:
    """Our own questions on the articles that stand with them."""
    return [record for record in read_records(_WRITTEN) if "text" in record]


def test_every_written_answer_stands_in_its_article() -> None:
    """Word for word; and about as many questions have none."""
    asked = [
        (article["text"], *question) for article in _own() for question in article["questions"]
    ]

    assert all(answer is None or answer in text for text, _, answer, _ in asked)
    assert 0.4 < sum(answer is None for _, _, answer, _ in asked) / len(asked) < 0.6


def test_every_answer_of_a_story_stands_in_its_report() -> None:
    """Word for word; and most questions are answered by some reports and not by others."""
    stories = read_records(_STORIES)
    records = story_records(_STORIES, "stories")

    assert all(_stands(record) for record in records)
    several = [sum(map(bool, words)) for story in stories for _, words in story["questions"]]
    assert len(several) / 3 < sum(number > 1 for number in several)
    assert len(several) / 5 < sum(number == 0 for number in several)


def test_every_answer_to_a_commentary_stands_in_it_and_none_is_asked_in_the_check() -> None:
    """What it is measured on is none of what it is trained on."""
    records = story_records(_COMMENTARIES, "commentaries")
    checked = {article["text"] for article in read_records(_CHECKED / "articles.jsonl")}

    assert all(_stands(record) for record in records)
    assert 0.25 < sum(record["answerable"] for record in records) / len(records) < 0.4
    assert checked
    assert checked.isdisjoint(record["context"] for record in records)


def _stands(record: examples.Record) -> bool:
    """Whether the record's answers are words of its text, where they are said to be."""
    return all(
        a["text"] == record["context"][a["start"] : a["start"] + len(a["text"])]
        for a in record["answers"]
    )


def test_questions_on_a_source_find_their_paragraph_by_its_hash(tmp_path: Path) -> None:
    """The paragraph itself belongs to its source, and does not stand with our questions."""
    paragraph = "The ice on the Arn is 7 cm thick, on the Tarn 9 cm."
    line = {
        "sha256": hashlib.sha256(paragraph.encode()).hexdigest()[:10],
        "questions": [
            ["How thick is the ice on the Tarn?", "9 cm", None],
            ["Why?", None, "reason"],
        ],
    }
    some = tmp_path / "paragraphs.jsonl"
    some.write_text(json.dumps(line) + "\n")

    records = written_records(some, [{"context": paragraph}], "paragraphs")

    assert [("paragraphs", True), ("paragraphs", False)] == [
        (record["source"], record["answerable"]) for record in records
    ]
    assert [{"text": "9 cm", "start": paragraph.index("9 cm")}] == records[0]["answers"]


def test_examples_of_an_epoch_hold_their_answers(tmp_path: Path) -> None:
    """Through windows, titles, negatives and exchanged names."""
    some = tmp_path / "written.jsonl"
    some.write_text("".join(json.dumps(article) + "\n" for article in _own()[:60]))
    records = written_records(some, [])
    answers = {answer["text"] for record in records for answer in record["answers"]}

    drawn = Examples(records).epoch({"written": 1.0}, random.Random(0))

    held = [span.of(example.passage) for example in drawn for span in example.gold]
    assert held
    assert sum(words in answers for words in held) > 0.9 * len(held)
    assert any(not example.gold for example in drawn)
    assert all(words.strip() for words in held)


def test_a_question_is_not_mined_against_its_own_story(tmp_path: Path) -> None:
    """Another report of the story may well answer it."""
    own = {
        "story": "fire",
        "text": "The fire in Arn killed 4.",
        "questions": [["Who died in Arn?", "4", None]],
    }
    rival = {"story": "fire", "text": "The fire in Arn killed 9.", "questions": [["A?", "9", None]]}
    other = {
        "story": "ice",
        "text": "The ice on the Arn is 7 cm.",
        "questions": [["B?", "7", None]],
    }
    some = tmp_path / "written.jsonl"
    some.write_text("".join(json.dumps(line) + "\n" for line in (own, rival, other)))

    drawn = Examples(written_records(some, [])).epoch({"written": 40.0}, random.Random(0))

    asked = {example.passage for example in drawn if "died" in example.question}
    assert other["text"] in asked
    assert rival["text"] not in asked
