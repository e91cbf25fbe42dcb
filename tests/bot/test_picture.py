"""The picture of a timeline: true to the dates, told apart by everybody, whatever it is given."""

import io
from collections.abc import Iterator, Sequence
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot import letters, picture
from bot.picture import COLOURS, GROUND, MAX_ALT, OTHERS, draw, source_colours
from retrieval.dates import PartialDate
from retrieval.types import CorpusSummary, Filters, Timeline, date_order
from tests.bot.rendering import length
from tests.bot.samples import dates, make_quote, titles

Rgb = tuple[int, ...]
WIDTH = 1_000
# What people without the sensor for red, or for green, see of a colour (Machado and others, 2009).
_NO_RED = ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052))
_NO_GREEN = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))


def timeline(*said: tuple[str | None, str], topic: str = "the car") -> Timeline:
    """A timeline of dates and sources."""
    quotes = [
        make_quote(
            article_id=f"{number:03}",
            published=PartialDate.from_iso(day) if day else None,
            source=source,
        )
        for number, (day, source) in enumerate(said)
    ]
    quotes.sort(key=lambda quote: date_order(quote.article))
    return Timeline(topic, Filters(), tuple(quotes), CorpusSummary(2, 18, None, None))


def opened(found: Timeline) -> Image.Image:
    """The picture of it, as another program reads it."""
    drawn = draw(found)
    assert drawn is not None
    image = Image.open(io.BytesIO(drawn.png))
    assert "PNG" == image.format
    return image.convert("RGB")


def rgb(colour: int) -> Rgb:
    """Red, green and blue, 0 to 255."""
    return colour >> 16 & 255, colour >> 8 & 255, colour & 255


def runs(image: Image.Image, y: int, colour: int) -> list[tuple[int, int]]:
    """From where to where this colour stands in one line of pixels."""
    found: list[tuple[int, int]] = []
    for x in range(image.width):
        if image.getpixel((x, y)) == rgb(colour):
            if found and found[-1][1] == x - 1:
                found[-1] = (found[-1][0], x)
            else:
                found.append((x, x))
    return found


def marks(image: Image.Image, colour: int = COLOURS[0]) -> list[tuple[int, int]]:
    """Where the marks of the lowest line of marks of a colour begin and end."""
    rows = [found for y in range(image.height) if len(found := runs(image, y, colour)) > 0]
    return max(rows[-25:], key=lambda found: sum(end - start for start, end in found))


def test_distance_in_the_picture_is_distance_in_time() -> None:
    """A picture that spaces events evenly would lie."""
    image = opened(timeline(*((day, "Post") for day in ("2024-01-01", "2024-01-11", "2024-01-31"))))

    first, second, third = ((start + end) / 2 for start, end in marks(image))

    assert 2.0 == pytest.approx((third - second) / (second - first), abs=0.02)


def test_a_month_is_as_long_as_a_month() -> None:
    """Drawn on its first day it would be a day that nobody stated."""
    found = timeline(("2024-02", "Post"), ("2024-01-01", "Wire"), ("2024-03-31", "Wire"))
    image = opened(found)
    colours = source_colours(found.quotes)

    days = marks(image, colours["Wire"])
    a_day = (sum(days[-1]) - sum(days[0])) / 2 / 90
    ((start, end),) = marks(image, colours["Post"])

    assert 28 == pytest.approx((end - start) / a_day, abs=1.5)


def test_an_undated_article_is_not_drawn() -> None:
    """It is in the list; anywhere on the axis would be a false date."""
    with_undated = opened(timeline(("2024-01-01", "Post"), (None, "Post")))

    assert 1 == len(marks(with_undated))
    assert draw(timeline((None, "Post"))) is None
    assert draw(timeline()) is None


MANY = [(f"20{n % 25:02}-0{n % 9 + 1}-{n % 28 + 1:02}", f"Paper {n % 12}") for n in range(200)]


@pytest.mark.parametrize(
    "found",
    [
        timeline(("2024-02-20", "Post")),  # one date
        timeline(*[("2024-02-20", "Post")] * 200),  # one date, of which much is said
        timeline(*((f"{1900 + n}-01-01", "Post") for n in range(120))),  # one source
        timeline(*MANY),  # 200 passages of more sources than there are colours
        timeline(*MANY, topic="A very long title of a topic " * 40),
        timeline(("2024-02-20", "W" * 3_000), topic="W" * 3_000),  # nowhere to break a line
        timeline(("0001", "Post"), ("9999-12-31", "Post")),  # all of time
        timeline(("2024", "Post")),  # nothing but a year
        timeline(("2024-02-20", "조선일보"), topic="조선일보"),  # nothing that can be drawn
    ],
    ids=lambda found: f"{len(found.quotes)} of {found.topic[:12]}",
)
def test_whatever_is_drawn_fits(found: Timeline) -> None:
    """As wide as a phone shows well, not endlessly high, and nothing touches the edge."""
    image = opened(found)
    ground = rgb(GROUND)
    edges = [image.getpixel((x, y)) for y in range(40, image.height - 40) for x in (5, WIDTH - 6)]

    assert WIDTH == image.width
    assert 200 < image.height < 2_200
    assert {ground} == set(edges)


@pytest.mark.parametrize("published", ["2024-02-20", "2024"])
def test_two_hundred_marks_are_all_there(published: str) -> None:
    """Where they cannot stand apart they overlap; none is dropped."""
    said = [(f"2024-01-{n % 28 + 1:02}", "Post") for n in range(56)] + [(published, "Post")]

    lanes = picture._lanes(timeline(*said).quotes)
    drawing = picture._Drawing(timeline(*said), lanes)

    assert lanes[0].marks == tuple(
        sorted((mark for row in drawing._rows[0] for mark in row), key=lambda mark: mark.numbers)
    )


def seen(colour: int, matrix: Sequence[Sequence[float]]) -> list[float]:
    """A colour as some people see it, in linear light."""
    light = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in rgb(colour))
    ]
    return [sum(a * b for a, b in zip(row, light, strict=True)) for row in matrix]


def luminance(colour: int) -> float:
    """As WCAG 2 has it."""
    return seen(colour, ((0.2126, 0.7152, 0.0722),))[0]


@pytest.mark.parametrize("colour", [*COLOURS, OTHERS])
def test_every_colour_can_be_read_on_its_ground(colour: int) -> None:
    """4.5 to 1, as WCAG 2 asks of text."""
    assert (luminance(colour) + 0.05) / (luminance(GROUND) + 0.05) >= 4.5


@pytest.mark.parametrize("matrix", [_NO_RED, _NO_GREEN], ids=["no red", "no green"])
def test_colours_are_told_apart_by_the_colour_blind(matrix: Sequence[Sequence[float]]) -> None:
    """One man in twelve is; the forms of the marks are told apart besides."""
    apart = [
        sum((x - y) ** 2 for x, y in zip(seen(a, matrix), seen(b, matrix), strict=True)) ** 0.5
        for a, b in combinations(COLOURS, 2)
    ]

    assert min(apart) > 0.08
    assert len(picture._FORMS) == len(set(picture._FORMS)) == len(COLOURS)


def test_sources_beyond_the_colours_share_one_lane() -> None:
    """Seven lanes are what a phone can show; the list names all."""
    found = timeline(*MANY)

    lanes = picture._lanes(found.quotes)

    assert 7 == len(lanes)
    assert "6 other sources" == lanes[-1].name
    assert OTHERS == lanes[-1].colour
    assert sum(len(mark.numbers) for lane in lanes for mark in lane.marks) == 200


@pytest.fixture
def only_the_shipped_face(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any font."""
    shipped = letters._faces()[:1]
    monkeypatch.setattr(letters, "_faces", lambda: shipped)
    letters.drawn.cache_clear()
    yield
    letters.drawn.cache_clear()


@pytest.mark.usefixtures("only_the_shipped_face")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Who gave Kim the car?", "Who gave Kim the car?"),
        ("Süddeutsche Zeitung", "Suddeutsche Zeitung"),  # accents go
        ("2024–2025", "2024-2025"),  # a dash is a dash
        ("朝日新聞 and others", "… and others"),  # what is left out is said to be
        ("조선일보", None),  # boxes say nothing
        ("a\u202eb\u200b\nc", "ab c"),  # nothing turns or hides what follows
    ],
)
def test_what_the_face_lacks_is_never_a_row_of_boxes(text: str, expected: str | None) -> None:
    """Pillow's own face has ASCII and little more, and there may be no other."""
    drawable = letters.drawn(text)

    assert expected == (drawable and drawable[0])


def test_the_alt_text_says_what_the_picture_shows() -> None:
    """Whoever hears the message read out gets dates and sources too."""
    drawn = draw(timeline(("2024-02-20", "Post"), ("2024-02-20", "Post"), ("2024", "Wire")))

    assert drawn is not None
    assert (
        "Timeline of “the car”: 3 passages from 2 sources.\nWire: 2024.\n"
        "Post: 2024-02-20 (2 passages)." == drawn.alt
    )


@settings(max_examples=12)
@given(st.lists(st.tuples(dates, titles), max_size=6), titles)
def test_anything_can_be_drawn(said: list[tuple[PartialDate | None, str]], topic: str) -> None:
    """Any script, any mark-up, any date."""
    drawn = draw(timeline(*((str(day) if day else None, name) for day, name in said), topic=topic))

    assert (drawn is None) == all(day is None for day, _ in said)
    assert drawn is None or 0 < length(drawn.alt) <= MAX_ALT
