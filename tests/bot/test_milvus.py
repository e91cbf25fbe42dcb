"""The command line on an index in Milvus, in processes of their own."""

from pathlib import Path
from typing import Any

from tests.program import dateline

_QUESTION = "Does the gift violate UN sanctions?"


def _untimed(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "timing_ms"}


def test_machines_fill_it_together_and_it_answers_as_a_folder_does(tmp_path: Path) -> None:
    """With the real model, on the seeds."""
    place = {"DATELINE_INDEX": str(tmp_path / "news.db" / "seeds")}
    first = dateline("index", "--shard", "0/2", home=tmp_path, settings=place)
    early = dateline("ask", _QUESTION, home=tmp_path, settings=place)
    second = dateline("index", "--shard", "1/2", home=tmp_path, settings=place)
    answer = dateline("ask", _QUESTION, "--json", home=tmp_path, settings=place)
    checks = dateline("check", "--json", home=tmp_path, settings=place)
    index = next(row for row in checks.json["checks"] if row["what"] == "index")

    assert first.out.endswith("Nothing of it counts before 1 other shard is filled.\n")
    assert (1, "", True) == (early.status, early.out, "dateline index --shard I/2" in early.err)
    assert "other shard" not in second.out
    assert _untimed(dateline("ask", _QUESTION, "--json", home=tmp_path).json) == _untimed(
        answer.json
    )
    assert "ok" == index["state"]
    assert index["finding"].startswith(f"15 passages in {place['DATELINE_INDEX']}, filled in 2")


def test_shards_of_a_folder_are_refused(tmp_path: Path) -> None:
    """Two machines would overwrite each other's."""
    done = dateline("index", "--shard", "0/2", home=tmp_path)

    assert 1 == done.status
    assert "leave out --shard, or set DATELINE_INDEX to the address of a Milvus" in done.err


def test_what_is_no_shard_is_wrong_usage(tmp_path: Path) -> None:
    """They are counted from 0."""
    done = dateline("index", "--shard", "2/2", home=tmp_path)

    assert (2, True) == (done.status, "not a shard such as 0/4: '2/2'" in done.err)


def test_a_bad_address_is_told_without_a_password(tmp_path: Path) -> None:
    """Tokens have a setting of their own."""
    bad = {"DATELINE_INDEX": "http://me:secret@host:19530"}
    done = dateline("sources", home=tmp_path, settings=bad)

    assert (1, True, False) == (
        done.status,
        "DATELINE_MILVUS_TOKEN" in done.err,
        "secret" in done.err,
    )
