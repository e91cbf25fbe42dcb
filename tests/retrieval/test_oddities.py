"""Oddities: what the owner of a corpus should mend is named, and nothing else."""

from datetime import date

import pytest

from retrieval.oddities import oddities
from retrieval.types import Article, Span
from tests.retrieval.making import make_article

_TODAY = date(2024, 3, 18)
_TEXT = (
    "The orchestra of Tarn has named Mira Solheim as its first woman conductor. She will lead it "
    "from the spring, and the city has promised her a new hall by the river."
)


def _kinds(article: Article, *, english: bool = True) -> list[str]:
    odd = oddities([article], _TODAY, english=english)[article.article_id]
    return [oddity.kind for oddity in odd if oddity.kind != "untitled"]


@pytest.mark.parametrize(
    ("published", "updated", "expected"),
    [
        ("2024-03-18", None, []),  # today
        ("2024-03", None, []),  # this month
        ("2024-03-19", None, ["future"]),
        ("2025", None, ["imprecise", "future"]),
        ("2024", None, ["imprecise"]),
        (None, None, ["undated"]),
        ("2024-03-01", "2024-03-19", ["future"]),
        ("2024-03-01", "2024-02-01", ["article"]),  # updated before it was published
    ],
)
def test_dates_that_are_missing_or_odd_are_named(
    published: str | None, updated: str | None, expected: list[str]
) -> None:
    """An article is in the windows of its date, or in none."""
    assert expected == _kinds(make_article(_TEXT, published=published, updated=updated))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (_TEXT, []),
        (_TEXT.upper(), []),
        ("Mira Solheim conducts.", ["short"]),
        (
            "Bei einem schweren Hochwasser im Tal sind in der Nacht mindestens vierzehn Menschen "
            "ums Leben gekommen. Was die Ursache war, ist noch nicht bekannt.",
            ["language"],
        ),
        (
            "Bij een overstroming in de vallei zijn in de nacht van vrijdag op zaterdag zeker "
            "veertien mensen om het leven gekomen. Het is nog niet bekend wat de oorzaak was.",
            ["language"],
        ),
        (
            "Au moins quatorze personnes sont mortes dans la vallée lors d’une inondation dans la "
            "nuit de vendredi à samedi, a annoncé la police.",
            ["language"],
        ),
        ("警方周日表示，山谷周六凌晨发生洪水，至少十四人死亡。", ["language"]),  # few words
        ("В долине погибли четырнадцать человек.", ["language"]),
    ],
)
def test_texts_that_the_model_cannot_answer_from_are_named(text: str, expected: list[str]) -> None:
    """It knows no other language, and a caption answers nothing."""
    assert expected == _kinds(make_article(text, published="2024-03-18"))


def test_another_model_may_know_other_languages() -> None:
    """Which, only its maker knows."""
    article = make_article("В долине погибли четырнадцать человек." * 5, published="2024")

    assert "language" not in _kinds(article, english=False)


def test_what_is_left_out_is_not_counted() -> None:
    """A page full of links has still no article."""
    article = make_article(_TEXT, published="2024-03", left_out=(Span(75, len(_TEXT)),))

    assert ["short"] == _kinds(article)


def test_a_title_that_was_made_and_a_correction_are_told_and_not_wrong() -> None:
    """There is nothing to mend about either."""
    article = make_article(_TEXT, published="2024-03", correction=Span(0, 9))

    odd = oddities([article], _TODAY)["a"]

    assert [("untitled", False), ("corrected", False)] == [(o.kind, o.is_wrong) for o in odd]
