"""The check: everything that would trouble a run is a row, and the token is in none."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.check import Row, check
from bot.cli import main
from bot.settings import Settings
from retrieval.index.building import build
from retrieval.model import find_model
from tests.conftest import Corpus
from tests.fakes.hashing_embedder import HashingEmbedder
from tests.retrieval.making import milvus_server

TOKEN = "MTIzNDU2.G-abcd.s3cr3t_s3cr3t"  # noqa: S105  the look of one; opens nothing
ARTICLE = "Kim rode in a car on Monday.\n\nPublished: 20th Feb 2024\n"


def settings_for(corpus: Path, index: Path, **environ: str) -> Settings:
    """Settings for these folders, and a token unless `environ` says otherwise."""
    return Settings.from_environ({"DISCORD_TOKEN": TOKEN, **environ}, corpus=corpus, index=index)


def rows(settings: Settings, what: str) -> list[tuple[str, str]]:
    """State and finding of the rows about one thing; the token must be in no row at all."""
    found = list(check(settings).all_rows)
    assert TOKEN not in str(found)
    return [(state, finding) for state, name, finding in found if name == what]


def build_index(corpus: Path, index: Path) -> None:
    """An index as the default model would leave it, but embedded in an instant."""
    embedder = HashingEmbedder()
    embedder.model = find_model()
    build(corpus, index, embedder)


def test_nothing_troubles_a_ready_installation(seeds: Path, tmp_path: Path) -> None:
    """A check that always has something to say is soon ignored."""
    build_index(seeds, tmp_path)

    found: list[Row] = list(check(settings_for(seeds, tmp_path)).all_rows)

    assert {"ok"} == {state for state, _, _ in found}
    expected = ["version", "corpus", "model", "index", "token", "intents", "log level"]
    assert expected == [what for _, what, _ in found]
    assert f"2 articles in {seeds}" == found[1][2]
    assert found[2][2].endswith("MiniLM-L6-v2, SHA-256 53aa51172d14…, run in int8")


def test_a_missing_corpus_is_a_problem(tmp_path: Path) -> None:
    """Nothing can be answered without one."""
    found = rows(settings_for(tmp_path / "none", tmp_path / "index"), "corpus")

    expected = (
        f"no corpus folder at {tmp_path / 'none'}; give a folder of articles with --corpus or "
        "DATELINE_CORPUS"
    )
    assert [("problem", expected)] == found


def test_a_missing_corpus_hides_nothing_else(tmp_path: Path) -> None:
    """All that is wrong is told at once."""
    settings = settings_for(tmp_path / "none", tmp_path / "index", DISCORD_TOKEN="")

    found = [what for _, what, _ in check(settings).all_rows]

    expected = ["version", "corpus", "model", "index", "token", "intents", "log level"]
    assert expected == found


def test_an_empty_corpus_is_a_problem(corpus: Corpus, tmp_path: Path) -> None:
    """Every answer would be silence."""
    folder = corpus({})

    found = rows(settings_for(folder, tmp_path / "index"), "corpus")

    assert [("problem", f"no article in {folder} can be read")] == found


def test_an_undated_article_is_noted(corpus: Corpus, tmp_path: Path) -> None:
    """It is in no time window, which its owner may want to mend."""
    folder = corpus({"dated.txt": ARTICLE, "sub/undated.txt": "Kim rode in a car on Monday."})

    found = rows(settings_for(folder, tmp_path / "index"), "undated")

    assert [("note", "sub/undated states no date")] == found


def test_a_refused_file_is_noted_with_its_reason(corpus: Corpus, tmp_path: Path) -> None:
    """A file that is silently passed over is coverage that silently is not there."""
    folder = corpus({"a.txt": ARTICLE, "b.pdf": b"%PDF", "c.txt": b"\x00\x01\x02\xff"})

    found = rows(settings_for(folder, tmp_path / "index"), "refused")

    assert ["note", "note"] == [state for state, _ in found]
    assert ["b.pdf", "c.txt"] == sorted(finding.partition(":")[0] for _, finding in found)


def test_another_language_is_noted_once_however_many_articles_are_in_it(
    corpus: Corpus, tmp_path: Path
) -> None:
    """Ten thousand lines that say the same hide all others."""
    foreign = f"В долине погибли {'четырнадцать человек. ' * 9}\n\nPublished: 2024-02-20\n"
    settings = settings_for(corpus({"a.txt": foreign, "b.txt": foreign}), tmp_path / "index")
    known = "as English, which is all that the model knows; see DATELINE_MODEL"

    assert [("note", f"no article reads {known}")] == rows(settings, "language")
    corpus({"c.txt": ARTICLE})
    assert [("note", f"2 of 3 articles do not read {known}")] == rows(settings, "language")
    assert check(settings).is_odd


def test_what_was_odd_about_an_article_is_noted(corpus: Corpus, tmp_path: Path) -> None:
    """An encoding that was guessed can be guessed wrongly."""
    folder = corpus({"a.txt": f"Café à Séoul, c'est là. {ARTICLE}".encode("cp1252")})

    found = rows(settings_for(folder, tmp_path / "index"), "article")

    assert [("note", "a: not UTF-8: read as cp1252")] == found


def test_strict_is_about_articles_and_files_alone(corpus: Corpus, tmp_path: Path) -> None:
    """A corpus is checked where there is neither token nor index."""
    text = "The council of Tarn has named a new conductor for its orchestra, the city said. "
    good = f"The conductor\n\nPublished: 2024-02-20\n\n{text * 3}"
    settings = settings_for(corpus({"a.txt": good}), tmp_path / "index", DISCORD_TOKEN="")

    assert not check(settings).is_odd
    corpus({"b.pdf": b"%PDF"})
    assert check(settings).is_odd
    assert not check(settings).has_problem


def test_strict_is_told_by_the_exit_status(
    corpus: Corpus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline stops at a corpus that somebody should look at; a person reads on."""
    folder = corpus({"a.txt": "Kim rode in a car."})
    command = ["check", "--corpus", str(folder), "--index", str(tmp_path / "index")]

    assert [0, 1] == [main(command), main([*command, "--strict"])]
    assert 2 == capsys.readouterr().out.count("states no date")


def test_copies_and_superseded_articles_are_noted(corpus: Corpus, tmp_path: Path) -> None:
    """A copy may be kept by mistake; a superseded article is quoted no more."""
    text = " ".join(f"The river Aske was {n} inches above its bed at bridge {n}." for n in range(9))
    labels = "Source: Aske Courier\nTitle: Flood in Aske\nPublished: 2024-03-{}\n\n"
    folder = corpus(
        {
            "old.txt": labels.format(18) + text,
            "new.txt": labels.format(19) + text,
            "copy.txt": f"Source: The Post\nPublished: 2024-03-20\n\n{text}",
        }
    )

    found = check(settings_for(folder, tmp_path / "index"))

    assert {
        "old": [("superseded", False, "new")],
        "new": [],
        "copy": [("untitled", False, None), ("copy", True, "old")],
    } == {a.article_id: [(o.kind, o.is_wrong, o.other) for o in odd] for a, odd in found.articles}


def test_no_index_yet_is_no_problem(corpus: Corpus, tmp_path: Path) -> None:
    """The first question builds it."""
    found = rows(settings_for(corpus({"a.txt": ARTICLE}), tmp_path / "index"), "index")

    assert [("note", f"none yet in {tmp_path / 'index'}; the first question builds it")] == found


def test_an_empty_server_says_how_to_fill_it(corpus: Corpus, tmp_path: Path) -> None:
    """A question may not: whoever asks a server for its coverage wants no other one there."""
    with milvus_server(tmp_path / "served") as place:
        settings = replace(settings_for(corpus({"a.txt": ARTICLE}), tmp_path), index=place)
        found = rows(settings, "index")

    assert [("note", f"no index in {place}; build it with: dateline index")] == found


def test_a_stale_index_is_noted(corpus: Corpus, tmp_path: Path) -> None:
    """The next start brings it up to date, and takes its time for that."""
    folder = corpus({"a.txt": ARTICLE})
    build_index(folder, tmp_path / "index")
    corpus({"b.txt": ARTICLE})

    ((state, finding),) = rows(settings_for(folder, tmp_path / "index"), "index")

    assert "note" == state
    assert finding.endswith(
        f" in {tmp_path / 'index'}; the corpus has changed since: dateline index"
    )


def test_a_damaged_index_is_a_problem(corpus: Corpus, tmp_path: Path) -> None:
    """One changed byte could put another word into a quote."""
    folder = corpus({"a.txt": ARTICLE})
    build_index(folder, tmp_path / "index")
    (path,) = (tmp_path / "index").glob("segment-*/articles.jsonl")
    path.write_bytes(path.read_bytes().replace(b"Kim", b"Lee"))

    settings = settings_for(folder, tmp_path / "index")

    expected = (
        f"the index in {tmp_path / 'index'} is damaged (articles.jsonl is altered); "
        "build it anew with: dateline index --rebuild"
    )
    assert [("problem", expected)] == rows(settings, "index")
    assert [("ok", f"1 article in {folder}")] == rows(settings, "corpus")


def test_an_index_of_another_corpus_is_a_problem(seeds: Path, tmp_path: Path) -> None:
    """It would quote what is not in the corpus."""
    other = tmp_path / "other"
    other.mkdir()
    build_index(seeds, tmp_path / "index")

    ((state, finding),) = rows(settings_for(other, tmp_path / "index"), "index")

    assert "problem" == state
    assert re.search(rf"built from the corpus {re.escape(str(seeds))}, not from", finding)


def test_a_missing_model_is_a_problem(seeds: Path, tmp_path: Path) -> None:
    """It is found out before anything is loaded or fetched."""
    settings = settings_for(seeds, tmp_path / "index", DATELINE_MODEL=str(tmp_path))

    ((state, finding),) = rows(settings, "model")

    assert "problem" == state
    assert finding.startswith(f"no model in {tmp_path}: it has no .safetensors weights")


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (
            "",
            "DISCORD_TOKEN is not set; copy .env.example to .env and put the bot's token there; "
            "only `dateline run` needs it",
        ),  # missing
        (
            "Bot s3cr3t",
            "DISCORD_TOKEN holds what no token holds (a blank, a quotation mark); copy it again "
            "from the Bot page of Discord's developer portal; only `dateline run` needs it",
        ),  # as it stands in a header
    ],
)
def test_a_token_that_cannot_be_used_is_noted(
    token: str, expected: str, seeds: Path, tmp_path: Path
) -> None:
    """Asking on the command line needs none, so it is no problem."""
    settings = settings_for(seeds, tmp_path / "index", DISCORD_TOKEN=token)

    assert [("note", expected)] == rows(settings, "token")


def test_a_misspelt_setting_is_noted_with_those_there_are(seeds: Path, tmp_path: Path) -> None:
    """Else it is looked for for an evening."""
    settings = settings_for(seeds, tmp_path / "index", DATELINE_CORPSE="x")

    ((state, finding),) = rows(settings, "setting")

    assert "note" == state
    assert finding.startswith("DATELINE_CORPSE is none of ours; there are DISCORD_TOKEN")


def test_the_token_is_never_shown(seeds: Path, tmp_path: Path) -> None:
    """People paste what a check prints into public issues."""
    found = str(list(check(settings_for(seeds, tmp_path / "index")).all_rows))

    assert not any(part in found for part in TOKEN.split("."))
