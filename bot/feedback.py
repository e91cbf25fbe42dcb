"""Opt-in: what the coverage could not answer and what people think of answers, as JSON lines.

    <folder>/
      gaps.jsonl       {"day", "question", "reason", "confidence"}
      verdicts.jsonl   {"day", "question", "verdict", "passages", "instead_of"}, the last being
                       what the same person said before and has thought better of
      *.older.jsonl    what was written before; replaced whenever the file beside it is full

Nobody is named: no id of a user, a server, a channel or a message is written, and no time of day.
Several processes may write to one folder. No discord here.
"""

import asyncio
import json
import logging
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from retrieval.types import Answer, Quote

log = logging.getLogger(__name__)

GAPS = "gaps.jsonl"
VERDICTS = "verdicts.jsonl"
MAX_BYTES = 1_000_000  # of one file; the one before it is kept too
_REMEMBERED = 10_000  # verdicts, so that a second press counts no second time
_PATIENCE_S = 2  # for another process that is writing
_ID = re.compile(r"<[^<>\s]{0,40}?\d{17,20}>|\d{17,20}")  # Discord's ids, in mentions and links
_WORD = re.compile(r"\w+")

Verdict = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Gap:
    """A question that the coverage could not answer, however often it was asked."""

    question: str
    """As it was asked last."""
    reason: str
    """A `retrieval.types.Reason`, of the last time."""
    day: str
    """When it was asked last, `YYYY-MM-DD`."""
    times: int


def _today() -> date:
    return datetime.now(UTC).date()


class Feedback:
    """A folder of feedback. Every method blocks and is safe to call from several threads."""

    def __init__(self, folder: Path, today: Callable[[], date] = _today) -> None:
        self.folder = folder
        self._today = today
        self._judged: dict[tuple[int, int], Verdict] = {}
        self._judging = threading.Lock()

    def note_gap(self, answer: Answer) -> None:
        """Writes down a question that met silence.

        Raises:
            OSError: the folder cannot be written.
        """
        self._append(
            GAPS,
            {
                "day": self._today().isoformat(),
                "question": _without_ids(answer.question),
                "reason": answer.reason,
                "confidence": round(answer.confidence, 4),
            },
        )

    def note_verdict(
        self,
        verdict: Verdict,
        question: str,
        quotes: Sequence[Quote],
        who: tuple[int, int],
    ) -> bool:
        """Writes down what somebody thinks of an answer; False if they have said so before.

        Args:
            verdict: their opinion.
            question: as the answer states it, cut short if it is long.
            quotes: what the answer showed.
            who: whose opinion of which answer; kept in memory only, and not for ever.

        Raises:
            OSError: the folder cannot be written.
        """
        with self._judging:
            before = self._judged.get(who)
            if before == verdict:
                return False
            self._append(
                VERDICTS,
                {
                    "day": self._today().isoformat(),
                    "question": _without_ids(question),
                    "verdict": verdict,
                    "passages": [
                        f"{quote.article.article_id}#{quote.span.start}-{quote.span.end}"
                        for quote in quotes
                    ],
                    "instead_of": before,
                },
            )
            self._judged[who] = verdict
            if len(self._judged) > _REMEMBERED:
                del self._judged[next(iter(self._judged))]
        return True

    def gaps_file(self) -> bytes:
        """All gaps that are kept, as they stand on disk, oldest first; empty when there are none.

        Raises:
            OSError: they cannot be read.
        """
        if not self.folder.is_dir():
            return b""
        with self._held():
            path = self.folder / GAPS
            return b"".join(file.read_bytes() for file in (_older(path), path) if file.is_file())

    def _append(self, name: str, record: dict[str, Any]) -> None:
        line = (json.dumps(record, ensure_ascii=False) + "\n").encode(errors="replace")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / name
        with self._held():
            if path.is_file() and path.stat().st_size + len(line) > MAX_BYTES:
                path.replace(_older(path))
            with path.open("ab") as file:
                if file.tell() and not _is_whole(path):  # somebody was killed, or the disk full
                    line = b"\n" + line
                file.write(line)

    def _held(self) -> FileLock:
        return FileLock(self.folder / "feedback.lock", timeout=_PATIENCE_S)


async def note_gap(feedback: Feedback | None, answer: Answer) -> None:
    """Writes down a question that met silence, if that is switched on.

    For questions asked in a server for all to see; what is asked privately stays so. A failure is
    logged: it is no reason to disturb whoever asked.
    """
    if feedback is None or not answer.abstained:
        return
    try:
        await asyncio.to_thread(feedback.note_gap, answer)
    except OSError as error:
        log.warning("a question without an answer could not be noted: %s", error)


def latest_gaps(file: bytes) -> list[Gap]:
    """The gaps in a file, latest first; the same words in other case, space or marks are one."""
    found: dict[str, Gap] = {}
    for record in _records(file):
        question = record["question"]
        key = " ".join(_WORD.findall(unicodedata.normalize("NFKC", question).casefold()))
        times = found.pop(key).times + 1 if key in found else 1
        found[key] = Gap(question, str(record.get("reason")), str(record.get("day")), times)
    return list(reversed(found.values()))


def _records(file: bytes) -> Iterator[dict[str, Any]]:
    """The lines that are whole; of one that is not, nothing is known."""
    for line in file.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and isinstance(record.get("question"), str):
            yield record


def _is_whole(path: Path) -> bool:
    """Whether a file that is not empty ends with a newline."""
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read() == b"\n"


def _older(path: Path) -> Path:
    return path.with_suffix(".older.jsonl")


def _without_ids(text: str) -> str:
    return _ID.sub("…", text)
