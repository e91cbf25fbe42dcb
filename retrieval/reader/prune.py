"""Makes the trained reader smaller. Not part of the installed package; see the model card.

    python -m retrieval.reader.prune READER TEMPTING WEIGHTS OUTPUT

READER and TEMPTING are the folders that `train.py` learns from, WEIGHTS is what it wrote, OUTPUT
the file to write, with the sizes that `network.py` states. Attention heads and channels of the
feed-forward parts go whole, those first that the others can best stand in for: Kurtić et al.
(2023), ZipLM. Then the smaller network learns to say what the larger one says, layer by layer and
in the end: Jiao et al. (2020), TinyBERT. Last it learns to read commentaries, by what is right, and
else to say what it said before.
"""

import argparse
import copy
import hashlib
import logging
import random
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import torch
from torch import Tensor, nn

from retrieval.bert import HEADS, WIDTH, Size
from retrieval.model import find_model
from retrieval.reader import train
from retrieval.reader.examples import Example
from retrieval.reader.learner import Judgement, Learner, keep
from retrieval.reader.network import READER, Pair, Tokens, batch

log = logging.getLogger("prune")

_LOOKED_AT = 700  # examples that show how far channels can stand in for each other
_EVERYTHING = {
    "squadshifts_new_wiki": 0.31,
    "squad1_train_sent": 0.12,
    "qed_nq": 0.23,
    "nq_open_oracle": 0.23,
    "selqa": 0.16,
    "tweetqa": 0.04,
    "qamr_wikinews": 0.12,
    "tempting": 0.78,
    "written": 0.23,
    "stories": 0.31,
    "paragraphs": 0.39,
}
# The rate of each pass and how often it sees each source: first what the reader learnt last, then
# all that it knows.
_PASSES = (
    (1e-4, train.PASSES[-2][1]),
    (7e-5, _EVERYTHING),
    (5e-5, {source: 0.35 * times for source, times in _EVERYTHING.items()}),
)
# Then commentaries, which the whole network has not learnt: the rate of each pass, how often it
# sees them, and how often all that it knew before.
_TAUGHT = ((7e-5, 2.0, 0.3), (7e-5, 1.2, 0.3), (5e-5, 0.35, 0.35))
_KEPT = 0.4  # of the weights before them: with fewer the news suffers
_SEED = 100  # other examples than those of any pass
_DAMPED = 1e-3  # of the mean diagonal, so that what hardly ever sounds can be inverted


def shrink(network: Learner, groups: Sequence[Sequence[Pair]], sizes: Sequence[Size]) -> None:
    """Leaves of each layer what its size says, weighted so that it stands in for the rest.

    Args:
        network: what is made smaller.
        groups: batches of pairs that show what its channels do.
        sizes: what each layer is to have.
    """
    layers = network.encoder.encoder.layer
    parts = [part for layer in layers for part in (layer.attention.output, layer.output)]
    sums = _sums(network, groups, [part.dense for part in parts])
    for n, (layer, size) in enumerate(zip(layers, sizes, strict=True)):
        inner = _fewer(layer.output.dense, sums[2 * n + 1], 1, size.inner)
        attended = _fewer(layer.attention.output.dense, sums[2 * n], WIDTH // HEADS, size.attended)
        keep(layer, attended, inner)
        log.info("layer %d: %d heads, %d channels", n + 1, size.heads, size.inner)


def _sums(
    network: Learner, groups: Sequence[Sequence[Pair]], linears: Sequence[nn.Linear]
) -> list[Tensor]:
    """What goes into each matrix: the sums of its channels' products, float64 (in, in)."""
    sums = [torch.zeros(2 * (x.in_features,), dtype=torch.float64) for x in linears]
    real = torch.tensor(0)

    def heard(number: int) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def add(_: nn.Module, given: tuple[Tensor]) -> None:
            rows = given[0][real].double()
            sums[number] += rows.T @ rows

        return add

    hooks = [x.register_forward_pre_hook(heard(n)) for n, x in enumerate(linears)]
    with torch.no_grad():
        for pairs in groups:
            ids, types, mask = map(torch.from_numpy, batch(pairs))
            real = mask.bool()
            network(ids, types, mask)
    for hook in hooks:
        hook.remove()
    return sums


def _fewer(linear: nn.Linear, sums: Tensor, wide: int, most: int) -> list[int]:
    """Which channels of a matrix to keep; its weights are changed so that they do best alone.

    Args:
        linear: the matrix.
        sums: what goes into it.
        wide: so many channels go or stay together.
        most: channels that may stay.
    """
    if most >= linear.in_features:
        return list(range(linear.in_features))
    weight = linear.weight.detach().double()
    damped = sums + torch.eye(len(sums)) * sums.diagonal().mean() * _DAMPED
    inverse = torch.linalg.inv(damped)
    kept = torch.arange(len(sums)).view(-1, wide)
    while kept.numel() > most:
        blocks = torch.linalg.inv(inverse[kept[:, :, None], kept[:, None, :]])
        columns = weight[:, kept].transpose(0, 1)  # (groups, out, wide)
        loss = ((columns @ blocks) * columns).sum((1, 2))
        least = int(loss.argmin())
        gone = kept[least]
        weight -= columns[least] @ blocks[least] @ inverse[gone]
        inverse -= inverse[:, gone] @ blocks[least] @ inverse[gone]
        kept = torch.cat([kept[:least], kept[least + 1 :]])
    linear.weight.data.copy_(weight)
    return [int(channel) for channel in kept.flatten()]


def alike(teacher: Learner) -> Callable[[Learner, Sequence[Example], Sequence[Pair]], Tensor]:
    """A loss: how far a network is from what another says of the same pairs."""

    def loss(network: Learner, _: Sequence[Example], pairs: Sequence[Pair]) -> Tensor:
        ids, types, mask = map(torch.from_numpy, batch(pairs))
        with torch.no_grad():
            theirs = teacher.layers(ids, types, mask)
            wanted = teacher.judge(theirs[-1], types)
        ours = network.layers(ids, types, mask)
        real = mask.bool()
        layers = sum(
            ((mine[real].float() - other[real]) ** 2).mean() / other[real].var()
            for mine, other in zip(ours[1:], theirs[1:], strict=True)
        )
        return layers + _unlike(network.judge(ours[-1], types), wanted)

    return loss


def taught(
    teacher: Learner, new: AbstractSet[Example]
) -> Callable[[Learner, Sequence[Example], Sequence[Pair]], Tensor]:
    """A loss: of new examples what is right counts, of all others what another network says."""

    def loss(network: Learner, examples: Sequence[Example], pairs: Sequence[Pair]) -> Tensor:
        learnt = [n for n, example in enumerate(examples) if example in new]
        kept = [n for n, example in enumerate(examples) if example not in new]
        total = torch.zeros(())
        if learnt:
            right = train.loss(network, [examples[n] for n in learnt], [pairs[n] for n in learnt])
            total = total + right * len(learnt) / len(pairs)
        if kept:
            ids, types, mask = map(torch.from_numpy, batch([pairs[n] for n in kept]))
            with torch.no_grad():
                wanted = teacher(ids, types, mask)
            total = total + _unlike(network(ids, types, mask), wanted) * len(kept) / len(pairs)
        return total

    return loss


def _unlike(judged: Judgement, wanted: Judgement) -> Tensor:
    """Kullback-Leibler divergence of the spans, and the squared error of the log-odds."""
    spans = sum(
        nn.functional.kl_div(
            mine.log_softmax(1).clamp_min(-100),
            other.log_softmax(1).clamp_min(-100),
            reduction="batchmean",
            log_target=True,
        )
        for mine, other in ((judged.start, wanted.start), (judged.end, wanted.end))
    )
    return spans + ((judged.answers - wanted.answers) ** 2).mean() / 4


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("reader", "tempting", "weights", "output"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = find_model().folder
    tokens = Tokens(model)
    teacher, network = Learner(model).eval(), Learner(model)
    teacher.load(options.weights)
    network.load(options.weights)
    examples = train.all_examples(options.reader, options.tempting)
    rng = random.Random(_SEED)
    some = rng.sample(examples.epoch(_PASSES[0][1], rng), _LOOKED_AT)
    shrink(network, [pairs for _, pairs in train.batches(some, tokens, rng)], READER.sizes)
    for number, (rate, times) in enumerate(_PASSES, _SEED):
        drawn = examples.epoch(times, random.Random(number))
        log.info("pass %d: %d examples", number - _SEED + 1, len(drawn))
        train.fit(network, drawn, tokens, rate, number, alike(teacher))
    before = copy.deepcopy(network).eval()
    for number, (rate, often, seldom) in enumerate(_TAUGHT, 2 * _SEED):
        rng = random.Random(number)
        drawn = examples.epoch({source: seldom * t for source, t in _EVERYTHING.items()}, rng)
        new = examples.epoch({"commentaries": often}, rng)
        drawn += new
        rng.shuffle(drawn)
        log.info("pass %d: %d examples", number - 2 * _SEED + len(_PASSES) + 1, len(drawn))
        train.fit(network, drawn, tokens, rate, number, taught(before, frozenset(new)))
    network.average(before, _KEPT)
    network.save(options.output)
    digest = hashlib.sha256(options.output.read_bytes()).hexdigest()
    log.info("wrote %s, SHA-256 %s", options.output, digest)


if __name__ == "__main__":
    main()
