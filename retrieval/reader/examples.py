"""Records of questions with passages → examples to train the reader on.

For training only; the forms of the records are described in `train.py`.
"""

import gzip
import hashlib
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import bm25s

from retrieval.dates import PartialDate
from retrieval.reader.negatives import Pool, exchanged_roles, negative, other_day
from retrieval.reader.network import context_of
from retrieval.reader.phrasing import chatty, dated
from retrieval.reader.windows import MAX_WINDOW
from retrieval.sentences import split_sentences
from retrieval.types import Span
from retrieval.words import stems

Record = Mapping[str, Any]

# How many times over an epoch sees the answerable and the unanswerable records of a source, and
# how often a rule makes a negative of an answerable one. Off-domain sources (reviews, Reddit) and
# easy ones (QAMR) count for little.
SHARES = {
    "squadshifts_new_wiki": (1.0, 0.8, 1.0),
    "squad1_train_sent": (0.8, 1.0, 0.2),
    "qed_nq": (1.0, 0.7, 0.7),
    "nq_open_oracle": (1.0, 0.7, 0.5),
    "selqa": (1.0, 1.0, 0.2),
    "tweetqa": (0.35, 0.4, 0.2),
    "qamr_wikinews": (0.5, 0.4, 0.3),
    "qamr_wikipedia": (0.4, 0.3, 0.2),
    "squadshifts_reddit": (0.12, 1.0, 0.05),
    "squadshifts_amazon": (0.08, 1.0, 0.03),
    "tempting": (1.0, 1.0, 0.6),
    "written": (1.0, 1.0, 0.4),
    "stories": (1.0, 0.5, 0.3),
    "paragraphs": (1.0, 1.0, 0.1),
    "commentaries": (1.5, 0.6, 0.2),
}
# Sources whose passages are alike: each question is also asked of others that are not its own.
_MINED = 8  # such passages for each question
_MINED_SHARE = {
    "tempting": 0.5,
    "written": 0.5,
    "stories": 0.15,
    "paragraphs": 0.1,
    "commentaries": 0.1,
}


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage, with where it answers.

    Attributes:
        gold: the answers, or the sentences that hold them; none if the passage does not answer.
    """

    question: str
    passage: str
    gold: tuple[Span, ...]


def read_records(path: Path) -> list[Record]:
    """The records of a JSON Lines file, which may be compressed with gzip."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return [json.loads(line) for line in text.split("\n") if line]


def tempting_records(folder: Path, split: str) -> list[Record]:
    """The questions of `train` or `dev`, each with its passage, as records of one source."""
    passages = {record["id"]: record["text"] for record in read_records(folder / "passages.jsonl")}
    return [
        {**record, "source": "tempting", "context": passages[record["passage_id"]]}
        for record in read_records(folder / f"{split}.jsonl")
    ]


def written_records(path: Path, known: Sequence[Record], source: str = "written") -> list[Record]:
    """Our own questions: on articles that stand with them, or on contexts of `known` records.

    A line of the file holds either `title`, `published` and `text`, or `sha256`, the first ten
    digits of the SHA-256 of a context's UTF-8, and `questions`: lists of a question, the words that
    answer it (null if none do) and the kind of what tempts. Articles of one `story` tell of the
    same events.

    Raises:
        KeyError: a context is not among the known records.
    """
    contexts = {_digest(text): text for text in {r["context"] for r in known if "context" in r}}
    records: list[Record] = []
    for number, article in enumerate(read_records(path)):
        text = article.get("text") or contexts[article["sha256"]]
        for order, (question, answer, kind) in enumerate(article["questions"]):
            found = [] if answer is None else re.finditer(re.escape(answer), text)
            records.append(
                {
                    "source": source,
                    "id": f"{source}-{number}-{order}",
                    "title": article.get("title"),
                    "story": article.get("story"),
                    "published": article.get("published"),
                    "context": text,
                    "question": question,
                    "answers": [{"text": answer, "start": match.start()} for match in found],
                    "answerable": answer is not None,
                    "type": kind,
                }
            )
    return records


def story_records(path: Path, source: str) -> list[Record]:
    """Questions that are asked of every report of a story, as records of one source.

    A line of the file holds `story`, its `reports` (`title`, `published`, `text`) and `questions`:
    lists of a question and, for each report, the words that answer it, null if it does not.
    """
    return [
        {
            "source": source,
            "id": f"{source}-{number}-{order}-{place}",
            "title": report["title"],
            "story": story["story"],
            "published": report["published"],
            "context": report["text"],
            "question": question,
            "answers": [{"text": words[place], "start": report["text"].index(words[place])}]
            if words[place]
            else [],
            "answerable": bool(words[place]),
        }
        for number, story in enumerate(read_records(path))
        for order, (question, words) in enumerate(story["questions"])
        for place, report in enumerate(story["reports"])
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


class Examples:
    """Draws the examples of one epoch after another, no two epochs alike."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        contexts: dict[str, set[str]] = defaultdict(set)
        for record in records:
            if "context" in record:
                contexts[record["source"]].add(record["context"])
        self._pools = {source: Pool.of(sorted(found)) for source, found in contexts.items()}
        self._mined: dict[str, list[str]] = {}
        for source in _MINED_SHARE:
            self._mined |= _mine([r for r in records if r["source"] == source])

    def epoch(self, times: Mapping[str, float], rng: random.Random) -> list[Example]:
        """The examples of one epoch, shuffled.

        Args:
            times: how often each source is seen, on top of `SHARES`; sources left out are not.
            rng: throws the dice; the same ones give the same examples.
        """
        drawn = [
            example
            for record in self._records
            if record["source"] in times
            for example in self._draw(record, times[record["source"]], rng)
        ]
        rng.shuffle(drawn)
        return drawn

    def _draw(self, record: Record, times: float, rng: random.Random) -> Iterator[Example]:
        answerable, unanswerable, made = SHARES[record["source"]]
        share = times * (answerable if record["answerable"] else unanswerable)
        for _ in range(_rounded(share, rng)):
            yield from self._examples(record, rng)
        if record["answerable"]:
            for _ in range(_rounded(times * made, rng)):
                yield from self._negatives(record, rng)

    def _examples(self, record: Record, rng: random.Random) -> Iterator[Example]:
        passage, gold = _window(record, rng)
        if bool(gold) == record["answerable"]:
            yield _in_context(Example(record["question"], passage, gold), record, rng)
        mined = self._mined.get(record.get("id", ""))
        if mined and rng.random() < _MINED_SHARE[record["source"]]:
            yield Example(_typed(record["question"], rng), rng.choice(mined), ())

    def _negatives(self, record: Record, rng: random.Random) -> Iterator[Example]:
        passage, gold = _window(record, rng)
        pool = self._pools.get(record["source"], Pool({}))
        if gold:
            made = negative(record["question"], passage, gold, rng, pool)
            if made is not None:
                yield _in_context(Example(made[0], made[1], ()), record, rng)
            turned = exchanged_roles(record["question"], passage, gold, rng)
            if turned is not None:
                yield _in_context(Example(*turned), record, rng)


def _in_context(example: Example, record: Record, rng: random.Random) -> Example:
    """Now and then with title and date of the article, as the reader reads a passage.

    Where the date is told, the question may name it too; or another one, and has no answer then.
    """
    title = record.get("title") if rng.random() < 0.7 else None
    published = record.get("published") if rng.random() < 0.8 else None
    day = date.fromisoformat(published) if published else None
    question, gold = example.question, example.gold
    if day is not None and rng.random() < 0.4:
        asked = dated(question, day, rng)
        if rng.random() < 0.3 and gold:
            moved = other_day(day, example.passage, rng)
            if moved is not None:
                asked, gold = dated(question, moved, rng, day), ()
        question = asked
    context = context_of(title, PartialDate(day.year, day.month, day.day) if day else None)
    moved_gold = (Span(span.start + len(context), span.end + len(context)) for span in gold)
    return Example(_typed(question, rng), context + example.passage, tuple(moved_gold))


def _typed(question: str, rng: random.Random) -> str:
    return chatty(question, rng) if rng.random() < 0.5 else question


def _rounded(share: float, rng: random.Random) -> int:
    return int(share) + (rng.random() < share % 1)


def _window(record: Record, rng: random.Random) -> tuple[str, tuple[Span, ...]]:
    """Sentences that stand together, as long as a window of ours, at random around an answer."""
    text, gold = _text(record)
    sentences = split_sentences(text, Span(0, len(text)))
    if not sentences:
        return text, gold
    anchor = rng.choice(gold) if gold else None
    if anchor is None:
        first = last = rng.randrange(len(sentences))
    else:
        held = [n for n, s in enumerate(sentences) if s.start < anchor.end and anchor.start < s.end]
        first, last = (held[0], held[-1]) if held else (0, 0)
    limit = MAX_WINDOW if rng.random() < 0.4 else rng.randint(150, MAX_WINDOW)
    while True:
        ways = []
        if first > 0 and sentences[last].end - sentences[first - 1].start <= limit:
            ways.append((first - 1, last))
        if last + 1 < len(sentences) and sentences[last + 1].end - sentences[first].start <= limit:
            ways.append((first, last + 1))
        if not ways:
            break
        first, last = rng.choice(ways)
    window = Span(sentences[first].start, sentences[last].end)
    inside = tuple(
        Span(span.start - window.start, span.end - window.start)
        for span in gold
        if window.start <= span.start and span.end <= window.end
    )
    return window.of(text), inside


def _text(record: Record) -> tuple[str, tuple[Span, ...]]:
    """A record's whole text and the answers in it."""
    if "context" in record:
        answers = record["answers"] if record["answerable"] else []
        gold = (Span(a["start"], a["start"] + len(a["text"])) for a in answers)
        return record["context"], tuple(dict.fromkeys(gold))
    text, gold_sentences = "", []
    for sentence, label in zip(record["sentences"], record["labels"], strict=True):
        if text:
            text += " "
        if label:
            gold_sentences.append(Span(len(text), len(text) + len(sentence)))
        text += sentence
    return text, tuple(gold_sentences)


def _mine(records: Sequence[Record]) -> dict[str, list[str]]:
    """For each record's id the passages most like its question that do not answer it.

    They do not hold the answer's words, nor are they of the same story.
    """
    if not records:
        return {}
    stories = {record["context"]: record.get("story") for record in records}
    passages = sorted(stories)
    index = bm25s.BM25()
    index.index([stems(passage) for passage in passages], show_progress=False)
    asked = [stems(record["question"]) for record in records]
    rows, _ = index.retrieve(asked, k=min(_MINED + 4, len(passages)), show_progress=False)
    mined = {}
    for record, found in zip(records, rows, strict=True):
        said = [answer["text"].casefold() for answer in record["answers"]]
        story = record.get("story")
        others = [passages[row] for row in found if passages[row] != record["context"]]
        mined[record["id"]] = [
            other
            for other in others
            if not (story and stories[other] == story)
            and not any(text in other.casefold() for text in said)
        ][:_MINED]
    return mined
