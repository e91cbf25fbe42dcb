"""Whatever is in the corpus, the settings or the index: a right answer or one clear sentence."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.program import DATELINE, REPOSITORY, Finished, dateline, environment

SEEDS = REPOSITORY / "seeds"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the seeds as `corpus` and their index as `index`; not to be changed."""
    home = tmp_path_factory.mktemp("indexed")
    shutil.copytree(SEEDS, home / "corpus")
    done = dateline("index", *places(home), home=home)
    assert 0 == done.status, done.err
    return home


@pytest.fixture
def index(indexed: Path, tmp_path: Path) -> Path:
    """A copy of the index of `indexed` that a test may spoil."""
    return Path(shutil.copytree(indexed / "index", tmp_path / "index"))


def places(home: Path, index: Path | None = None) -> list[str | Path]:
    """The options that name the corpus of that home, and its index or another."""
    return ["--corpus", home / "corpus", "--index", index or home / "index"]


def ask(
    home: Path, question: str = "Who is Kim?", index: Path | None = None, model: str = ""
) -> Finished:
    """Asks the corpus of that home."""
    settings = {"DATELINE_MODEL": model}
    options = places(home, index)
    return dateline("ask", question, "--json", *options, home=home, settings=settings)


def assert_one_line(done: Finished, *said: str) -> None:
    """It failed with one line that says all of this, and no traceback."""
    assert 1 == done.status, done.out + done.err
    assert 1 == len(done.err.splitlines()), done.err
    for words in said:
        assert words in done.err


def test_an_empty_corpus_is_silent_and_says_why(tmp_path: Path) -> None:
    """No article yet is a state, not an error."""
    (tmp_path / "corpus").mkdir()
    done = ask(tmp_path)

    assert 0 == done.status, done.err
    assert "empty_corpus" == done.json["reason"]


def test_a_missing_corpus_is_named_and_no_index_is_made_for_it(tmp_path: Path) -> None:
    """A typing error in the path must not look like an empty corpus."""
    done = ask(tmp_path)

    assert_one_line(done, str(tmp_path / "corpus"), "--corpus")
    assert not (tmp_path / "index").exists()


def test_articles_in_any_encoding_are_read_and_others_are_refused_by_name(tmp_path: Path) -> None:
    """One bad file costs itself, not the corpus."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    said = "The mayor of Oradour, Élodie Guérin, resigned on Monday after a café row. It was late."
    (corpus / "utf16.txt").write_text(f"Published: 3 May 2024\n\n{said}\n", encoding="utf-16")
    (corpus / "latin1.txt").write_bytes(said.replace("Monday", "Friday").encode("latin-1"))
    (corpus / "word.txt").write_text("Aurus", encoding="utf-8")
    (corpus / "empty.txt").touch()
    (corpus / "binary.txt").write_bytes(bytes(range(256)) * 40)
    (corpus / "huge.txt").write_bytes(b"A sentence of little worth. " * 1_900_000)
    indexed = dateline("index", *places(tmp_path), home=tmp_path)
    asked = ask(tmp_path, "Who resigned after a café row?").json

    assert 0 == indexed.status, indexed.err
    for name, why in (("empty", "no text"), ("binary", "not text"), ("huge", "too large")):
        assert any(name in line and why in line for line in indexed.out.splitlines()), why
    assert "Traceback" not in indexed.err
    assert {"utf16", "latin1"} <= {quote["article_id"] for quote in asked["quotes"]}
    assert "Élodie Guérin" in asked["quotes"][0]["text"]
    assert "2024-05-03" == asked["quotes"][0]["published"]


def test_a_folder_without_the_right_to_read_is_named(tmp_path: Path) -> None:
    """It must not look like an empty corpus."""
    corpus = tmp_path / "corpus"
    corpus.mkdir(mode=0)
    done = dateline("sources", "--corpus", corpus, home=tmp_path, as_root=False)
    corpus.chmod(0o755)

    assert_one_line(done, str(corpus), "cannot be read")


def test_an_index_that_may_not_be_written_is_answered_from_while_it_is_current(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    """A shared one may belong to somebody else."""
    index.chmod(0o500)
    asked = dateline("ask", "Who is Kim?", *places(indexed, index), home=indexed, as_root=False)
    rebuilt = dateline("index", "--rebuild", *places(indexed, index), home=indexed, as_root=False)
    index.chmod(0o700)

    assert 0 == asked.status, asked.err
    assert_one_line(rebuilt, str(index), "cannot be written", "--index")


def test_a_question_waits_for_the_index_that_another_process_builds(tmp_path: Path) -> None:
    """Two first questions at once are both answered."""
    together = [
        subprocess.Popen(
            [DATELINE, "ask", "Who is Kim?", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=120) for process in together]

    assert [0, 0] == [process.returncode for process in together], outputs


@pytest.mark.parametrize("name", ["articles.jsonl", "embeddings.faiss", "../manifest.json"])
@pytest.mark.parametrize("harm", ["altered", "halved", "gone"])
def test_a_damaged_index_is_refused_with_what_to_do(
    indexed: Path, index: Path, name: str, harm: str
) -> None:
    """A quote from a damaged index could be a misquote."""
    (segment,) = index.glob("segment-*")
    path = segment / name
    data = bytearray(path.read_bytes())
    if harm == "altered":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif harm == "halved":
        path.write_bytes(data[: len(data) // 2])
    else:
        path.unlink()
    done = dateline("check", *places(indexed, index), home=indexed)

    if (name, harm) == ("../manifest.json", "gone"):
        assert "none yet" in done.out  # nothing says that there ever was an index
    else:
        assert 1 == done.status
        assert "damaged" in done.out
        assert "dateline index --rebuild" in done.out


def test_a_damaged_index_is_not_answered_from_and_a_rebuild_mends_it(
    indexed: Path, index: Path
) -> None:
    """What the error says to do is enough."""
    (articles,) = index.glob("segment-*/articles.jsonl")
    articles.write_bytes(articles.read_bytes().replace(b"Kim", b"Tim"))
    refused = ask(indexed, index=index)
    rebuilt = dateline("index", "--rebuild", *places(indexed, index), home=indexed)
    answered = ask(indexed, index=index)

    assert_one_line(refused, "damaged", "dateline index --rebuild")
    assert 0 == rebuilt.status, rebuilt.err
    assert 0 == answered.status, answered.err


def test_an_index_of_another_corpus_is_not_answered_from_nor_overwritten(
    indexed: Path, index: Path, tmp_path: Path
) -> None:
    """Both corpora are named, and the index stays."""
    shutil.copytree(SEEDS, tmp_path / "corpus")
    before = (index / "manifest.json").read_bytes()
    asked = ask(tmp_path)
    updated = dateline("index", *places(tmp_path), home=tmp_path)

    for done in (asked, updated):
        assert_one_line(done, str(indexed / "corpus"), str(tmp_path / "corpus"), "--rebuild")
    assert before == (index / "manifest.json").read_bytes()


def test_an_index_built_with_another_model_is_refused(indexed: Path, tmp_path: Path) -> None:
    """Embeddings of different models cannot be compared."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"other weights")
    done = ask(indexed, model=str(model))

    assert_one_line(done, "all-MiniLM-L6-v2", str(model), "--rebuild")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("nobody/nothing", "dateline index --download"),
        ("not a name", "DATELINE_MODEL"),
        (str(SEEDS), "safetensors"),
    ],
)
def test_a_model_that_is_not_here_is_named(indexed: Path, model: str, said: str) -> None:
    """And nothing is fetched to find that out."""
    assert_one_line(ask(indexed, model=model), model, said)


def test_a_changed_corpus_is_answered_from_as_it_is_now(tmp_path: Path) -> None:
    """New, changed and deleted articles count from the next question on."""
    shutil.copytree(SEEDS, tmp_path / "corpus")
    first = dateline("index", *places(tmp_path), home=tmp_path)
    (tmp_path / "corpus" / "004_0fc56467d903f3f4.txt").unlink()
    (tmp_path / "corpus" / "new.txt").write_text(
        "Date: 2024-04-01\n\nKim Yo Jong confirmed the event in Harbin. Nobody else did.\n",
        encoding="utf-8",
    )
    answer = ask(tmp_path, "Who confirmed the event?").json

    assert 0 == first.status
    assert ["new"] == [quote["article_id"] for quote in answer["quotes"]]
    assert {"articles": 2, "first": "2024-02-20", "last": "2024-04-01"} == {
        key: answer["corpus"][key] for key in ("articles", "first", "last")
    }


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "DISCORD_TOKEN is not set"), ("Bot abc.def", "holds what no token holds")],
)
def test_run_without_a_usable_token_says_so_at_once(tmp_path: Path, token: str, said: str) -> None:
    """Before any model is loaded."""
    done = dateline("run", home=tmp_path, settings={"DISCORD_TOKEN": token})

    assert_one_line(done, said)


def test_a_bad_setting_is_named_in_one_line(tmp_path: Path) -> None:
    """With what to choose from."""
    done = dateline("sources", home=tmp_path, settings={"DATELINE_LOG_LEVEL": "LOUD"})

    assert_one_line(done, "LOUD", "WARNING")
