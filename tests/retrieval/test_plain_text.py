"""Plain text: what is metadata or furniture is left out by span, and prose never is."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.articles.plain_text import read_plain_text
from retrieval.errors import ArticleError
from retrieval.passages import split
from retrieval.types import Article

_PROSE = "The Aurus Senat is a luxury vehicle from Russia, long used by its politicians."
_MORE = "North Korea’s leader has recently been seen in one, state media reported on Monday."


def _read(text: str) -> Article:
    return read_plain_text("news/a.txt", text)


def _quotable(article: Article) -> list[str]:
    return [passage.text for passage in split(article)]


class TestSeeds:
    """The two articles that the project ships."""

    def test_dates_below_the_text_and_other_headlines_are_left_out(self, seeds: Path) -> None:
        """The first says its date twice, then names three other articles."""
        text = (seeds / "000_0ed886074109945b.txt").read_text(encoding="utf-8")
        article = _read(text)
        quotable = "\n".join(_quotable(article))

        assert "2024-02-20" == str(article.published)
        assert 'line "Published: 20th Feb 2024"' == article.published_from
        assert () == article.notes
        assert quotable.startswith("Russian President Vladimir Putin has reportedly gifted")
        assert quotable.endswith("shaping the course of world affairs.")

    def test_a_date_ahead_of_the_first_words_is_left_out_and_the_words_stay(
        self, seeds: Path
    ) -> None:
        """The second has no line for its date."""
        text = (seeds / "004_0fc56467d903f3f4.txt").read_text(encoding="utf-8")
        article = _read(text)

        assert ("2024-03-18", 'line "date 2024-03-18"') == (
            str(article.published),
            article.published_from,
        )
        assert _quotable(article)[0].startswith("North Korea’s leader, Kim Jong Un, has recently")
        assert article.title.startswith("North Korea’s leader, Kim Jong Un")


@pytest.mark.parametrize(
    "head",
    [
        "Published: 20th Feb 2024\n\n",  # the seeds' line, above the text
        "Published: 2024-02-20 10:30\n\n",  # ISO with a time: all of it is the date
        "Published:\n20th Feb 2024\n\n",  # a label alone, the date below
        "Publication date:\n\n20 Feb 2024\n",  # likewise, a blank between
        "First Published: 20 Feb 2024 10:22 AM (IST)\n\n",  # Indian papers
        "Published - February 20, 2024 10:30 am IST\n\n",  # a dash for a colon
        "Posted on 20 February 2024 by Lena Orvik\n\n",  # with the byline
        "Date: Tuesday, February 20, 2024\n",  # a weekday, no blank line below
        " date 2024-02-20 \n",  # the seeds' label, alone on its line
        " date 2024-02-20 ",  # the seeds' label, before the first words
        "Date: February 20, 2024 ",  # a written-out date before the first words
        "20 Feb 2024\n\n",  # no label
        "By Lena Orvik | 20 Feb 2024 | Updated: 21 Feb 2024\n\n",  # one line for all
        "Seoul | Reuters | 20 Feb 2024\n\n",  # names beside the date
        "Kim rides in a new car\nA gift raises questions\nBy LENA ORVIK\n20 Feb 2024\n\n",  # a deck
        "A new car\n\nBy Lena Orvik for Reuters\n\nUpdated 21 Feb 2024\nPublished 20 Feb 2024\n\n",
    ],
)
def test_a_date_at_the_head_is_read_and_never_quoted(head: str) -> None:
    """Articles are dated by it, and a quote of it would say nothing."""
    article = _read(f"{head}{_PROSE}\n\n{_MORE}\n")
    quotable = _quotable(article)

    assert "2024-02-20" == str(article.published)
    assert [_PROSE, _MORE] == quotable[-2:]
    assert not any("2024" in passage for passage in quotable)


@pytest.mark.parametrize(
    "tail",
    [
        "Published: 20th Feb 2024\n",  # as the seeds have it
        "Published:\n20th Feb 2024\n",  # in two lines
        "Source: Reuters\nPublished: 20 Feb 2024\n",  # below the source
        "Published: 20 Feb 2024\n\nSource: Reuters\n",  # above it
        "Date: 20-02-2024",  # digits, day first, for there is no 20th month
        "Published: 20 Feb 2024 | Updated: 21 Feb 2024\n",  # both
        "February 20, 2024\n",  # no label
        "Also Read:\nRafah Deadline Raises Stakes\n\nPublished: 20 Feb 2024\n",  # below a list
        "Published: 20 Feb 2024\n\nAdvertisement\n\n© 2024 Tarn Gazette. All rights reserved.\n",
    ],
)
def test_a_date_at_the_end_is_read_and_never_quoted(tail: str) -> None:
    """The seeds have theirs below the text."""
    article = _read(f"{_PROSE}\n\n{_MORE}\n\n{tail}")

    assert "2024-02-20" == str(article.published)
    assert [_PROSE, _MORE] == _quotable(article)


def test_all_that_a_head_states_is_kept() -> None:
    """Title, source, author and address are shown beside every quote."""
    article = _read(
        "Title: Kim rides: again\nSource: The Tarn Gazette\nBy: Lena Orvik\n"
        f"Link: https://x.org/1\nUpdated: 21 Feb 2024\n\n{_PROSE}"
    )

    assert ("Kim rides: again", False, "The Tarn Gazette", "Lena Orvik", "https://x.org/1") == (
        article.title,
        article.title_derived,
        article.source,
        article.author,
        article.url,
    )
    assert (None, "2024-02-21") == (article.published, str(article.updated))
    assert 'line "Updated: 21 Feb 2024"' == article.updated_from
    assert [_PROSE] == _quotable(article)


def test_an_article_that_states_nothing_is_named_after_its_file() -> None:
    """Its date is unknown and is not guessed."""
    article = _read(_PROSE)

    assert ("news/a", "news/a.txt", True, None, None) == (
        article.article_id,
        article.source,
        article.title_derived,
        article.published,
        article.published_from,
    )


def test_the_first_of_two_dates_counts_and_a_note_says_so() -> None:
    """The operator decides; the bot does not hide it."""
    article = _read(f"Published: 20 Feb 2024\n\n{_PROSE}\n\nPublished: 21 Feb 2024\n")

    assert ("2024-02-20", ("states two dates of publication: 2024-02-20 and 2024-02-21",)) == (
        str(article.published),
        article.notes,
    )


def test_a_dateline_dates_the_article_and_stays_in_the_quote() -> None:
    """It is part of the first sentence as printed; the program is named after it."""
    text = f"PYONGYANG, March 18, 2024 (Reuters) - {_PROSE}"
    article = _read(text)

    assert ("2024-03-18", 'dateline "March 18, 2024"', [text]) == (
        str(article.published),
        article.published_from,
        _quotable(article),
    )


@pytest.mark.parametrize(
    "others",
    [
        "Also Read:\n\nRafah Deadline Raises Stakes\nA Defending Israel\n",  # as the seeds have it
        "Also Read:\n\nRafah Deadline Raises Stakes\n\nA Defending Israel\n\nCoping in Gaza\n",
        "Also Read:\nRafah Deadline Raises Stakes\nA Defending Israel\n\nCoping in Gaza",
        "Also Read: Rafah Deadline Raises Stakes\n",  # beside it
        "Also Read: Why Kim Cannot Visit the U.S.\nA Defending Israel\n",  # beside it and below
        "Also Read: Israel strikes Gaza again.\n",  # a headline with a full stop
        "ALSO READ | Rafah Deadline Raises Stakes\n",  # a bar
        "Also Read Rafah Deadline Raises Stakes\n",  # nothing between
        "**Also Read:** [Rafah Deadline](https://x.org/rafah)\n",  # Markdown
        "Related Articles\n\n- Rafah Deadline Raises Stakes!\n- A Defending Israel...\n",  # bullets
        "Also Read:\nRafah Deadline\nPublished: 19 Feb 2024\nA Defending Israel\n",  # their dates
        "Also Read:\n\nRafah Deadline\n\nAdvertisement\n\nA Defending Israel\n",  # an ad between
        "Trending: Rafah Deadline Raises Stakes\n\nMost read\n\nA Defending Israel\n",  # two lists
        "Also Read:\nIsrael Sets Rafah Deadline.\nHamas Rejects Truce Offer\n",  # full stops
        "Also Watch: Rafah Deadline\n\nRelated Story: A Defending Israel\n",  # other words for it
        "READ: Rafah Deadline Raises Stakes\n\nDon’t Miss:\nA Defending Israel\n",
    ],
)
@pytest.mark.parametrize("below", ["", f"\n\n{_MORE}\n"])
def test_headlines_of_other_articles_are_never_quoted(others: str, below: str) -> None:
    """They would be quoted with this article's date and source, and be wrong."""
    article = _read(f"{_PROSE}\n\n{others}{below}")
    expected = [_PROSE, _MORE] if below else [_PROSE]
    if "Coping" in others and below and "\n\nCoping" in others and "\n\nA" not in others:
        expected.insert(1, "Coping in Gaza")  # after a gap with prose below: a subheading, maybe

    assert expected == _quotable(article)
    assert article.published is None


def test_wrapped_prose_below_a_list_is_kept_whole() -> None:
    """Half a sentence without its speaker is a misquote."""
    wrapped = "The minister told reporters on Monday that the\ngift broke the sanctions."
    article = _read(f"{_PROSE}\n\nAlso Read:\nRafah Deadline Looms\n\n{wrapped}\n")

    assert [_PROSE, wrapped] == _quotable(article)


@pytest.mark.parametrize("line", ["Release date: 30 May 2019", "Released 1984", "Dated 3 May 2019"])
def test_a_date_of_what_the_article_is_about_is_not_the_articles(line: str) -> None:
    """A film, a report and a letter have dates too."""
    article = _read(f"{_PROSE}\n\n{line}\n\n{_MORE}\n")

    assert article.published is None
    assert line in _quotable(article)


def test_the_dateline_counts_more_than_a_label_below_it() -> None:
    """It stands at the head of the dispatch."""
    article = _read(
        f"SEOUL, March 18, 2024 (Reuters) - {_PROSE}\n\nPublished: 20 May 2019\n\n{_MORE}\n"
    )

    assert "2024-03-18" == str(article.published)
    assert ("states two dates of publication: 2024-03-18 and 2019-05-20",) == article.notes


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (f"{_MORE} Also Read: Rafah Deadline Raises Stakes", _MORE),  # at the end of a paragraph
        (f"{_MORE} (Also read: Rafah Deadline)", _MORE),  # in brackets
        (f"{_MORE} See also | Rafah Deadline", _MORE),  # with a bar
    ],
)
def test_a_pointer_inside_a_paragraph_is_cut_out_of_it(line: str, kept: str) -> None:
    """Text copied from a page has lost its line breaks."""
    assert [kept, _PROSE] == _quotable(_read(f"{line}\n\n{_PROSE}\n"))


def test_prose_around_a_pointer_in_brackets_is_kept() -> None:
    """The article goes on after it."""
    article = _read(f"date 2024-03-18 {_PROSE} (See also: Rafah Deadline) {_MORE}")

    assert [_PROSE, _MORE] == _quotable(article)


@pytest.mark.parametrize(
    "prose",
    [
        "Date palms are dying in Iraq, farmers say.",
        "Dated 2024-03-18 the letter says that Kim agreed.",
        "Published 2024-03-18 in Seoul, the report names no giver.",
        "Date 2024-03-18 was a Monday.",
        "Posted guards stood at every gate of the palace.",
        "Updated rules forbid the gift, the ministry said.",
        "By Monday the talks had ended.",
        "By noon the square was empty.",
        "By Putin’s own account the gift was small.",
        "By 2030 no such car will be built.",
        "Source code of the car’s computer was found.",
        "Source: officials said the car was a gift.",
        "Link by link the chain was broken.",
        "Link: see the chain of events at https://x.org in full.",
        "Title to the land was disputed.",
        "Author and critic Jo Aune disagreed.",
        "Related to the tsar, he fled.",
        "Related: the ministry said nothing. It never does.",
        "Also read in court was a letter from Kim.",
        "Also read: a statement by the ministry. It named no giver.",
        "See also how the army marched, he said.",
        "Read more books, the minister told the children.",
        "More on that day than ever before, he wept.",
        "Trending upwards, prices rose again.",
        "Recommended by the court, the sentence was mild.",
        "Share this burden, the minister said.",
        "Sign up for the army or go to jail, Kim told them.",
        "Follow us into the hills, the rebels urged.",
        "Subscribe to this view and you lose, he said.",
        "Advertisement spending fell by half.",
        "2 comments were all he made.",
        "March 18, 2024 was a Monday.",
    ],
)
@pytest.mark.parametrize(
    "place", ["{prose}\n\n{more}", "{more}\n\n{prose}", "{more}\n\n{prose}\n\n{more}"]
)
def test_prose_that_begins_like_a_label_is_never_lost(prose: str, place: str) -> None:
    """Losing real words would make the bot say that the coverage is silent when it is not."""
    article = _read(place.format(prose=prose, more=_MORE))

    assert prose in _quotable(article)
    assert article.published is None


@pytest.mark.parametrize(
    "others", ["Also Read: Rafah Deadline", "Also Read:\n\nRafah Deadline\nA Defending Israel"]
)
def test_a_question_after_a_gap_below_a_list_is_prose(others: str) -> None:
    """Writers ask before they answer; headlines before it stood close together."""
    article = _read(f"{_PROSE}\n\n{others}\n\nBut who gave Kim the car?\n\n{_MORE}\n")

    assert [_PROSE, "But who gave Kim the car?", _MORE] == _quotable(article)


def test_dates_that_stand_between_paragraphs_are_kept() -> None:
    """A chronicle has them as headings, and they are what it says."""
    article = _read(f"{_PROSE}\n\nMarch 18, 2024\n\n{_MORE}\n")

    assert ([_PROSE, "March 18, 2024", _MORE], None) == (_quotable(article), article.published)


def test_a_title_derived_below_furniture_is_made_of_the_article() -> None:
    """A title "Advertisement" would say nothing."""
    article = _read(f"Advertisement\n\nAlso Read: Rafah Deadline\n\n{_PROSE}\n")

    assert _PROSE.removesuffix(".") == article.title


@pytest.mark.parametrize(
    "text", ["Published: 2024-03-18\n", "Source: Reuters\n\nAlso Read:\n\nRafah Deadline\n", "🚗"]
)
def test_a_file_without_an_article_is_refused(text: str) -> None:
    """It would be counted as coverage and never quoted."""
    with pytest.raises(ArticleError, match=r"news/a\.txt: there is no article in it"):
        _read(text)


_PIECES = st.sampled_from(
    [
        *("Published:", "date 2024-03-18 ", "20th Feb 2024", "Updated:", "By Lena", "Source: X"),
        *("Also Read:", "Related", "Rafah Deadline", "(see also: X)", "Also read: Y", "|", " - "),
        *("Advertisement", "Title: Z", "Kim rode.", " ", "\n", "\n\n", "\r\n", "\r", "\u2028", "."),
    ]
)


@settings(max_examples=300)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_any_layout_is_an_article_whose_spans_are_in_order(text: str) -> None:
    """Metadata comes in every order; none may end the reading of a corpus."""
    try:
        article = _read(text)
    except ArticleError:
        return

    assert text == article.text
    assert all(passage in text for passage in _quotable(article))
