"""Settings: what beats what, and every problem named at once."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.limits import Limits, Rate
from bot.settings import DESCRIPTIONS, Settings, SettingsError, default_index
from retrieval.places import MilvusPlace

TOKEN = "MTIzNDU2.G-abcd.s3cr3t_s3cr3t"  # noqa: S105  the look of one; opens nothing


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    """A `.env` file that sets everything."""
    path = tmp_path / ".env"
    path.write_text(
        "DISCORD_TOKEN=from.dot.env\n"
        "DATELINE_CORPUS=/dotenv/corpus\n"
        "DATELINE_INDEX='/dotenv/index'\n"
        "DATELINE_MODEL=dotenv/model  # with a comment\n"
        "DATELINE_THRESHOLD=0.4\n"
        "DATELINE_LOG_LEVEL=ERROR\n",
        encoding="utf-8",
    )
    return path


def test_everything_but_the_token_has_a_default(seeds: Path) -> None:
    """The first question needs no settings at all."""
    settings = Settings.from_environ({})

    expected = Settings(seeds, default_index(seeds), None, None, "INFO", None, any_corpus=True)
    assert expected == settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://host:19530/news", MilvusPlace("http://host:19530", "news")),
        ("~/news.db", MilvusPlace(str(Path.home() / "news.db"))),
        ("~/news", Path.home() / "news"),
    ],
)
def test_an_index_is_a_folder_or_in_milvus(text: str, expected: Path | MilvusPlace) -> None:
    """What the machine itself remembers stays in a folder."""
    settings = Settings.from_environ({"DATELINE_INDEX": text, "DATELINE_MILVUS_TOKEN": "secret"})

    assert expected == settings.index
    assert settings.places.state.is_absolute()
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", None), ("/var/lib/feedback", Path("/var/lib/feedback")), ("~/f", Path.home() / "f")],
)
def test_feedback_is_written_only_where_a_setting_says(value: str, expected: Path | None) -> None:
    """Nothing that people ask is kept unless the operator chose to."""
    assert expected == Settings.from_environ({"DATELINE_FEEDBACK": value}).feedback


@pytest.mark.parametrize(("value", "expected"), [("", True), ("on", True), ("OFF", False)])
def test_changes_are_followed_unless_a_setting_says_no(value: str, expected: bool) -> None:
    """Whoever drops a file into the folder expects it to be quoted."""
    assert expected is Settings.from_environ({"DATELINE_WATCH": value}).watch


def test_the_env_file_beats_the_defaults(dotenv: Path) -> None:
    """It is where an operator writes settings down."""
    settings = Settings.from_environ({}, dotenv=dotenv)

    expected = Settings(
        Path("/dotenv/corpus"), Path("/dotenv/index"), "dotenv/model", 0.4, "ERROR", "from.dot.env"
    )
    assert expected == settings


def test_the_environment_beats_the_env_file(dotenv: Path) -> None:
    """A service manager's word is newer than a file's."""
    environ = {
        "DISCORD_TOKEN": TOKEN,
        "DATELINE_CORPUS": "/environ/corpus",
        "DATELINE_INDEX": "/environ/index",
        "DATELINE_MODEL": "environ/model",
        "DATELINE_THRESHOLD": "0.7",
        "DATELINE_LOG_LEVEL": "debug",
    }

    settings = Settings.from_environ(environ, dotenv=dotenv)

    expected = Settings(
        Path("/environ/corpus"), Path("/environ/index"), "environ/model", 0.7, "DEBUG", TOKEN
    )
    assert expected == settings


def test_the_command_line_beats_the_environment(dotenv: Path) -> None:
    """What was typed just now is what was meant."""
    environ = {"DATELINE_CORPUS": "/environ/corpus", "DATELINE_INDEX": "/environ/index"}

    settings = Settings.from_environ(
        environ, dotenv=dotenv, corpus=Path("/typed/corpus"), index=Path("/typed/index")
    )

    assert (Path("/typed/corpus"), Path("/typed/index")) == (settings.corpus, settings.index)


@given(st.sets(st.sampled_from(sorted(DESCRIPTIONS))))
def test_an_empty_value_counts_as_none(emptied: set[str]) -> None:
    """`.env.example` lists every setting with nothing behind it."""
    full = {
        "DISCORD_TOKEN": TOKEN,
        "DATELINE_CORPUS": "/c",
        "DATELINE_INDEX": "/i",
        "DATELINE_MODEL": "m",
        "DATELINE_LOG_LEVEL": "ERROR",
    }

    settings = Settings.from_environ({**full, **dict.fromkeys(emptied, "")})

    kept = {key: value for key, value in full.items() if key not in emptied}
    assert Settings.from_environ(kept) == settings


def test_an_empty_variable_does_not_hide_the_env_file(dotenv: Path) -> None:
    """Containers pass on variables that nobody has set."""
    settings = Settings.from_environ({"DATELINE_MODEL": ""}, dotenv=dotenv)

    assert "dotenv/model" == settings.model


def test_the_example_is_a_valid_env_file_that_sets_nothing() -> None:
    """Copying it is the first thing the README says."""
    example = Path(__file__).parent.parent.parent / ".env.example"

    assert Settings.from_environ({}) == Settings.from_environ({}, dotenv=example)


@pytest.mark.parametrize("name", ["missing", "."])
def test_no_env_file_is_no_problem(tmp_path: Path, name: str) -> None:
    """Nor is a folder of that name."""
    assert Settings.from_environ({}) == Settings.from_environ({}, dotenv=tmp_path / name)


def test_an_env_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    """A traceback would show its content, and so perhaps the token."""
    path = tmp_path / ".env"
    path.write_bytes(f"DISCORD_TOKEN={TOKEN}\nDATELINE_MODEL=\xff\n".encode("latin-1"))

    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({}, dotenv=path)

    assert str(caught.value).startswith(f"{path} cannot be read as settings (")
    assert TOKEN not in str(caught.value)


def test_a_malformed_level_is_told_what_to_choose_from() -> None:
    """A run that logs nothing, or too much, must not begin."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ({"DATELINE_LOG_LEVEL": "LOUD"})

    expected = "DATELINE_LOG_LEVEL is 'LOUD'; choose from DEBUG, INFO, WARNING, ERROR"
    assert expected == str(caught.value)


def test_a_malformed_log_format_is_told_what_to_choose_from() -> None:
    """A log store that gets lines it cannot read drops them."""
    with pytest.raises(SettingsError, match="DATELINE_LOG_FORMAT is 'XML'; choose from text, json"):
        Settings.from_environ({"DATELINE_LOG_FORMAT": "XML"})


def test_a_malformed_switch_is_told_what_to_choose_from() -> None:
    """A bot that follows nothing, though it was told to, would answer from old news."""
    with pytest.raises(SettingsError, match="DATELINE_WATCH is 'yes'; choose from on, off"):
        Settings.from_environ({"DATELINE_WATCH": "YES"})


def test_limits_are_read_as_they_are_written() -> None:
    """And stand for themselves when nothing is written."""
    environ = {
        "DATELINE_QUEUE": "7",
        "DATELINE_USER_COOLDOWN": "3/30",
        "DATELINE_SERVER_COOLDOWN": "OFF",
    }

    assert Limits(7, Rate(3, 30), None) == Settings.from_environ(environ).limits
    assert Limits(100, Rate(20, 60), Rate(300, 60)) == Settings.from_environ({}).limits


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATELINE_QUEUE", "0"),  # nobody could ask
        ("DATELINE_QUEUE", "many"),
        ("DATELINE_QUEUE", "1e3"),
        ("DATELINE_USER_COOLDOWN", "20"),  # in what time?
        ("DATELINE_SERVER_COOLDOWN", "0/60"),
    ],
)
def test_a_malformed_limit_is_named(name: str, value: str) -> None:
    """With what would do."""
    with pytest.raises(SettingsError, match=f"{name} is '{value}'; give ") as caught:
        Settings.from_environ({name: value})

    assert "\n" not in str(caught.value)


def test_the_liveness_file_may_lie_at_home() -> None:
    """As every path in the settings."""
    settings = Settings.from_environ({"DATELINE_LIVENESS": "~/alive"})

    assert Path("~/alive").expanduser() == settings.liveness


@given(st.sets(st.sampled_from(["DATELINE_CORPSE", "DATELINE_", "DATELINE_X_1", *DESCRIPTIONS])))
def test_names_that_only_look_like_settings_are_kept_for_the_check(names: set[str]) -> None:
    """They do no harm, so nothing fails, but most are misspelt."""
    values = {
        "DATELINE_LOG_LEVEL": "INFO",
        "DATELINE_LOG_FORMAT": "text",
        "DATELINE_THRESHOLD": "0.5",
        "DATELINE_QUEUE": "9",
        "DATELINE_USER_COOLDOWN": "off",
        "DATELINE_SERVER_COOLDOWN": "off",
        "DATELINE_WATCH": "off",
    }
    settings = Settings.from_environ({name: values.get(name, "x") for name in names})

    assert sorted(names - set(DESCRIPTIONS)) == list(settings.unknown)


def test_other_programs_settings_are_none_of_ours() -> None:
    """An environment is full of them."""
    settings = Settings.from_environ({"DISCORD_GUILD": "1", "HOME": "/", "dateline_x": "y"})

    assert Settings.from_environ({}) == settings


def test_the_token_is_in_no_representation() -> None:
    """Settings end up in logs and tracebacks."""
    settings = Settings.from_environ({"DISCORD_TOKEN": f" {TOKEN}\n"})

    assert TOKEN == settings.require_token()
    assert TOKEN not in repr(settings) + str(settings) + f"{settings!r:>9}"


@pytest.mark.parametrize(
    "token",
    [
        "s3cr3t s3cr3t.s3cr3t.s3cr3t",  # a blank inside
        "Bot s3cr3t.s3cr3t.s3cr3t",  # as it stands in a header
        '"s3cr3t.s3cr3t.s3cr3t"',  # quotation marks that were meant for a shell
    ],
)
def test_a_token_that_can_be_none_is_refused_unrepeated(token: str) -> None:
    """Half a token is still half a secret."""
    settings = Settings.from_environ({"DISCORD_TOKEN": token})

    with pytest.raises(SettingsError) as caught:
        settings.require_token()

    assert "DISCORD_TOKEN holds what no token holds" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("token", [None, "", "  \n"])
def test_a_missing_token_is_told_where_it_belongs(token: str | None) -> None:
    """It is the one thing that Dateline cannot come with."""
    settings = Settings.from_environ({"DISCORD_TOKEN": token} if token is not None else {})

    with pytest.raises(SettingsError, match="DISCORD_TOKEN is not set; copy"):
        settings.require_token()


def test_each_corpus_has_an_index_of_its_own(tmp_path: Path) -> None:
    """One folder's index must not be overwritten by another of the same name."""
    folders = [tmp_path / "a" / "news", tmp_path / "b" / "news", Path("/")]

    indexes = {Settings.from_environ({}, corpus=folder).index for folder in folders}

    assert len(folders) == len(indexes)


def test_a_corpus_has_one_index_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked from another folder, it need not be built again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "news").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "news")
    names = [tmp_path / "news", Path("news"), Path("news/../news"), Path("link")]

    assert 1 == len({default_index(name) for name in names})


def test_the_index_goes_where_the_system_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed program must not write beside its code."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert tmp_path in default_index(Path("news")).parents


def test_a_home_folder_may_be_written_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `.env` file is read by no shell that would expand it."""
    monkeypatch.setenv("HOME", str(tmp_path))

    settings = Settings.from_environ({"DATELINE_CORPUS": "~/news", "DATELINE_INDEX": "~/index"})

    assert (tmp_path / "news", tmp_path / "index") == (settings.corpus, settings.index)


def test_the_home_of_nobody_is_a_folder_that_is_not_there() -> None:
    """It is told as any missing folder is, without a traceback."""
    settings = Settings.from_environ({"DATELINE_CORPUS": "~nobody-here/news"})

    assert Path("~nobody-here/news") == settings.corpus


def test_settings_are_read_from_the_mapping_alone() -> None:
    """Nothing reads the environment behind a test's back."""
    os.environ["DATELINE_MODEL"] = "behind/the-back"

    assert Settings.from_environ({}).model is None


def test_places_are_what_retrieval_needs() -> None:
    """The token stays with the bot."""
    settings = Settings.from_environ({"DISCORD_TOKEN": TOKEN, "DATELINE_MODEL": "m"})

    places = settings.places

    assert (settings.corpus, settings.index, "m") == (places.corpus, places.index, places.model)
    assert TOKEN not in repr(places)


@pytest.mark.parametrize("value", ["half", "-0.1", "1.01", "nan", "50%"])
def test_a_threshold_is_a_probability(value: str) -> None:
    """Anything else would silence the bot for good, or never."""
    with pytest.raises(SettingsError, match=r"DATELINE_THRESHOLD is .* give a number from 0 to 1"):
        Settings.from_environ({"DATELINE_THRESHOLD": value})
