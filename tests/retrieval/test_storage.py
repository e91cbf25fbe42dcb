"""The index folder: at every moment a whole index, or an error that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.dates import PartialDate
from retrieval.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotBuiltError,
)
from retrieval.index.storage import (
    FileRecord,
    Manifest,
    commit,
    digests,
    new_generation,
    read_articles,
    read_manifest,
    verify,
    write_articles,
    writing,
)
from retrieval.passages import split
from retrieval.types import Article, Span


def _commit(folder: Path, content: str = "x") -> Manifest:
    """Commits a generation that holds one file."""
    with writing(folder):
        generation = new_generation(folder)
        (generation / "sub").mkdir()
        (generation / "sub" / "file").write_text(content)
        manifest = Manifest(
            generation=generation.name,
            corpus="/corpus/ü",
            model="m",
            model_digest="d",
            dimensions=3,
            passage_settings="s",
            passages=0,
            files=(FileRecord("a.txt", 1, 2, ("a",), ((3, "why"), (None, "all")), True),),
            content=digests(generation),
        )
        commit(folder, manifest)
    return manifest


def test_a_committed_manifest_is_read_back_and_its_files_verified(tmp_path: Path) -> None:
    """What was written is what is opened."""
    manifest = _commit(tmp_path)

    assert manifest == read_manifest(tmp_path)
    assert tmp_path / manifest.generation == verify(tmp_path, manifest)
    assert ["sub/file"] == list(manifest.content)


def test_a_new_generation_replaces_the_old_one(tmp_path: Path) -> None:
    """The folder must not grow with every update."""
    _commit(tmp_path, "old")
    manifest = _commit(tmp_path, "new")

    assert manifest == read_manifest(tmp_path)
    assert [manifest.generation] == [path.name for path in tmp_path.glob("generation-*")]


def test_what_a_killed_writer_left_is_removed_and_never_read(tmp_path: Path) -> None:
    """A half-written generation has no manifest that names it."""
    manifest = _commit(tmp_path)
    half = tmp_path / "generation-99"
    half.mkdir()
    (half / "file").write_text("half")
    (tmp_path / "manifest.json.new").write_text("half")

    assert manifest == read_manifest(tmp_path)
    assert "generation-100" == _commit(tmp_path).generation
    assert ["generation-100", "manifest.json", "writer.lock"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


@pytest.mark.parametrize("place", ["nothing", "file/in/the/way"])
def test_no_index_is_said_with_what_to_run(tmp_path: Path, place: str) -> None:
    """A newcomer has none yet."""
    (tmp_path / "file").write_text("")

    with pytest.raises(IndexNotBuiltError, match=r"no index in .*; build it with: dateline index"):
        read_manifest(tmp_path / place)


def _sealed(text: str) -> dict[str, object]:
    loaded: dict[str, object] = json.loads(text)
    return loaded


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda text: "", "cannot be understood"),  # emptied
        (lambda text: text[: len(text) // 2], "cannot be understood"),  # cut short
        (lambda text: "[]", "cannot be understood"),  # JSON, but no manifest
        (lambda text: "null", "cannot be understood"),
        (lambda text: "{}", "cannot be understood"),
        (lambda text: "[" * 100_000, "cannot be understood"),  # deep
        (lambda text: "\x00\x01", "cannot be understood"),  # garbage
        (lambda text: text.replace('"passages": 0', '"passages": 1'), "is altered"),  # a digit
        (lambda text: text.replace("generation-1", "../../../x"), "is altered"),  # led astray
        (lambda text: json.dumps({**_sealed(text), "manifest": 5}), "is altered"),
        (lambda text: json.dumps({**_sealed(text), "format": 99}), "another version of Dateline"),
    ],
)
def test_a_damaged_manifest_is_refused_with_what_to_run(
    tmp_path: Path, damage: Callable[[str], str], what: str
) -> None:
    """Disks fail, and people open files in editors."""
    _commit(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="latin-1")

    with pytest.raises(IndexDamagedError, match=rf"{what}.*dateline index --rebuild"):
        read_manifest(tmp_path)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """The commonest garbage is not even UTF-8."""
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(IndexDamagedError, match=r"manifest\.json is not text"):
        read_manifest(tmp_path)


def test_a_manifest_that_cannot_be_opened_is_said_so(tmp_path: Path) -> None:
    """This is a matter of rights or of a muddle, not of a missing index."""
    (tmp_path / "manifest.json").mkdir()

    with pytest.raises(IndexFolderError, match=r"cannot be read \(Is a directory\)"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("content", "what"), [("y", "sub/file is altered"), (None, "sub/file: No such file")]
)
def test_an_altered_or_missing_file_is_named(
    tmp_path: Path, content: str | None, what: str
) -> None:
    """Wrong embeddings would give wrong quotes without any other sign."""
    manifest = _commit(tmp_path)
    path = tmp_path / manifest.generation / "sub" / "file"
    path.unlink()
    if content is not None:
        path.write_text(content)

    with pytest.raises(IndexDamagedError, match=what):
        verify(tmp_path, manifest)


def test_a_second_writer_is_refused_and_the_first_not_disturbed(tmp_path: Path) -> None:
    """Two would overwrite each other's work."""
    with writing(tmp_path):
        with (
            pytest.raises(IndexBusyError, match=r"another process is writing .*; wait for it"),
            writing(tmp_path),
        ):
            pass
        manifest_before = list(tmp_path.glob("manifest.json"))

    assert [] == manifest_before
    assert "generation-1" == _commit(tmp_path).generation


def test_a_folder_that_cannot_be_made_is_said_with_what_to_do(tmp_path: Path) -> None:
    """The default lies in a cache that may be read-only."""
    (tmp_path / "file").write_text("")

    with pytest.raises(IndexFolderError, match=r"cannot be written .*--index or DATELINE_INDEX"):
        _commit(tmp_path / "file" / "index")


_DATES = (
    st.none()
    | st.dates().map(lambda d: PartialDate(d.year, d.month, d.day))
    | st.just(PartialDate(2024, 2))
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def _articles(draw: st.DrawFn) -> Article:
    text = "Words " + draw(_TEXT)
    return Article(
        article_id=draw(_TEXT),
        text=text,
        title=draw(_TEXT),
        title_derived=draw(st.booleans()),
        published=draw(_DATES),
        published_from=draw(st.none() | _TEXT),
        updated=draw(_DATES),
        source=draw(_TEXT),
        url=draw(st.none() | _TEXT),
        author=draw(st.none() | _TEXT),
        left_out=draw(st.sampled_from([(), (Span(0, 2),), (Span(0, 1), Span(1, 3))])),
        correction=draw(st.sampled_from([None, Span(0, 2)])),
        notes=tuple(draw(st.lists(_TEXT, max_size=2))),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_articles(), max_size=4))
def test_articles_are_read_back_as_they_were_written(
    tmp_path: Path, articles: list[Article]
) -> None:
    """Quotes are cut from what is read back: one lost character would shift them all."""
    groups = [split(article) for article in articles]
    write_articles(tmp_path, groups)

    assert groups == list(read_articles(tmp_path, tmp_path))


@pytest.mark.parametrize("line", ["{", "[]", "{}", '"x"', '{"passages": [[[9, 1]]]}', "\xff"])
def test_articles_that_cannot_be_understood_are_damage(tmp_path: Path, line: str) -> None:
    """Whoever forged the digests too still gets a sentence and no traceback."""
    (tmp_path / "articles.jsonl").write_text(line, encoding="latin-1")

    with pytest.raises(IndexDamagedError, match=r"articles\.jsonl cannot be read"):
        list(read_articles(tmp_path, tmp_path))
