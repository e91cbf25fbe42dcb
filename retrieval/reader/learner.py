"""The reader's network as torch trains it. Not part of the installed package.

Devlin et al. (2019), BERT, with the span head and the null span of their section 4.3, and a
second head that judges whether the passage answers at all, as in Zhang et al. (2021),
Retrospective Reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from retrieval.bert import FLOAT, Size

# Stays with the embedding model, which is installed anyway: neither trained nor shipped again.
_SHARED = "encoder.embeddings.word_embeddings.weight"


@dataclass(frozen=True, slots=True)
class Judgement:
    """As `retrieval.reader.network.Judgement`, in tensors."""

    start: Tensor
    end: Tensor
    answers: Tensor


class Learner(nn.Module):  # type: ignore[misc]  # torch is not read for its types
    """A small BERT with two heads, on the embedding model's own word embeddings."""

    def __init__(self, model: Path, sizes: Sequence[Size] = FLOAT.sizes) -> None:
        """Not yet trained: the encoder of the embedding model, and empty heads.

        Args:
            model: folder of a BERT that embeds sentences.
            sizes: of each layer, the first heads and channels of which are kept; by default all.
        """
        super().__init__()
        config = BertConfig.from_pretrained(model)
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        self.encoder = BertModel.from_pretrained(
            model,
            config=config,
            add_pooling_layer=False,
            attn_implementation="eager",  # twice as fast to train on a CPU
        )
        self.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
        self.span = nn.Linear(config.hidden_size, 2)
        self.answers = nn.Linear(config.hidden_size, 1)
        for layer, size in zip(self.encoder.encoder.layer, sizes, strict=True):
            keep(layer, range(size.attended), range(size.inner))

    def forward(self, ids: Tensor, types: Tensor, mask: Tensor) -> Judgement:
        """Judges pairs. All of int64 (pairs, tokens); `types` is 1 in the passage, else 0."""
        return self.judge(self.layers(ids, types, mask)[-1], types)

    def layers(self, ids: Tensor, types: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """What comes out of each layer, (pairs, tokens, width), the embeddings first."""
        hidden: tuple[Tensor, ...] = self.encoder(
            input_ids=ids, token_type_ids=types, attention_mask=mask, output_hidden_states=True
        ).hidden_states
        return hidden

    def judge(self, hidden: Tensor, types: Tensor) -> Judgement:
        """What the heads say of the last layer."""
        outside = types == 0
        outside[:, 0] = False
        spans = self.span(hidden).float().masked_fill(outside.unsqueeze(-1), -torch.inf)
        return Judgement(
            start=spans[..., 0],
            end=spans[..., 1],
            answers=self.answers(hidden[:, 0]).float().squeeze(-1),
        )

    def average(self, other: "Learner", share: float) -> None:
        """Takes this share of another network's weights: Wortsman et al. (2022), Model soups."""
        with torch.no_grad():
            for ours, theirs in zip(self.parameters(), other.parameters(), strict=True):
                ours.lerp_(theirs, share)

    def load(self, path: Path) -> None:
        """Goes on from what was saved; raises KeyError if it is of another network."""
        loaded = self.load_state_dict(load_file(path), strict=False)
        if loaded.missing_keys != [_SHARED] or loaded.unexpected_keys:
            raise KeyError(*loaded.missing_keys, *loaded.unexpected_keys)

    def save(self, path: Path) -> None:
        """Writes what was trained, in half precision."""
        trained = {
            name: tensor.half().contiguous()
            for name, tensor in self.state_dict().items()
            if name != _SHARED
        }
        save_file(trained, path)


def keep(layer: nn.Module, attended: Sequence[int], inner: Sequence[int]) -> None:
    """Leaves of a layer these channels of its attention, whole heads, and of its feed-forward."""
    attention = layer.attention.self
    for name in ("query", "key", "value"):
        setattr(attention, name, _rows(getattr(attention, name), attended))
    attention.all_head_size = len(attended)
    attention.num_attention_heads = len(attended) // attention.attention_head_size
    layer.attention.output.dense = _columns(layer.attention.output.dense, attended)
    layer.intermediate.dense = _rows(layer.intermediate.dense, inner)
    layer.output.dense = _columns(layer.output.dense, inner)


def _rows(linear: nn.Linear, kept: Sequence[int]) -> nn.Linear:
    smaller = nn.Linear(linear.in_features, len(kept))
    smaller.load_state_dict({"weight": linear.weight[[*kept]], "bias": linear.bias[[*kept]]})
    return smaller


def _columns(linear: nn.Linear, kept: Sequence[int]) -> nn.Linear:
    smaller = nn.Linear(len(kept), linear.out_features)
    smaller.load_state_dict({"weight": linear.weight[:, [*kept]], "bias": linear.bias})
    return smaller
