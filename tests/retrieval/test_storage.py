"""The index folder: at every moment a whole index, or an error that says what to do."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.dates import PartialDate
from retrieval.errors import (
    IndexBusyError,
    IndexDamagedError,
    IndexFolderError,
    IndexNotBuiltError,
)
from retrieval.index import storage
from retrieval.index.storage import (
    UNFINISHED,
    FileRecord,
    Manifest,
    SegmentRecord,
    commit,
    decode,
    encode,
    new_segment,
    passage,
    read_articles,
    read_manifest,
    remember,
    seals,
    verify,
    writing,
)
from retrieval.passages import split
from retrieval.types import Article, Span
from tests.retrieval.making import make_article


def _written(folder: Path, content: str = "x") -> Manifest:
    """Writes a segment that holds one file, and what would name it."""
    segment = new_segment(folder)
    (segment / "file").write_text(content)
    return Manifest(
        corpus="/corpus/ü",
        model="m",
        model_digest="d",
        passage_settings="s",
        built="2024-03-18T12:00:00+00:00",
        anew=False,
        segments=(SegmentRecord(segment.name, 2, 9, 8, (1,), True, seals(segment)),),
        files=(FileRecord("a.txt", 1, 2, ("a",), ((3, "why"), (None, "all")), True),),
    )


def _commit(folder: Path, content: str = "x") -> Manifest:
    with writing(folder):
        manifest = _written(folder, content)
        commit(folder, manifest)
    return manifest


def test_a_committed_manifest_is_read_back_and_its_files_verified(tmp_path: Path) -> None:
    """What was written is what is opened, by another process too."""
    manifest = _commit(tmp_path)
    storage._in_use.clear()

    (segment,) = manifest.segments
    verify(tmp_path, segment)
    verify(tmp_path, segment, whole=True)

    assert manifest == read_manifest(tmp_path)
    assert ["file"] == list(segment.content)
    assert 8 == manifest.passages


def test_a_manifest_that_is_in_use_is_not_made_twice_unless_it_has_changed(tmp_path: Path) -> None:
    """An update looks into it at each step, and of 10,000 files it takes a tenth of a second."""
    manifest = _commit(tmp_path)
    first = read_manifest(tmp_path)
    with writing(tmp_path):
        commit(tmp_path, replace(manifest, model="other"))

    assert manifest is first
    assert "other" == read_manifest(tmp_path).model


def test_a_segment_that_is_no_longer_named_is_removed(tmp_path: Path) -> None:
    """The folder must not grow with every update, nor keep what an older format left."""
    (tmp_path / "generation-7").mkdir()
    _commit(tmp_path, "old")
    manifest = _commit(tmp_path, "new")

    assert manifest == read_manifest(tmp_path)
    assert ["manifest.json", "segment-2", "writer.lock"] == _names(tmp_path)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_killed_writer_left_is_removed_and_never_read(tmp_path: Path) -> None:
    """A half-written segment has no manifest that names it."""
    manifest = _commit(tmp_path)
    half = tmp_path / "segment-99"
    half.mkdir()
    (half / "file").write_text("half")
    (tmp_path / "manifest.json.new").write_text("half")

    assert manifest == read_manifest(tmp_path)
    assert ["segment-100"] == [segment.name for segment in _commit(tmp_path).segments]
    assert ["manifest.json", "segment-100", "writer.lock"] == sorted(
        set(_names(tmp_path)) - {"manifest.json.new"}
    )


def test_an_unfinished_build_is_kept_beside_the_index_until_one_is_finished(
    tmp_path: Path,
) -> None:
    """Nobody answers from it, and the next writer goes on from it."""
    manifest = _commit(tmp_path)
    with writing(tmp_path):
        begun = _written(tmp_path)
        remember(tmp_path, begun)
    read = read_manifest(tmp_path), read_manifest(tmp_path, UNFINISHED)
    _commit(tmp_path)

    assert (manifest, begun) == read
    assert ["manifest.json", "segment-3", "writer.lock"] == _names(tmp_path)


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
        (lambda text: text.replace('"passages": 8', '"passages": 9'), "is altered"),  # a digit
        (lambda text: text.replace("segment-1", "../../../x"), "is altered"),  # led astray
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
    ("content", "what"), [("y", "file is altered"), (None, "file: No such file")]
)
def test_an_altered_or_missing_file_is_named(
    tmp_path: Path, content: str | None, what: str
) -> None:
    """Wrong embeddings would give wrong quotes without any other sign."""
    (segment,) = _commit(tmp_path).segments
    path = tmp_path / segment.name / "file"
    path.unlink()
    if content is not None:
        path.write_text(content)

    with pytest.raises(IndexDamagedError, match=what):
        verify(tmp_path, segment)


def test_a_file_that_lies_elsewhere_now_is_read_before_it_is_trusted(tmp_path: Path) -> None:
    """A copied index is whole, but only its digests can say so."""
    (segment,) = _commit(tmp_path / "index").segments
    shutil.copytree(tmp_path / "index", tmp_path / "copy")
    verify(tmp_path / "copy", segment)
    path = tmp_path / "copy" / segment.name / "file"
    times = path.stat()
    path.write_text("y")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    with pytest.raises(IndexDamagedError, match="file is altered"):
        verify(tmp_path / "copy", segment)


def test_reading_the_whole_notices_what_no_time_tells(tmp_path: Path) -> None:
    """Disks forget without writing."""
    (segment,) = _commit(tmp_path).segments
    path = tmp_path / segment.name / "file"
    path.write_text("y")
    found = path.stat()
    untouched = replace(
        segment.content["file"],
        inode=found.st_ino,
        mtime_ns=found.st_mtime_ns,
        ctime_ns=found.st_ctime_ns,
    )
    segment = replace(segment, content={"file": untouched})
    verify(tmp_path, segment)

    with pytest.raises(IndexDamagedError, match="file is altered"):
        verify(tmp_path, segment, whole=True)


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
    assert ["segment-1"] == [segment.name for segment in _commit(tmp_path).segments]


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


@given(_articles())
def test_an_article_is_read_back_as_it_was_written(article: Article) -> None:
    """Quotes are cut from what is read back: one lost character would shift them all."""
    line = encode(split(article))
    read, sentences = decode(Path(), line)

    assert article == read
    assert split(article) == tuple(passage(Path(), read, spans) for spans in sentences)
    assert (1, b"\n") == (line.count(b"\n"), line[-1:])


def test_articles_that_no_longer_count_are_not_read(tmp_path: Path) -> None:
    """A deleted article must not be listed."""
    groups = [split(make_article("Words.", article_id=name)) for name in "abc"]
    (tmp_path / "segment-1").mkdir()
    (tmp_path / "segment-1" / "articles.jsonl").write_bytes(b"".join(map(encode, groups)))
    record = SegmentRecord("segment-1", 3, 3, 2, (1,), True, {})
    manifest = replace(_written(tmp_path), segments=(record,))

    assert [groups[0], groups[2]] == list(read_articles(tmp_path, manifest))


@pytest.mark.parametrize("line", ["{", "[]", "{}", '"x"', "\xff"])
def test_articles_that_cannot_be_understood_are_damage(line: str) -> None:
    """Whoever forged the digests too still gets a sentence and no traceback."""
    with pytest.raises(IndexDamagedError, match=r"articles\.jsonl cannot be read"):
        decode(Path(), line.encode("latin-1"))


@pytest.mark.parametrize("spans", [[[9, 1]], [[1]], [["a", "b"]], [5]])
def test_sentences_that_are_none_are_damage(spans: list[list[int]]) -> None:
    """They are looked at when their passage is asked for."""
    with pytest.raises(IndexDamagedError, match=r"articles\.jsonl cannot be read"):
        passage(Path(), make_article("Words."), spans)
