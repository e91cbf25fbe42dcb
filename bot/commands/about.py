"""/about: what the coverage holds, who reads it, and how fast."""

import statistics
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.cards import MAX_CONTENT
from bot.escaping import escape, shorten
from bot.phrases import plural, summary_phrase
from retrieval import __version__
from retrieval.engine import Engine
from retrieval.types import CorpusSummary

if TYPE_CHECKING:
    from bot.client import DatelineClient

_DAY_S = 24 * 60 * 60
_KEPT = 1_000  # answers; more would say nothing new about how fast we are


class AnswerTimes:
    """How long each answer of the last day took, without what was asked."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: clock: seconds since any moment."""
        self._clock = clock
        self._times: deque[tuple[float, float]] = deque(maxlen=_KEPT)

    def add(self, milliseconds: float) -> None:
        """Notes an answer that has just been found."""
        self._times.append((self._clock(), milliseconds))

    def of_today(self) -> list[float]:
        """Milliseconds of each of the last answers that are younger than a day."""
        now = self._clock()
        return [took for at, took in self._times if now - at < _DAY_S]


@app_commands.command(description="What I have read, how I read it, and how fast I am today")
async def about(interaction: "discord.Interaction[DatelineClient]") -> None:
    """A few facts, for the one who asked."""
    client = interaction.client
    text = about_message(client.engine, client.library.summary, client.times.of_today())
    await interaction.response.send_message(text, ephemeral=True)


def about_message(engine: Engine, summary: CorpusSummary, times_ms: list[float]) -> str:
    """What this bot is, a fact a line."""
    model = f"{engine.model.name}, SHA-256 {engine.model.digest[:12]}…"
    if times_ms:
        speed = (
            f"{statistics.median(times_ms):.0f} ms an answer, the median of "
            f"{plural(len(times_ms), 'answer')} in the last 24 hours"
        )
    else:
        speed = "no question in the last 24 hours"
    facts = {
        "Coverage": f"{summary_phrase(summary)}; {plural(summary.passages, 'passage')}",
        "Embedding model": model,
        "Reader": engine.reader,
        "Speed": speed,
        "Version": f"Dateline {__version__}",
    }
    lines = [
        "I answer questions about news coverage with quotes from it, word for word and dated, "
        "or say that the coverage does not say.",
        *(f"**{name}:** {escape(value)}" for name, value in facts.items()),
    ]
    return shorten("\n".join(lines), MAX_CONTENT)
