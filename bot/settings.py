"""Frozen `Settings` from the command line, the environment and a `.env` file."""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from dotenv import dotenv_values
from platformdirs import user_cache_path

from bot.limits import Limits, Rate
from bot.log import FORMATS
from retrieval.places import MilvusPlace, parse_milvus
from retrieval.types import Places

_SEEDS = Path(__file__).resolve().parent.parent / "seeds"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_LIMITS = Limits(queue=100, user=Rate(20, 60), server=Rate(300, 60))
_TOKEN = re.compile(r"[\w.-]+", re.ASCII)  # what tokens are made of; Discord judges the rest

DESCRIPTIONS = {
    "DISCORD_TOKEN": "the bot's token, from Discord's developer portal; needed by `dateline run`",
    "DATELINE_CORPUS": "the folder of articles; default: the two that come with Dateline",
    "DATELINE_INDEX": "the folder of the index, or http://host:19530/collection of a Milvus, or a "
    "FILE.db of milvus-lite; default: a folder for each corpus, in the user's cache",
    "DATELINE_MILVUS_TOKEN": "user:password or a key, where a Milvus wants one; default: none",
    "DATELINE_MODEL": "a Hugging Face name or a local folder; default: all-MiniLM-L6-v2, packaged",
    "DATELINE_THRESHOLD": "how probable an answer must be to be quoted, 0 to 1; default: 0.25",
    "DATELINE_LOG_LEVEL": "DEBUG, INFO, WARNING or ERROR; default: INFO. DEBUG shows questions",
    "DATELINE_LOG_FORMAT": "text, or json for one JSON object a line; default: text",
    "DATELINE_QUEUE": "how many questions may be under way before more are told to wait; default: "
    "100",
    "DATELINE_USER_COOLDOWN": "how often one person may ask, as questions/seconds, or off; "
    "default: 20/60",
    "DATELINE_SERVER_COOLDOWN": "the same for everybody on one server together; default: 300/60",
    "DATELINE_LIVENESS": "a file that is touched while Discord answers, for `dateline health`; "
    "default: none",
    "DATELINE_WATCH": "whether `dateline run` takes up changed articles by itself, on or off; "
    "default: on",
    "DATELINE_FEEDS": "a file that lists the feeds whose entries become articles; default: none",
    "DATELINE_FEEDBACK": "a folder for unanswered questions and thumbs on answers; default: off",
}
"""Every setting, and what it is for."""


class SettingsError(Exception):
    """A setting is missing or malformed; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment and the `.env` file say, defaults filled in."""

    corpus: Path
    index: Path | MilvusPlace
    model: str | None
    threshold: float | None
    """None for the one that is shipped."""
    log_level: str
    token: str | None = field(repr=False)
    """None when it is not set; see `require_token`."""
    unknown: tuple[str, ...] = ()
    """Names that begin like ours and are no setting: most are misspelt."""
    log_format: str = "text"
    limits: Limits = _LIMITS
    liveness: Path | None = None
    """None when no file is to be touched."""
    feedback: Path | None = None
    """None when nothing is to be written down."""
    feeds: Path | None = None
    """None when no feed is to be asked."""
    watch: bool = True
    """Whether the bot takes up changed articles by itself."""
    any_corpus: bool = False
    """The corpus is only the default one."""

    @classmethod
    def from_environ(
        cls,
        environ: Mapping[str, str],
        *,
        dotenv: Path | None = None,
        corpus: Path | None = None,
        index: Path | str | None = None,
    ) -> "Settings":
        """Settings from the command line, which beats the environment, which beats `.env`.

        An empty value counts as none.

        Raises:
            SettingsError: a value cannot be used.
        """
        values = {**_read_dotenv(dotenv), **{key: value for key, value in environ.items() if value}}
        level = values.get("DATELINE_LOG_LEVEL", "INFO").upper()
        if level not in _LEVELS:
            raise SettingsError(
                f"DATELINE_LOG_LEVEL is {level!r}; choose from {', '.join(_LEVELS)}"
            )
        given = corpus or values.get("DATELINE_CORPUS")
        folder = _expanded(Path(given or _SEEDS))
        return cls(
            corpus=folder,
            index=_index(
                str(index or values.get("DATELINE_INDEX") or default_index(folder)),
                values.get("DATELINE_MILVUS_TOKEN", ""),
            ),
            model=values.get("DATELINE_MODEL"),
            threshold=_probability(values.get("DATELINE_THRESHOLD")),
            log_level=level,
            token=values.get("DISCORD_TOKEN", "").strip() or None,
            unknown=tuple(
                key
                for key in sorted(values)
                if key.startswith("DATELINE_") and key not in DESCRIPTIONS
            ),
            log_format=_log_format(values.get("DATELINE_LOG_FORMAT", "text")),
            limits=_limits(values),
            liveness=_path(values.get("DATELINE_LIVENESS")),
            feedback=_path(values.get("DATELINE_FEEDBACK")),
            feeds=_path(values.get("DATELINE_FEEDS")),
            watch=_switch(values, "DATELINE_WATCH"),
            any_corpus=not given,
        )

    @property
    def places(self) -> Places:
        """What `retrieval` needs to know."""
        elsewhere = not isinstance(self.index, Path)
        beside = default_index(Path("/", str(self.index))) if elsewhere else None
        return Places(self.corpus, self.index, self.model, self.any_corpus, beside)

    def require_token(self) -> str:
        """The token, if it could be one.

        Raises:
            SettingsError: it is missing, or no token; it is not repeated.
        """
        if self.token is None:
            raise SettingsError(
                "DISCORD_TOKEN is not set; copy .env.example to .env and put the bot's token there"
            )
        if not _TOKEN.fullmatch(self.token):
            raise SettingsError(
                "DISCORD_TOKEN holds what no token holds (a blank, a quotation mark); copy it "
                "again from the Bot page of Discord's developer portal"
            )
        return self.token


def default_index(corpus: Path) -> Path:
    """Where the index of a corpus is kept unless a setting says otherwise."""
    path = _expanded(corpus).resolve()
    digest = hashlib.sha256(str(path).encode()).hexdigest()[:8]
    return user_cache_path("dateline", appauthor=False) / f"{path.name or 'corpus'}-{digest}"


def _index(text: str, token: str) -> Path | MilvusPlace:
    try:
        place = parse_milvus(text, token)
    except ValueError as error:
        raise SettingsError(f"DATELINE_INDEX cannot be used; {error}") from None
    if place is None:
        return _expanded(Path(text))
    return replace(place, uri=str(_expanded(Path(place.uri)))) if place.is_file else place


def _probability(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise SettingsError(f"DATELINE_THRESHOLD is {text!r}; give a number from 0 to 1, as 0.5")
    return value


def _log_format(text: str) -> str:
    if text.lower() not in FORMATS:
        raise SettingsError(f"DATELINE_LOG_FORMAT is {text!r}; choose from {', '.join(FORMATS)}")
    return text.lower()


def _limits(values: Mapping[str, str]) -> Limits:
    places = values.get("DATELINE_QUEUE", str(_LIMITS.queue))
    if not places.isascii() or not places.isdigit() or not 1 <= int(places) <= 100_000:
        raise SettingsError(f"DATELINE_QUEUE is {places!r}; give a number from 1 to 100000")
    return Limits(
        queue=int(places),
        user=_rate(values, "DATELINE_USER_COOLDOWN", _LIMITS.user),
        server=_rate(values, "DATELINE_SERVER_COOLDOWN", _LIMITS.server),
    )


def _rate(values: Mapping[str, str], name: str, default: Rate | None) -> Rate | None:
    text = values.get(name)
    if text is None:
        return default
    if text.lower() == "off":
        return None
    try:
        return Rate.parse(text)
    except ValueError:
        raise SettingsError(
            f"{name} is {text!r}; give questions/seconds, as 20/60, or off"
        ) from None


def _switch(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "on").lower()
    if text not in ("on", "off"):
        raise SettingsError(f"{name} is {text!r}; choose from on, off")
    return text == "on"


def _path(text: str | None) -> Path | None:
    return _expanded(Path(text)) if text else None


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:  # "~somebody" who is not on this machine: no such folder is found
        return path


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    try:
        return {key: value for key, value in dotenv_values(path, encoding="utf-8").items() if value}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as settings ({error})") from error
