"""Trains the reader. Not part of the installed package; see the model card for the data.

    python -m retrieval.reader.train READER TEMPTING OUTPUT

READER is a folder with `train.jsonl.gz` and `dev.jsonl.gz`: records with `source`, `question`,
`answerable` and either `context` and `answers` (`text`, `start` in code points) or `sentences` and
`labels`. TEMPTING is a folder with `passages.jsonl` (`id`, `text`) and `train.jsonl`
(`passage_id`, `question`, `answers`, `answerable`). OUTPUT is the file to write.
"""

import argparse
import copy
import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from retrieval.model import find_model
from retrieval.reader.examples import (
    Example,
    Examples,
    read_records,
    story_records,
    tempting_records,
    written_records,
)
from retrieval.reader.learner import Learner
from retrieval.reader.network import Pair, Tokens, batch
from retrieval.types import Span

log = logging.getLogger("train")

_BATCH_TOKENS = 32 * 150
_WRITTEN = Path(__file__).with_name("written.jsonl")  # our own questions, half of them tempting
_PARAGRAPHS = Path(__file__).with_name("paragraphs.jsonl")  # likewise, on passages of READER alone
_STORIES = Path(__file__).with_name("stories.jsonl")  # and those asked of several reports each
_COMMENTARIES = Path(__file__).with_name("commentaries.jsonl")  # likewise, where one comments
_A_LITTLE = {  # so that the last passes forget nothing
    "squadshifts_new_wiki": 0.05,
    "squad1_train_sent": 0.02,
    "qed_nq": 0.06,
    "nq_open_oracle": 0.1,
    "selqa": 0.06,
    "tweetqa": 0.04,
    "qamr_wikinews": 0.06,
    "qamr_wikipedia": 0.04,
}
# The rate of each pass and how often it sees each source, on top of `SHARES`. The first teaches to
# read, the others more and more to be silent.
PASSES = (
    (
        1e-4,
        {
            "squadshifts_new_wiki": 1.0,
            "squad1_train_sent": 1.0,
            "qed_nq": 1.0,
            "nq_open_oracle": 1.0,
            "selqa": 1.0,
            "tweetqa": 1.0,
            "qamr_wikinews": 1.0,
            "qamr_wikipedia": 1.0,
            "squadshifts_reddit": 1.0,
            "squadshifts_amazon": 1.0,
            "tempting": 2.0,
        },
    ),
    (
        7e-5,
        {
            "squadshifts_new_wiki": 0.25,
            "squad1_train_sent": 0.1,
            "qed_nq": 0.25,
            "nq_open_oracle": 0.4,
            "selqa": 0.3,
            "tweetqa": 0.2,
            "qamr_wikinews": 0.3,
            "qamr_wikipedia": 0.1,
            "tempting": 4.0,
        },
    ),
    (
        1e-4,
        {
            "squadshifts_new_wiki": 0.6,
            "squad1_train_sent": 0.3,
            "qed_nq": 0.5,
            "nq_open_oracle": 0.8,
            "selqa": 0.5,
            "tweetqa": 0.3,
            "qamr_wikinews": 0.5,
            "qamr_wikipedia": 0.3,
            "squadshifts_reddit": 0.3,
            "squadshifts_amazon": 0.3,
            "tempting": 1.5,
            "written": 2.0,
        },
    ),
    (
        8e-5,
        {
            "squadshifts_new_wiki": 0.15,
            "squad1_train_sent": 0.05,
            "qed_nq": 0.15,
            "nq_open_oracle": 0.3,
            "selqa": 0.2,
            "tweetqa": 0.1,
            "qamr_wikinews": 0.2,
            "qamr_wikipedia": 0.1,
            "tempting": 1.5,
            "written": 1.0,
        },
    ),
    (7e-5, {**_A_LITTLE, "tempting": 0.5, "written": 0.15, "stories": 1.0}),
    (7e-5, {**_A_LITTLE, "tempting": 0.5, "written": 0.15, "stories": 0.6, "paragraphs": 1.0}),
    (5e-5, {"tempting": 0.7, "written": 0.3, "stories": 0.06, "paragraphs": 0.1}),
)
# From this one on a pass ends half way between the weights before and after it: there it is surer
# of itself than at either end.
_HALVED = 4


def batches(
    examples: Sequence[Example], tokens: Tokens, rng: random.Random
) -> Iterator[tuple[list[Example], list[Pair]]]:
    """Batches of about equal numbers of tokens and pairs of about equal length."""
    for at in range(0, len(examples), 4096):
        some = examples[at : at + 4096]
        pairs = tokens.pairs([e.question for e in some], [[e.passage] for e in some])
        order = sorted(range(len(some)), key=lambda n: len(pairs[n].ids))
        groups: list[list[int]] = [[]]
        for n in order:
            if groups[-1] and (len(groups[-1]) + 1) * len(pairs[n].ids) > _BATCH_TOKENS:
                groups.append([])
            groups[-1].append(n)
        rng.shuffle(groups)
        for group in groups:
            yield [some[n] for n in group], [pairs[n] for n in group]


def loss(network: Learner, examples: Sequence[Example], pairs: Sequence[Pair]) -> Tensor:
    """Marginal log-likelihood of the gold starts and ends, and of whether there are any."""
    judged = network(*map(torch.from_numpy, batch(pairs)))
    width = judged.start.shape[1]
    starts = torch.zeros(len(pairs), width, dtype=torch.bool)
    ends = torch.zeros_like(starts)
    answers = torch.zeros(len(pairs))
    for row, (example, pair) in enumerate(zip(examples, pairs, strict=True)):
        for gold in example.gold:
            held = _tokens_of(gold, pair)
            if held:
                # A whole sentence says only that the answer is somewhere in it.
                wide = len(held) > 24
                starts[row, held if wide else held[:1]] = True
                ends[row, held if wide else held[-1:]] = True
                answers[row] = 1
        if not answers[row]:
            starts[row, 0] = ends[row, 0] = True
    spans = _marginal(judged.start, starts) + _marginal(judged.end, ends)
    judge = torch.nn.functional.binary_cross_entropy_with_logits(
        judged.answers, answers * 0.94 + 0.03
    )
    return spans / 2 + judge


def _tokens_of(gold: Span, pair: Pair) -> list[int]:
    return [
        pair.first + n
        for n, (start, end) in enumerate(pair.offsets.tolist())
        if start < gold.end and gold.start < end
    ]


def _marginal(scores: Tensor, gold: Tensor) -> Tensor:
    chances = scores.log_softmax(dim=1)
    return -chances.masked_fill(~gold, -torch.inf).logsumexp(dim=1).mean()


def fit(
    network: Learner,
    examples: Sequence[Example],
    tokens: Tokens,
    rate: float,
    seed: int,
    loss: Callable[[Learner, Sequence[Example], Sequence[Pair]], Tensor] = loss,
) -> None:
    """One pass over the examples; the rate rises over the first twentieth, then falls to 0."""
    rng = random.Random(seed)
    groups = list(batches(examples, tokens, rng))
    # The network computes in bfloat16 where the processor can; the optimiser keeps what it changes
    # in float32.
    trained = [p for p in network.parameters() if p.requires_grad]
    exact = [p.detach().float().clone() for p in trained]
    network.to(torch.bfloat16 if _has_bfloat16() else torch.float32).train()
    decayed = [p for p in exact if p.ndim > 1]
    plain = [p for p in exact if p.ndim == 1]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}],
        lr=rate,
        fused=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser,
        lambda step: min((step + 1) / (0.05 * len(groups)), 1 - step / len(groups)),
    )
    started, seen, running = time.perf_counter(), 0, 0.0
    for number, (some, pairs) in enumerate(groups, 1):
        value = loss(network, some, pairs)
        value.backward()
        for ours, theirs in zip(exact, trained, strict=True):
            ours.grad = None if theirs.grad is None else theirs.grad.float()
            theirs.grad = None
        torch.nn.utils.clip_grad_norm_(exact, 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            for ours, theirs in zip(exact, trained, strict=True):
                theirs.copy_(ours)
        seen += len(some)
        running += (float(value.detach()) - running) / min(number, 100)
        if number % 100 == 0 or number == len(groups):
            speed = seen / (time.perf_counter() - started)
            log.info(
                "%d of %d examples, loss %.3f, %.0f examples/s, %.0f min left",
                seen,
                len(examples),
                running,
                speed,
                (len(examples) - seen) / speed / 60,
            )
    network.float()
    with torch.no_grad():
        for ours, theirs in zip(exact, trained, strict=True):
            theirs.copy_(ours)


def _has_bfloat16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def all_examples(reader: Path, tempting: Path) -> Examples:
    """What there is to learn from: both folders, and our own questions."""
    records = [
        *read_records(reader / "train.jsonl.gz"),
        *tempting_records(tempting, "train"),
    ]
    records += [
        *written_records(_WRITTEN, records),
        *written_records(_PARAGRAPHS, records, "paragraphs"),
        *story_records(_STORIES, "stories"),
        *story_records(_COMMENTARIES, "commentaries"),
    ]
    return Examples(records)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("reader", type=Path)
    parser.add_argument("tempting", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument(
        "--from", dest="before", type=Path, help="weights after all passes but the last"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = find_model().folder
    tokens = Tokens(model)
    examples = all_examples(options.reader, options.tempting)
    torch.manual_seed(0)
    network = Learner(model)
    if options.before:
        network.load(options.before)
    for number, (rate, times) in enumerate(PASSES):
        if options.before and number + 1 < len(PASSES):
            continue
        drawn = examples.epoch(times, random.Random(number))
        log.info("pass %d: %d examples", number + 1, len(drawn))
        before = copy.deepcopy(network)
        fit(network, drawn, tokens, rate, number)
        if number >= _HALVED:
            network.average(before, 0.5)
    network.save(options.output)
    digest = hashlib.sha256(options.output.read_bytes()).hexdigest()
    log.info("wrote %s, SHA-256 %s", options.output, digest)


if __name__ == "__main__":
    main()
