"""The reader's network: one pass over question and passage → where the answer is, if it is there.

Devlin et al. (2019), BERT, with the span head and the null span of their section 4.3, and a
second head that judges whether the passage answers at all, as in Zhang et al. (2021),
Retrospective Reader.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load
from tokenizers import Tokenizer

from retrieval.bert import WORDS, Bert, Graph, Ids, Size, padded, word_embeddings
from retrieval.dates import PartialDate

_MAX_TITLE = 160  # code points
MAX_TOKENS = 320  # question and passage together; our passages have about 130
_MAX_QUESTION = 96  # tokens; the rest of an endless question is not read
_ENCODER = "encoder."
# What is left of each layer after `prune.py`, and so little lost: the last ones hardly use theirs.
READER = Graph(
    Path(__file__).with_name("reader-int8.onnx"),
    (Size(8, 1024), Size(11, 1408), Size(10, 1280), Size(10, 960), Size(8, 256), Size(6, 256)),
    int8=True,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the network says of pairs of question and passage, `tokens` long at most.

    Attributes:
        start: float32 (pairs, tokens), log-odds; -inf outside the passage, but for the null span
            at token 0.
        end: likewise.
        answers: float32 (pairs), log-odds that the passage answers.
    """

    start: npt.NDArray[np.float32]
    end: npt.NDArray[np.float32]
    answers: npt.NDArray[np.float32]


class Network:
    """A small BERT with two heads, on the embedding model's own word embeddings."""

    def __init__(self, model: Path, weights: bytes) -> None:
        """Prepares the weights; blocks.

        Args:
            model: folder of the embedding model, whose word embeddings it shares.
            weights: what the training wrote, a safetensors file.
        """
        given = {name: tensor.astype(np.float32) for name, tensor in load(weights).items()}
        encoder = {
            name.removeprefix(_ENCODER): tensor
            for name, tensor in given.items()
            if name.startswith(_ENCODER)
        }
        self._encoder = Bert(encoder | {WORDS: word_embeddings(model)}, READER)
        self._span, self._span_bias = given["span.weight"].T, given["span.bias"]
        self._answers, self._answers_bias = given["answers.weight"].T, given["answers.bias"]

    def __call__(self, ids: Ids, types: Ids, mask: Ids) -> Judgement:
        """Judges pairs. All of int64 (pairs, tokens); `types` is 1 in the passage, else 0."""
        hidden = self._encoder(ids, types, mask)
        spans = hidden @ self._span + self._span_bias
        outside = types == 0
        outside[:, 0] = False
        spans[outside] = -np.inf
        answers = hidden[:, 0] @ self._answers + self._answers_bias
        return Judgement(spans[..., 0], spans[..., 1], answers[:, 0])


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as the network reads them: [CLS] question [SEP] passage [SEP]."""

    ids: tuple[int, ...]
    first: int
    """Which of the tokens is the passage's first."""
    offsets: npt.NDArray[np.int64]
    """Where each of the passage's tokens begins and ends in it, in code points: (tokens, 2)."""


def context_of(title: str | None, published: PartialDate | None) -> str:
    """What the network is told of an article before a passage: `Title, 12 March 2024. `."""
    parts = [title[:_MAX_TITLE].rstrip(" .")] if title else []
    if published is not None:
        month = "" if published.month is None else calendar.month_name[published.month]
        parts.append(" ".join(filter(None, (str(published.day or ""), month, str(published.year)))))
    return ", ".join(parts) + ". " if parts else ""


class Tokens:
    """Cuts questions and passages into the network's tokens."""

    def __init__(self, model: Path) -> None:
        """Args: model: folder of the embedding model, whose tokens these are."""
        self._tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        vocabulary = self._tokenizer.get_vocab()
        self._begin, self._end = vocabulary["[CLS]"], vocabulary["[SEP]"]

    def pair(self, question: str, passages: Sequence[str]) -> list[Pair]:
        """A question with each passage; what is longer than `MAX_TOKENS` loses its end."""
        return self.pairs([question], [passages])

    def pairs(self, questions: Sequence[str], passages: Sequence[Sequence[str]]) -> list[Pair]:
        """Each question with each of its passages, in order."""
        asked = self._tokenizer.encode_batch(list(questions), add_special_tokens=False)
        found = iter(
            self._tokenizer.encode_batch(
                [text for texts in passages for text in texts], add_special_tokens=False
            )
        )
        several = (
            (question, next(found))
            for question, texts in zip(asked, passages, strict=True)
            for _ in texts
        )
        pairs = []
        for question, passage in several:
            head = [self._begin, *question.ids[:_MAX_QUESTION], self._end]
            room = MAX_TOKENS - len(head) - 1
            pairs.append(
                Pair(
                    ids=(*head, *passage.ids[:room], self._end),
                    first=len(head),
                    offsets=np.array(passage.offsets[:room], dtype=np.int64).reshape(-1, 2),
                )
            )
        return pairs


def batch(pairs: Sequence[Pair]) -> tuple[Ids, Ids, Ids]:
    """Ids, types and mask of the pairs, int64 (pairs, tokens of the longest).

    The types are 1 in the passage, else 0.
    """
    ids, mask = padded([pair.ids for pair in pairs])
    types = np.zeros_like(ids)
    for row, pair in enumerate(pairs):
        types[row, pair.first : len(pair.ids) - 1] = 1
    return ids, types, mask
