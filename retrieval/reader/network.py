"""The reader's network: one pass over question and passage → where the answer is, if it is there.

Devlin et al. (2019), BERT, with the span head and the null span of their section 4.3, and a
second head that judges whether the passage answers at all, as in Zhang et al. (2021),
Retrospective Reader.
"""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from retrieval.dates import PartialDate
from retrieval.types import Span

_MAX_TITLE = 160  # code points
MAX_TOKENS = 320  # question and passage together; our passages have about 130
_MAX_QUESTION = 96  # tokens; the rest of an endless question is not read
# Stays with the embedding model, which is installed anyway: neither trained nor shipped again.
_SHARED = "encoder.embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the network says of pairs of question and passage, `tokens` long at most.

    Attributes:
        start: float32 (pairs, tokens), log-odds; -inf outside the passage, but for the null span
            at token 0.
        end: likewise.
        answers: float32 (pairs), log-odds that the passage answers.
    """

    start: Tensor
    end: Tensor
    answers: Tensor


class Network(nn.Module):  # type: ignore[misc]  # torch is not read for its types
    """A small BERT with two heads, on the embedding model's own word embeddings."""

    def __init__(self, model: Path, attention: str = "sdpa") -> None:
        """Not yet trained: the encoder of the embedding model, and empty heads.

        Args:
            model: folder of a BERT that embeds sentences.
            attention: "eager" is twice as fast to train on a CPU, "sdpa" faster to read with.
        """
        super().__init__()
        config = BertConfig.from_pretrained(model)
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        self.encoder = BertModel.from_pretrained(
            model, config=config, add_pooling_layer=False, attn_implementation=attention
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        self.span = nn.Linear(config.hidden_size, 2)
        self.answers = nn.Linear(config.hidden_size, 1)

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Judgement:
        """Judges pairs. All of int64 (pairs, tokens); `types` is 1 in the passage, else 0."""
        hidden = self.encoder(
            input_ids=ids, token_type_ids=types, attention_mask=mask
        ).last_hidden_state
        outside = types == 0
        outside[:, 0] = False
        spans = self.span(hidden).float().masked_fill(outside.unsqueeze(-1), -torch.inf)
        return Judgement(
            start=spans[..., 0],
            end=spans[..., 1],
            answers=self.answers(hidden[:, 0]).float().squeeze(-1),
        )

    def save(self, path: Path) -> None:
        """Writes what was trained, in half precision."""
        trained = {
            name: tensor.half().contiguous()
            for name, tensor in self.state_dict().items()
            if name != _SHARED
        }
        save_file(trained, path)

    def load(self, weights: bytes) -> None:
        """Takes over what `save` wrote; the word embeddings stay as they are.

        Raises:
            ValueError: these are another network's weights.
        """
        missing, unknown = self.load_state_dict(load(weights), strict=False)
        if unknown or missing != [_SHARED]:
            raise ValueError(f"another network's weights: missing {missing}, unknown {unknown}")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and a passage as the network reads them: [CLS] question [SEP] passage [SEP]."""

    ids: tuple[int, ...]
    first: int
    """Which of the tokens is the passage's first."""
    spans: tuple[Span, ...]
    """Where each of the passage's tokens stands in it, in code points."""


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
                    spans=tuple(Span(*offsets) for offsets in passage.offsets[:room]),
                )
            )
        return pairs


def batch(pairs: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, types and mask of the pairs, int64 (pairs, tokens of the longest)."""
    longest = max(len(pair.ids) for pair in pairs)
    longest += -longest % 16
    ids, types, mask = (torch.zeros(len(pairs), longest, dtype=torch.long) for _ in range(3))
    for row, pair in enumerate(pairs):
        ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
        types[row, pair.first : len(pair.ids) - 1] = 1
        mask[row, : len(pair.ids)] = 1
    return ids, types, mask
