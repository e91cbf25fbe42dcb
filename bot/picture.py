"""Timeline → a picture: dates on an axis, one lane a source. Pure functions; they block."""

import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from PIL import Image, ImageDraw

from bot.escaping import shorten
from bot.letters import drawn, face_of, fitted, width_of, wrapped
from bot.phrases import date_phrase, plural
from retrieval.types import Quote, Timeline

# Bright colours of Okabe and Ito's set, which people with any colour vision tell apart
# (https://jfly.uni-koeln.de/color/). Each has at least 5:1 against the ground, and the ground is
# part of the picture, so that it looks the same in Discord's light and dark themes.
COLOURS = (0xE69F00, 0x56B4E9, 0x2FBF94, 0xCC79A7, 0xF0E442, 0xF0743A, 0xB9A7F2)
OTHERS = 0xA9AEB8
"""The colour of all sources that have no lane of their own."""
GROUND = 0x1E2128
_INK, _FAINT_INK, _LINE = 0xF2F3F5, 0xB4BAC4, 0x3D424D
MAX_ALT = 1_024  # Discord's limit for the description of a file

_WIDTH = 1_000  # a phone shows it at about 0.37, a desktop at 0.55: small print stays readable
_MARGIN, _GAP = 48, 26
_TITLE, _TEXT, _SMALL, _NUMBER = 46, 32, 29, 25  # sizes of letters
_RADIUS = 14  # of a mark
_ROW, _DENSE_ROW = 58, 34  # height of a row of marks with and without numbers
_MAX_ROWS = 5  # of one lane; where more are needed, all goes without numbers, then marks overlap
_SCALE = 2  # drawn larger, then made smaller: smooth edges

Colour = int
Point = tuple[float, float]


@dataclass(frozen=True)
class Picture:
    """A PNG and what it says to those who cannot see it."""

    png: bytes
    alt: str


@dataclass(frozen=True)
class Mark:
    """What one source said on one date: the numbers of its quotes, which follow each other."""

    numbers: tuple[int, ...]
    first: date
    last: date
    is_span: bool
    """The date is a month or a year."""

    @property
    def label(self) -> str:
        """`3`, or `3-5`."""
        first, last = self.numbers[0], self.numbers[-1]
        return str(first) if first == last else f"{first}-{last}"


@dataclass(frozen=True)
class Lane:
    """The marks of one source, or of all that have no lane of their own, in order of date."""

    name: str
    shape: int
    colour: Colour
    marks: tuple[Mark, ...]


def source_colours(quotes: Iterable[Quote]) -> dict[str, Colour]:
    """The colour of each source, by how early it speaks; the rarer of many share one."""
    sources = [quote.article.source for quote in quotes if quote.article.published]
    often = [source for source, _ in Counter(sources).most_common()]
    if len(often) > len(COLOURS):
        often = often[: len(COLOURS) - 1]
    own = [source for source in dict.fromkeys(sources) if source in often]
    return {**dict.fromkeys(sources, OTHERS), **dict(zip(own, COLOURS, strict=False))}


def draw(timeline: Timeline) -> Picture | None:
    """The dated quotes of a timeline, each with its number in it; None if none is dated."""
    lanes = _lanes(timeline.quotes)
    if not lanes:
        return None
    return Picture(_Drawing(timeline, lanes).png(), _alt(timeline))


def _lanes(quotes: Sequence[Quote]) -> list[Lane]:
    colours = source_colours(quotes)
    own = [source for source, colour in colours.items() if colour != OTHERS]
    others = f"{len(colours) - len(own)} other sources"
    by_lane: dict[str, list[Mark]] = {lane: [] for lane in (*own, others)}
    dated = [
        (published, quote.article.source, number)
        for number, quote in enumerate(quotes, start=1)
        if (published := quote.article.published) is not None
    ]
    for (published, source), group in groupby(dated, key=lambda item: item[:2]):
        mark = Mark(
            tuple(number for _, _, number in group),
            published.first_day,
            published.last_day,
            is_span=published.day is None,
        )
        by_lane[source if source in own else others].append(mark)
    return [
        Lane(name, shape, colours.get(name, OTHERS), tuple(marks))
        for shape, (name, marks) in enumerate(by_lane.items())
        if marks
    ]


def _alt(timeline: Timeline) -> str:
    """The picture in words, as many as may be."""
    lines = [f"Timeline of “{timeline.topic}”: {_counts(timeline)}."]
    by_source: dict[str, Counter[str]] = {}
    for quote in timeline.quotes:
        days = by_source.setdefault(quote.article.source, Counter())
        days[date_phrase(quote.article)] += 1
    for source, days in by_source.items():
        said = ", ".join(f"{day} ({n} passages)" if n > 1 else day for day, n in days.items())
        lines.append(f"{source}: {said}.")
    return shorten("\n".join(lines), MAX_ALT)


def _counts(timeline: Timeline) -> str:
    sources = {quote.article.source for quote in timeline.quotes}
    return f"{plural(len(timeline.quotes), 'passage')} from {plural(len(sources), 'source')}"


class _Drawing:
    """One picture on its way."""

    def __init__(self, timeline: Timeline, lanes: list[Lane]) -> None:
        self._timeline = timeline
        self._lanes = lanes
        marks = [mark for lane in lanes for mark in lane.marks]
        self._first = min(mark.first for mark in marks)
        self._last = max(mark.last for mark in marks)
        self._left, self._right = _MARGIN + 76.0, _WIDTH - _MARGIN - 76.0
        self._numbered = True
        self._rows = [self._in_rows(lane) for lane in lanes]
        if any(len(rows) > _MAX_ROWS for rows in self._rows):
            self._numbered = False
            self._rows = [self._in_rows(lane) for lane in lanes]
        self._row = _ROW if self._numbered else _DENSE_ROW

    def png(self) -> bytes:
        """The picture."""
        title = wrapped(self._timeline.topic, _TITLE, _WIDTH - 2 * _MARGIN) or ["Timeline"]
        notes = self._notes()
        head = _MARGIN + len(title) * (_TITLE + 12) + _TEXT + 2 * _GAP
        lanes = sum(len(rows) * self._row + _TEXT + 14 + _GAP for rows in self._rows)
        foot = _SMALL + 2 * _GAP + len(notes) * (_SMALL + 10) + _MARGIN - _GAP
        height = head + lanes + foot
        self._image = Image.new("RGBA", (_WIDTH * _SCALE, height * _SCALE), (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self._image)
        edge = (0, 0, _WIDTH * _SCALE - 1, height * _SCALE - 1)
        self._pen.rounded_rectangle(edge, 28 * _SCALE, _rgb(GROUND), _rgb(_LINE), 2 * _SCALE)
        y = float(_MARGIN)
        for line in title:
            self._text((_MARGIN, y), line, _TITLE, _INK)
            y += _TITLE + 12
        self._text((_MARGIN, y + 4), self._subtitle(), _TEXT, _FAINT_INK)
        self._axis(head - _GAP / 2, head + lanes)
        y = head
        for lane, rows in zip(self._lanes, self._rows, strict=True):
            y = self._lane(lane, rows, y)
        y += _SMALL + 2 * _GAP
        for note in notes:
            self._text((_MARGIN, y), note, _SMALL, _FAINT_INK)
            y += _SMALL + 10
        small = self._image.reduce(_SCALE)
        file = io.BytesIO()
        small.save(file, "PNG")
        return file.getvalue()

    def _subtitle(self) -> str:
        dates = [q.article.published for q in self._timeline.quotes if q.article.published]
        first = min(dates, key=lambda published: published.first_day)
        last = max(dates, key=lambda published: published.last_day)
        days = str(first) if str(first) == str(last) else f"{first} to {last}"
        return f"{_counts(self._timeline)}, {days}"

    def _notes(self) -> list[str]:
        undated = sum(quote.article.published is None for quote in self._timeline.quotes)
        notes = []
        if any(mark.is_span for lane in self._lanes for mark in lane.marks):
            notes.append("A bar: only the month or the year is known.")
        if not self._numbered:
            notes.append("Too many to number. A mark holds all of one day.")
        if undated:
            notes.append(f"Not drawn: {plural(undated, 'passage')} without a date.")
        return notes

    # Where things stand

    def _x(self, day: date) -> float:
        days = (self._last - self._first).days
        if days == 0:
            return (self._left + self._right) / 2
        return self._left + (self._right - self._left) * (day - self._first).days / days

    def _extent(self, mark: Mark) -> tuple[float, float]:
        """From where to where a mark reaches."""
        if not mark.is_span:
            return self._x(mark.first) - _RADIUS, self._x(mark.first) + _RADIUS
        middle, half = (self._x(mark.first) + self._x(mark.last)) / 2, 0.5 * _RADIUS
        return min(self._x(mark.first), middle - half), max(self._x(mark.last), middle + half)

    def _in_rows(self, lane: Lane) -> list[list[Mark]]:
        """The marks in as few rows as keep them from covering each other.

        Without numbers there are at most `_MAX_ROWS`, where marks then overlap.
        """
        rows: list[list[Mark]] = []
        ends: list[float] = []
        for mark in lane.marks:
            left, right = self._extent(mark)
            if self._numbered:
                half = width_of(mark.label, _NUMBER) / 2
                middle = (left + right) / 2
                left, right = min(left, middle - half), max(right, middle + half)
            free = [number for number, end in enumerate(ends) if left > end + 6]
            if not free and not self._numbered and len(rows) == _MAX_ROWS:
                free = [ends.index(min(ends))]
            if free:
                rows[free[0]].append(mark)
                ends[free[0]] = right
            else:
                rows.append([mark])
                ends.append(right)
        return rows

    # What is drawn

    def _lane(self, lane: Lane, rows: list[list[Mark]], y: float) -> float:
        """One lane from `y` down; where the next one begins."""
        self._shape(lane.shape, (_MARGIN + _RADIUS, y + _TEXT / 2), lane.colour)
        numbers = [number for mark in lane.marks for number in mark.numbers]
        name = fitted(lane.name, _TEXT, _WIDTH - 2 * _MARGIN - 44) or fitted(
            f"source of no. {', '.join(map(str, numbers))}", _TEXT, _WIDTH - 2 * _MARGIN - 44
        )
        self._text((_MARGIN + 44, y), name, _TEXT, lane.colour)
        y += _TEXT + 14
        for row in rows:
            middle = y + self._row - _RADIUS - 4
            for mark in row:
                self._mark(mark, lane, middle)
            y += self._row
        return y + _GAP

    def _mark(self, mark: Mark, lane: Lane, y: float) -> None:
        left, right = self._extent(mark)
        if mark.is_span:
            box = _scaled(((left, y - 9), (right, y + 9)))
            dim = _rgb(lane.colour, 0.45)
            self._pen.rounded_rectangle(box, 9 * _SCALE, dim, _rgb(lane.colour), 3 * _SCALE)
        else:
            self._shape(lane.shape, ((left + right) / 2, y), lane.colour)
        if self._numbered:
            width = width_of(mark.label, _NUMBER)
            middle = min(max((left + right) / 2, 8 + width / 2), _WIDTH - 8 - width / 2)
            place = (middle - width / 2, y - _RADIUS - _NUMBER - 7)
            self._text(place, mark.label, _NUMBER, _INK)

    def _shape(self, number: int, centre: Point, colour: Colour) -> None:
        """A mark that is told from others by its form as well."""
        x, y = centre
        if number == 0:
            box = _scaled(((x - _RADIUS, y - _RADIUS), (x + _RADIUS, y + _RADIUS)))
            self._pen.ellipse(box, _rgb(colour), _rgb(GROUND), _SCALE)
            return
        points = _scaled(
            (x + _RADIUS * across, y + _RADIUS * down) for across, down in _FORMS[number]
        )
        self._pen.polygon(points, _rgb(colour), _rgb(GROUND), _SCALE)

    def _axis(self, top: float, bottom: float) -> None:
        line = _rgb(_LINE)
        for day, label in self._ticks():
            x = self._x(day)
            self._pen.line(_scaled(((x, top), (x, bottom + 10))), line, 2 * _SCALE)
            width = width_of(label, _SMALL)
            left = min(max(x - width / 2, _MARGIN), _WIDTH - _MARGIN - width)
            self._text((left, bottom + 16), label, _SMALL, _INK)
        ends = ((_MARGIN, bottom), (_WIDTH - _MARGIN, bottom))
        self._pen.line(_scaled(ends), _rgb(_FAINT_INK), 3 * _SCALE)

    def _ticks(self) -> list[tuple[date, str]]:
        """The dates themselves if there is room for them, else round ones."""
        marks = [mark for lane in self._lanes for mark in lane.marks]
        exact = sorted({mark.first for mark in marks if not mark.is_span})
        choices = [[(day, day.isoformat()) for day in exact]] if exact else []
        if any(mark.is_span for mark in marks) or not exact:
            choices = []
        choices += _round_ticks(self._first, self._last)
        for ticks in choices:
            if ticks and self._fit(ticks):
                return ticks
        return [(self._first, self._first.isoformat())]

    def _fit(self, ticks: list[tuple[date, str]]) -> bool:
        end = -math.inf
        for day, label in ticks:
            half = width_of(label, _SMALL) / 2
            if self._x(day) - half < end + 20:
                return False
            end = self._x(day) + half
        return True

    def _text(self, place: Point, text: str, size: int, colour: Colour) -> None:
        drawable = drawn(text)
        if drawable is None:
            return
        shown, face = drawable
        # All faces stand on the same line, whatever their own proportions.
        x, y = place[0] * _SCALE, (place[1] + 0.8 * size) * _SCALE
        font, ground = face_of(face, size * _SCALE), _rgb(GROUND)
        # Letters keep the lines of the axis at a distance.
        self._pen.text((x, y), shown, ground, font, "ls", stroke_width=5 * _SCALE)
        self._pen.text((x, y), shown, _rgb(colour), font, "ls")


def _round_ticks(first: date, last: date) -> Iterable[list[tuple[date, str]]]:
    """Days, months, years: each in wider and wider steps, at least two in the range."""
    days = (last - first).days
    for step in (1, 2, 7, 14):
        if days / step <= 12:
            yield [
                (day, day.isoformat())
                for day in (first + timedelta(n) for n in range(0, days + 1, step))
            ]
    months = [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if days <= 366 * 8 and first <= date(year, month, 1) <= last
    ]
    for step in (1, 2, 3, 6):
        ticks = [(day, day.isoformat()[:7]) for day in months if (day.month - 1) % step == 0]
        if len(ticks) > 1:
            yield ticks
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000):
        years = range(-(-first.year // step) * step, last.year + 1, step)
        starts = [date(max(year, 1), 1, 1) for year in years]
        ticks = [(day, f"{day.year:04}") for day in starts if first <= day <= last]
        if len(ticks) > 1:
            yield ticks
    yield [(first, first.isoformat()), (last, last.isoformat())]


def _polygon(corners: int, turn: float = 0.0, size: float = 1.0) -> tuple[Point, ...]:
    angles = [2 * math.pi * (n / corners + turn) - math.pi / 2 for n in range(corners)]
    return tuple((size * math.cos(angle), size * math.sin(angle)) for angle in angles)


def _star() -> tuple[Point, ...]:
    pairs = zip(_polygon(5, size=1.25), _polygon(5, turn=0.1, size=0.55), strict=True)
    return tuple(point for pair in pairs for point in pair)


_FORMS: tuple[tuple[Point, ...], ...] = (
    (),  # a circle
    _polygon(4, turn=1 / 8, size=1.25),  # square
    _polygon(3, size=1.2),  # triangle
    _polygon(4, size=1.2),  # diamond
    _star(),
    _polygon(3, turn=1 / 2, size=1.2),  # triangle on its head
    _polygon(6, size=1.1),  # hexagon
)


def _scaled(points: Iterable[Point]) -> list[Point]:
    return [(x * _SCALE, y * _SCALE) for x, y in points]


def _rgb(colour: Colour, share: float = 1.0) -> tuple[int, int, int]:
    """A colour, mixed with the ground."""
    red, green, blue = (
        round(share * (colour >> shift & 255) + (1 - share) * (GROUND >> shift & 255))
        for shift in (16, 8, 0)
    )
    return red, green, blue
