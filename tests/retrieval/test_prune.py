"""Making the reader smaller: what the others can stand in for goes first."""

import pytest
import torch

from retrieval.bert import Size
from retrieval.model import find_model
from retrieval.reader.learner import Learner
from retrieval.reader.network import Tokens, batch
from retrieval.reader.prune import _fewer, shrink


def test_channels_that_say_what_others_say_go_first() -> None:
    """Of two that sound alike one stays, with the weights of both."""
    torch.manual_seed(1)
    sounds = torch.randn(500, 3)
    heard = torch.cat([sounds, 2 * sounds], dim=1)
    linear = torch.nn.Linear(6, 4)
    before = linear(heard)
    kept = _fewer(linear, (heard.T @ heard).double(), 1, 3)

    after = heard[:, kept] @ linear.weight[:, kept].T + linear.bias
    assert {0, 1, 2} == {channel % 3 for channel in kept}
    assert torch.allclose(before, after, atol=2e-2)


def test_channels_that_belong_together_go_together() -> None:
    """A head is kept or not; half of one is of no use."""
    torch.manual_seed(1)
    heard = torch.randn(500, 8) * torch.tensor([1, 1, 0.01, 0.01, 1, 1, 0.1, 0.1])

    kept = _fewer(torch.nn.Linear(8, 4), (heard.T @ heard).double(), 2, 4)

    assert [0, 1, 4, 5] == kept


def test_a_smaller_network_says_nearly_the_same() -> None:
    """Before it has learnt anything anew; with all it had, the very same."""
    model = find_model().folder
    texts = ["Petra Marant drove the first tram.", "It rained on the tram for days. " * 9]
    pairs = Tokens(model).pair("Who drove the first tram?", texts)
    given = [torch.from_numpy(part) for part in batch(pairs)]
    torch.manual_seed(1)
    whole = Learner(model).eval()
    with torch.no_grad():
        wanted = whole.layers(*given)[-1]

    def apart(size: Size) -> float:
        torch.manual_seed(1)
        network = Learner(model).eval()
        shrink(network, [pairs], [size, *[Size()] * 5])
        assert size.inner == network.encoder.encoder.layer[0].output.dense.in_features
        with torch.no_grad():
            return float((network.layers(*given)[-1] - wanted).pow(2).mean() / wanted.var())

    assert apart(Size()) == pytest.approx(0, abs=1e-9)
    assert 0 < apart(Size(heads=11, inner=1_500)) < 0.05
    assert apart(Size(heads=11, inner=1_500)) < apart(Size(heads=3, inner=1_400))
