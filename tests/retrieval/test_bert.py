"""What runs the networks: the shipped graph is the written one, and torch computes the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from retrieval import bert
from retrieval.bert_graph import build
from retrieval.model import find_model
from retrieval.reader import network, span
from retrieval.reader.network import READER, Network, Tokens, batch


@pytest.mark.parametrize("graph", [bert.FLOAT, bert.INT8, READER], ids=lambda g: g.path.name)
def test_a_shipped_graph_is_what_its_script_writes(graph: bert.Graph) -> None:
    """Nobody can read a binary file; the script is what is reviewed."""
    assert build(graph) == graph.path.read_bytes()


@pytest.mark.parametrize(("int8", "apart", "furthest"), [(False, 1e-4, 1e-3), (True, 0.1, 1)])
def test_the_reader_judges_as_the_network_that_was_trained(
    int8: bool, apart: float, furthest: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them exist, torch's to train and ONNX Runtime's to run; whole numbers blur it.

    How much they blur the answerability head counts by what that is worth in the odds.
    """
    import torch

    from retrieval.reader.learner import Learner

    folder = find_model().folder
    learner = Learner(folder, READER.sizes)
    learner.load(span._WEIGHTS)
    learner.eval()
    texts = ["Petra Marant drove the first tram.", "It rained. " * 90, "漢字🚗"]
    pairs = Tokens(folder).pair("Who drove the first tram?", texts)
    if not int8:
        exact = replace(READER, path=tmp_path / "exact.onnx", int8=False)
        exact.path.write_bytes(build(exact))
        monkeypatch.setattr(network, "READER", exact)
    ours = Network(folder, span._WEIGHTS.read_bytes())(*batch(pairs))
    with torch.inference_mode():
        theirs = learner(*map(torch.from_numpy, batch(pairs)))

    for mine, torchs, worth in (
        (ours.answers, theirs.answers, span._ANSWERS_ODDS if int8 else 1),
        (ours.start, theirs.start, 1),
        (ours.end, theirs.end, 1),
    ):
        expected = torchs.numpy()
        inside = np.isfinite(expected)
        blur = worth * (mine[inside] - expected[inside])

        assert np.array_equal(inside, np.isfinite(mine))
        assert np.sqrt(np.mean(blur**2)) < apart
        assert np.abs(blur).max() < furthest


def test_weights_of_another_size_are_refused() -> None:
    """ONNX Runtime would only say so much later, and of a tensor nobody has heard of."""
    weights = bert.read_weights(find_model().folder)
    weights["encoder.layer.0.output.dense.bias"] = np.zeros(7, dtype=np.float32)

    with pytest.raises(ValueError, match=r"weights of another size: 0\.out\.bias"):
        bert.Bert(weights)


@pytest.mark.parametrize(("graph", "apart"), [(bert.FLOAT, 1e-5), (bert.INT8, 0)])
def test_padding_changes_nothing(graph: bert.Graph, apart: float) -> None:
    """A text must not mean something else because of the one beside it."""
    network = bert.Bert(bert.read_weights(find_model().folder), graph)
    dice = np.random.default_rng(1)
    rows = [
        [101, *dice.integers(1_000, 30_000, n).tolist(), 102] for n in (1, 15, 16, 58, 128, 254)
    ]
    ids, mask = bert.padded(rows)
    together = network(ids, np.zeros_like(ids), mask)

    for row, tokens in enumerate(map(len, rows)):
        alone = ids[row : row + 1, :tokens]
        (found,) = network(alone, np.zeros_like(alone), np.ones_like(alone))
        np.testing.assert_allclose(together[row, :tokens], found, rtol=0, atol=apart)


def test_the_sample_is_the_sentence_that_stands_beside_it() -> None:
    """Its tokens are numbers, which nobody can read."""
    tokenizer = Tokenizer.from_file(str(find_model().folder / "tokenizer.json"))
    tokenizer.no_padding()
    sentence = (
        "On 12 March 2024, President Anna Petrova said: “The first of 3,500 trams will cost $1.2 "
        "million”; her opponents (two parties) called it a “waste of money” — but who paid?"
    )

    assert tokenizer.encode(sentence).ids == bert.SAMPLE
    commented = "".join(Path(bert.__file__).read_text(encoding="utf-8").split("\n# "))
    assert "".join(sentence.split()) in "".join(commented.split())


def test_whole_numbers_and_loud_channels_together_are_the_weights() -> None:
    """To half a step of each column; what was made quieter before is as much louder in them."""
    weights = bert.read_weights(find_model().folder)
    exact, given = bert._arranged(weights), dict(bert._arranged(weights))
    words, types, places = (
        weights[f"embeddings.{kind}_embeddings.weight"]
        for kind in ("word", "token_type", "position")
    )
    bert._quantise(given, words[bert.SAMPLE] + types[0] + places[: len(bert.SAMPLE)])

    for n in range(bert.LAYERS):
        loud = np.flatnonzero(~given[f"{n}.in"].any(axis=0))
        quieter = given[f"{n}.merge.norm"] / given[f"{n}.in.norm"]
        whole = {
            name: given[f"{n}.{name}"] * given[f"{n}.{name}.scale"]
            for name in ("attend", "merge", "in", "out")
        }
        whole["in"] /= quieter[:, None]
        place = [
            int(np.flatnonzero((exact[f"{n}.out"] == row).all(axis=1))[0])
            for row in given[f"{n}.loud.out"]
        ]
        whole["in"][:, place] = given[f"{n}.loud.in"]
        whole["out"][place] = given[f"{n}.loud.out"]

        assert sorted(place) == loud.tolist()
        np.testing.assert_array_equal(exact[f"{n}.in.bias"][place], given[f"{n}.loud.in.bias"])
        for name, found in whole.items():
            step = given[f"{n}.{name}.scale"]
            assert np.all(np.abs(found - exact[f"{n}.{name}"]) <= 0.501 * step), f"{n}.{name}"
