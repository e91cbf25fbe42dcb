"""What runs the networks: the shipped graph is the written one, and torch computes the same."""

from functools import partial

import numpy as np
import pytest

from retrieval import bert
from retrieval.bert_graph import build
from retrieval.model import find_model
from retrieval.reader import network, span
from retrieval.reader.network import Network, Tokens, batch


@pytest.mark.parametrize("int8", [False, True])
def test_a_shipped_graph_is_what_its_script_writes(int8: bool) -> None:
    """Nobody can read a binary file; the script is what is reviewed."""
    assert build(int8=int8) == bert.GRAPHS[int8].read_bytes()


@pytest.mark.parametrize(("int8", "apart", "furthest"), [(False, 1e-4, 1e-3), (True, 0.1, 1)])
def test_the_reader_judges_as_the_network_that_was_trained(
    int8: bool, apart: float, furthest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two of them exist, torch's to train and ONNX Runtime's to run; whole numbers blur it.

    How much they blur the answerability head counts by what that is worth in the odds.
    """
    import torch
    from safetensors.torch import load_file

    from retrieval.reader.learner import Learner

    folder = find_model().folder
    learner = Learner(folder)
    learner.load_state_dict(load_file(span._WEIGHTS), strict=False)
    learner.float().eval()
    texts = ["Petra Marant drove the first tram.", "It rained. " * 90, "漢字🚗"]
    pairs = Tokens(folder).pair("Who drove the first tram?", texts)
    monkeypatch.setattr(network, "Bert", partial(_bert, int8))
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


def _bert(wanted: bool, weights: bert.Weights, *, int8: bool) -> bert.Bert:
    """In whole numbers or not, whatever the network would have."""
    assert int8
    return bert.Bert(weights, int8=wanted)


def test_weights_of_another_size_are_refused() -> None:
    """ONNX Runtime would only say so much later, and of a tensor nobody has heard of."""
    weights = bert.read_weights(find_model().folder)
    weights["encoder.layer.0.output.dense.bias"] = np.zeros(7, dtype=np.float32)

    with pytest.raises(ValueError, match=r"weights of another size: 0\.out\.bias"):
        bert.Bert(weights)


@pytest.mark.parametrize(("int8", "apart"), [(False, 1e-5), (True, 0)])
def test_padding_changes_nothing(int8: bool, apart: float) -> None:
    """A text must not mean something else because of the one beside it."""
    network = bert.Bert(bert.read_weights(find_model().folder), int8=int8)
    rows = [[101, 2040, 102], [101, *range(2000, 2040), 102], [101, *range(20_000, 20_300), 102]]
    ids, mask = bert.padded(rows)
    together = network(ids, np.zeros_like(ids), mask)
    (alone,) = network(ids[:1, :3], np.zeros((1, 3), dtype=np.int64), mask[:1, :3])

    np.testing.assert_allclose(together[0, :3], alone, rtol=0, atol=apart)
