"""Asked times: the window a question states, and no window it does not."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.asked_times import AskedTime, read_asked_time

TODAY = date(2025, 5, 15)  # a Thursday


def shown(asked: AskedTime | None) -> str | None:
    """`after..before`, with what else was asked for; short enough to work out by hand."""
    if asked is None:
        return None
    window = f"{asked.after or ''}..{asked.before or ''}"
    return window + " newest" * asked.newest + (f" event={asked.event}" if asked.event else "")


@pytest.mark.parametrize(
    ("question", "words", "expected"),
    [
        # months, years, days
        ("Who led the port in February 2024?", "in February 2024", "2024-02..2024-02"),
        ("IN FEBRUARY 2024, WHO LED IT?", "IN FEBRUARY 2024", "2024-02..2024-02"),
        ("who led the port in sept. 2023", "in sept. 2023", "2023-09..2023-09"),
        ("Who led it in Sept 2023?", "in Sept 2023", "2023-09..2023-09"),
        ("What did it cost in 2023?", "in 2023", "2023..2023"),
        ("What did it cost in the year 2023?", "in the year 2023", "2023..2023"),
        ("In 1995, who was mayor?", "In 1995", "1995..1995"),
        ("In 2024 was the bridge open?", "In 2024", "2024..2024"),  # "was" is no plural
        ("What burned during March 2024?", "during March 2024", "2024-03..2024-03"),
        ("Who marched on 20 March 2024?", "on 20 March 2024", "2024-03-20..2024-03-20"),
        ("Who marched on the bridge in May 2024?", "in May 2024", "2024-05..2024-05"),
        ("Who spoke on the 3rd of May 2024?", "on the 3rd of May 2024", "2024-05-03..2024-05-03"),
        ("Who spoke on 3rd of May 2024?", "on 3rd of May 2024", "2024-05-03..2024-05-03"),
        ("Who spoke on March 20, 2024?", "on March 20, 2024", "2024-03-20..2024-03-20"),
        ("Who spoke on Mar. 20th, 2024?", "on Mar. 20th, 2024", "2024-03-20..2024-03-20"),
        ("Who spoke on Wed, 20 March 2024?", "on Wed, 20 March 2024", "2024-03-20..2024-03-20"),
        ("Who spoke on 2024-03-20?", "on 2024-03-20", "2024-03-20..2024-03-20"),
        ("Who spoke in 2024-03?", "in 2024-03", "2024-03..2024-03"),
        ("Who spoke on 20.3.2024?", "on 20.3.2024", "2024-03-20..2024-03-20"),
        ("Who fell in  February\u00a02024?", "in  February\u00a02024", "2024-02..2024-02"),
        ("Who left in March last year?", "in March last year", "2024-03..2024-03"),
        ("Who left in March of this year?", "in March of this year", "2025-03..2025-03"),
        # without a year: the latest that has begun
        ("Who left in February?", "in February", "2025-02..2025-02"),
        ("Who left in October?", "in October", "2024-10..2024-10"),
        ("Who left in May?", "in May", "2025-05..2025-05"),  # it has begun
        ("What has closed since 5 May?", "since 5 May", "2025-05-05.."),
        ("What had closed before 20 March?", "before 20 March", "..2025-03-19"),
        ("Who spoke on 20 November?", "on 20 November", "2024-11-20..2024-11-20"),
        ("Who spoke on 29 February?", "on 29 February", "2024-02-29..2024-02-29"),  # 2025 has none
        ("What burned in early March?", "in early March", "2025-03-01..2025-03-10"),
        # ranges
        (
            "How many were hurt on 18 and 19 November 2024?",
            "on 18 and 19 November 2024",
            "2024-11-18..2024-11-19",
        ),
        (
            "How far did it burn between 16 and 20 August 2023?",
            "between 16 and 20 August 2023",
            "2023-08-16..2023-08-20",
        ),
        (
            "How far did it burn from 16 to 20 August 2023?",
            "from 16 to 20 August 2023",
            "2023-08-16..2023-08-20",
        ),
        (
            "How far did it burn between August 16 and 20, 2023?",
            "between August 16 and 20, 2023",
            "2023-08-16..2023-08-20",
        ),
        (
            "Who died between March and May 2024?",
            "between March and May 2024",
            "2024-03..2024-05",
        ),
        (
            "Who died between November and March 2024?",  # November of the year before
            "between November and March 2024",
            "2023-11..2024-03",
        ),
        (
            "Who died between 28 May and 3 June 2024?",
            "between 28 May and 3 June 2024",
            "2024-05-28..2024-06-03",
        ),
        ("Who fell between 2022 and 2023?", "between 2022 and 2023", "2022..2023"),
        ("From 2022 to 2024, who was mayor?", "From 2022 to 2024", "2022..2024"),
        ("Who was mayor in 2022-2023?", "in 2022-2023", "2022..2023"),
        ("How many died, 8-14 July 2024?", "8-14 July 2024", "2024-07-08..2024-07-14"),
        # parts
        ("What dried up in spring 2025?", "in spring 2025", "2025-03..2025-05"),
        (
            "What dried up in the summer of 2024?",
            "in the summer of 2024",
            "2024-06..2024-08",
        ),
        ("What fell in autumn 2024?", "in autumn 2024", "2024-09..2024-11"),
        ("What fell in the fall of 2024?", "in the fall of 2024", "2024-09..2024-11"),
        ("What froze in winter 2023?", "in winter 2023", "2023-12..2024-02"),
        (
            "Who led in the first half of 2023?",
            "in the first half of 2023",
            "2023-01..2023-06",
        ),
        ("Who led in the second half of 2023?", "in the second half of 2023", "2023-07..2023-12"),
        (
            "Who led in the third quarter of 2024?",
            "in the third quarter of 2024",
            "2024-07..2024-09",
        ),
        ("Who led in the last quarter of 2024?", "in the last quarter of 2024", "2024-10..2024-12"),
        ("What did it earn in Q1 2024?", "in Q1 2024", "2024-01..2024-03"),
        ("What was its stake in early 2024?", "in early 2024", "2024-01..2024-04"),
        ("death toll ferry mid-2024", "mid-2024", "2024-05..2024-08"),
        ("death toll ferry late 2024", "late 2024", "2024-09..2024-12"),
        ("death toll ferry mid april 2024", "mid april 2024", "2024-04-11..2024-04-20"),
        ("What sank in late February 2024?", "in late February 2024", "2024-02-21..2024-02-29"),
        ("Who led at the start of 2024?", "at the start of 2024", "2024-01..2024-01"),
        ("Who led at the end of 2023?", "at the end of 2023", "2023-12..2023-12"),
        # around a day
        (
            "In the week of 8 to 14 July 2024, who died?",
            "In the week of 8 to 14 July 2024",
            "2024-07-08..2024-07-14",
        ),
        (
            "Who died in the week of 8 July 2024?",
            "in the week of 8 July 2024",
            "2024-07-08..2024-07-14",
        ),
        (
            "Who left in the week after 11 January 2025?",
            "in the week after 11 January 2025",
            "2025-01-11..2025-01-18",
        ),
        (
            "Who left in the week before 11 January 2025?",
            "in the week before 11 January 2025",
            "2025-01-04..2025-01-11",
        ),
        (
            "What flooded on the weekend of 21 October 2023?",  # a Saturday
            "on the weekend of 21 October 2023",
            "2023-10-21..2023-10-22",
        ),
        (
            "What shut on the day after 20 March 2024?",
            "on the day after 20 March 2024",
            "2024-03-21..2024-03-21",
        ),
        (
            "What shut in the days after 20 March 2024?",
            "in the days after 20 March 2024",
            "2024-03-21..",
        ),
        # after
        ("What has changed since March 2024?", "since March 2024", "2024-03.."),
        ("What changed after 20 March 2024?", "after 20 March 2024", "2024-03-21.."),
        ("What changed after March 2024?", "after March 2024", "2024-04.."),
        ("What changed after December 2023?", "after December 2023", "2024-01.."),
        ("What changed after 2023?", "after 2023", "2024.."),
        ("What changed later than 2023?", "later than 2023", "2024.."),
        ("From May 2024 on, who led it?", "From May 2024 on", "2024-05.."),
        ("Who led it from May 2024 onwards?", "from May 2024 onwards", "2024-05.."),
        # before
        ("Who led it before 20 March 2024?", "before 20 March 2024", "..2024-03-19"),
        ("Who led it before 1 March 2024?", "before 1 March 2024", "..2024-02-29"),
        ("Who led it before January 2024?", "before January 2024", "..2023-12"),
        ("Who led it prior to 2024?", "prior to 2024", "..2023"),
        ("Who led it earlier than May 2024?", "earlier than May 2024", "..2024-04"),
        ("Who led it until 20 March 2024?", "until 20 March 2024", "..2024-03-20"),
        ("Who led it till March 2024?", "till March 2024", "..2024-03"),
        ("Who had died by mid-September 2024?", "by mid-September 2024", "..2024-09-20"),
        ("Who had died by the end of 2023?", "by the end of 2023", "..2023-12"),
        ("Who had died before the end of 2023?", "before the end of 2023", "..2023-12"),
        ("Going by figures up to March 2013, who died?", "up to March 2013", "..2013-03"),
        # before and after a thing with a date
        (
            "Before the recount of 20 February 2025, who led?",
            "Before the recount of 20 February 2025",
            "..2025-02-19",
        ),
        (
            "Who led before the 20 February 2025 recount?",
            "before the 20 February 2025",
            "..2025-02-19",
        ),
        (
            "Who has led since the vote of 20 February 2025?",
            "since the vote of 20 February 2025",
            "2025-02-20..",
        ),
        (
            "Who left after the harbour fire in January 2025?",  # later in January, too
            "after the harbour fire in January 2025",
            "2025-01..",
        ),
        # as of
        ("as of october 2024, what was agreed", "as of october 2024", "..2024-10 newest"),
        ("What was agreed as of the end of 2023?", "as of the end of 2023", "..2023-12 newest"),
        ("What was agreed as at 3 May 2024?", "as at 3 May 2024", "..2024-05-03 newest"),
        (
            "As far as was known on 18 and 19 November 2024, who was hurt?",
            "As far as was known on 18 and 19 November 2024",
            "..2024-11-19 newest",
        ),
        # counted from today
        ("Who resigned yesterday?", "yesterday", "2025-05-14..2025-05-14"),
        (
            "Who left the day before yesterday?",
            "the day before yesterday",
            "2025-05-13..2025-05-13",
        ),
        ("What burned this week?", "this week", "2025-05-12..2025-05-18"),
        ("What burned last week?", "last week", "2025-05-05..2025-05-11"),
        ("What burned last month?", "last month", "2025-04..2025-04"),
        ("What burned this year?", "this year", "2025..2025"),
        ("What burned last year?", "last year", "2024..2024"),
        ("What burned in early last year?", "in early last year", "2024-01..2024-04"),
        ("What burned in the past week?", "in the past week", "2025-05-08..2025-05-15"),
        ("What burned in the last 3 days?", "in the last 3 days", "2025-05-12..2025-05-15"),
        (
            "What burned over the past two weeks?",
            "over the past two weeks",
            "2025-05-01..2025-05-15",
        ),
        (
            "What burned in the last three months?",
            "in the last three months",
            "2025-02-15..2025-05-15",
        ),
        (
            "What burned in the past twelve years?",
            "in the past twelve years",
            "2013-05-15..2025-05-15",
        ),
        ("What burned ten days ago?", "ten days ago", "2025-05-05..2025-05-05"),
        ("What burned two months ago?", "two months ago", "2025-03..2025-03"),
        ("What has burned since last week?", "since last week", "2025-05-05.."),
        # the newest
        ("What is the latest death toll?", "latest", ".. newest"),
        ("how many dead on the most recent count", "most recent", ".. newest"),
        ("Who is minister now?", "now", ".. newest"),
        ("who runs the city right now", "right now", ".. newest"),
        ("How many have left by now?", "by now", ".. newest"),
        ("Who is minister today?", "today", ".. newest"),
        ("Who is minister at present?", "at present", ".. newest"),
        ("Who is minister at the moment?", "at the moment", ".. newest"),
        ("As things stand, who signs?", "As things stand", ".. newest"),
        ("How many were freed so far?", "so far", ".. newest"),
        ("To date, how many were freed?", "To date", ".. newest"),
        ("Where does he work nowadays?", "nowadays", ".. newest"),
        ("Where is it currently moored?", "currently", ".. newest"),
        ("What is the current death toll?", "current", ".. newest"),
        ("What is the up-to-date number of homes?", "up-to-date", ".. newest"),
        ("an up to date list of the dead", "up to date", ".. newest"),
        ("What is the final death toll?", "final death toll", ".. newest"),
        ("revised count of homes lost", "revised count", ".. newest"),
        ("current death toll ferry", "current", ".. newest"),
        ("What was her last known address?", "last known", ".. newest"),
        ("Is the pass still shut?", "still", ".. newest"),
        ("How is the latest plan described in May 2024?", "in May 2024", "2024-05..2024-05 newest"),
        # an event
        ("What has changed since the drill?", "since the drill", ".. event=the drill"),
        ("Since his resignation, who leads?", "Since his resignation", ".. event=his resignation"),
        ("Who leads since Kim’s visit", "since Kim’s visit", ".. event=Kim’s visit"),
        ("Since the drill how often did it fail?", "Since the drill", ".. event=the drill"),
        # two at once
        (
            "What shut since March 2024 but before 5 May 2025?",
            "since March 2024 but before 5 May 2025",
            "2024-03..2025-05-04",
        ),
        ("What shut since 2019 until 2021?", "since 2019 until 2021", "2019..2021"),
        ("In 2023 or later, in May 2024, who led?", "In 2023", "2023..2023"),  # the first
        ("Who led in May 2024, since the drill?", "in May 2024", "2024-05..2024-05"),
    ],
)
def test_a_question_is_read_as_the_window_it_states(
    question: str, words: str | None, expected: str | None
) -> None:
    """Coverage from outside the window answers another question."""
    asked = read_asked_time(question, TODAY)

    assert (words, expected) == (asked and asked.words, shown(asked))


@pytest.mark.parametrize(
    "question",
    [
        "What did the flood of October 2023 destroy?",  # names a flood
        "Who won the 2022 World Cup?",
        "What does the 2024 budget cut?",
        "What was the turnout of 2024?",
        "Who marched in the February 2025 run-off?",
        "Who governs until the 2024 election?",
        "How many trees does the plan of September 2023 spare?",
        "What changed in last year’s budget?",
        "Is it more than last year?",  # compares
        "Why was the opening put back from 2024 to 2025?",  # a changed date
        "Why was the vote postponed from 5 to 12 May 2024?",
        "Was the vote delayed until March 2025?",
        "Why did the toll rise from 1990 to 2020?",
        "Why did they not strike until March 2024?",
        "Is the tunnel due to open in 2025?",  # a planned date
        "How many ships are expected in May 2025?",
        "What will the line cost in 2030?",  # nothing is published then
        "How much coal is burned by 2030?",
        "In what year did the bridge fall?",  # asks for the date
        "In which month did it fall?",
        "Since when has she been mayor?",
        "How many days after 20 March 2024 did he leave?",
        "Who runs in 3000 metres?",  # no year
        "How many pupils are in 2000 schools?",
        "By how much, by 2000 votes?",
        "Were up to 2000 hurt?",
        "What happened in 2000 BC?",
        "What happened in March 1812?",
        "What was built in the 1990s?",
        "Who won in 2024's race?",
        "What rose in the second half of the 20th century?",
        "May I ask who may march?",  # verbs
        "What did the march demand?",
        "What did a witness say in court?",
        "Who was second?",
        "Who met at Mar-a-Lago, in Mar-a-Lago?",
        "Who spoke on 31 February 2024?",  # no such days
        "Who spoke between 20 and 16 August 2023?",
        "Who spoke before 03/04/2024?",  # March or April
        "Which town was named after the general who died in 1812?",
        "Who leads since he was elected?",  # clauses
        "Who leads since the minister resigned?",
        "Who leads since Kim left?",
        "What did he do ever since then?",
        "Now that Kim has quit, who leads?",  # not the newest
        "What is the town now known as Aske?",
        "Who designed what is now Turkey?",
        "How strong is the ocean current?",
        "What alternating current does it draw?",
        "Why is it so far away?",
        "Which crops grew in today's Gorna?",
        "Who directed Apocalypse Now?",
        "Who owns USA Today?",
        "By Friday at the latest, who signs?",
        "Who painted a still life?",
        "What shut after 3 May until 6 June 2024?",  # from which day is not plain
        "Who knows?",
        "",
    ],
)
def test_a_date_that_says_nothing_of_when_it_was_published_is_no_window(question: str) -> None:
    """A false window hides the answer; a missed one only leaves more to choose from."""
    assert shown(read_asked_time(question, TODAY)) is None


_PIECES = st.sampled_from(
    [
        *(
            "in",
            "on",
            "by",
            "since",
            "before",
            "after",
            "from",
            "to",
            "of",
            "the",
            "between",
            "and",
        ),
        *("as", "early", "late", "mid-", "week", "weekend", "end", "now", "past", "last", "year"),
        *("ago", "two", "31", "30", "2024", "2023", "1899", "2100", "February", "March", "may"),
        *("Sept.", "2024-02-30", "q1", "summer", "drill", "Kim’s", ",", "?", "-", "\u00a0", "\n"),
        *("é", "İ", "ſ", "²", "٢"),
    ]
)
_QUESTIONS = st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=40).map(" ".join))


@given(_QUESTIONS, st.dates())
def test_reading_an_asked_time_never_raises_and_its_words_stand_in_the_question(
    question: str, today: date
) -> None:
    """It is asked of whatever anybody types, on whatever day."""
    asked = read_asked_time(question[:300], today)

    assert asked is None or asked.words in question
    assert asked is None or asked.words
    assert asked is None or asked.after or asked.before or asked.newest or asked.event
    if asked and asked.after and asked.before:
        assert asked.after.first_day <= asked.before.last_day


@given(st.dates(date(1900, 1, 1), TODAY), st.sampled_from(["on {}", "as of {}", "since {}"]))
def test_every_day_is_read_as_that_day(day: date, form: str) -> None:
    """No month falls through the grammar."""
    asked = read_asked_time(f"What stood {form.format(f'{day.day} {day:%B %Y}')}?", TODAY)

    assert asked is not None
    assert day in {end.first_day for end in (asked.after, asked.before) if end is not None}


@pytest.mark.parametrize(
    "piece",
    [
        "in the week of ",
        "since the ",
        "before the a ",
        "between 1 and ",
        " ",
        "on 1-",
        "the end of ",
    ],
)
def test_a_question_that_almost_states_a_time_over_and_over_is_read_at_once(piece: str) -> None:
    """Every repetition of the grammar is bounded, so none can backtrack without end."""
    question = (piece * 1000)[:1000]

    assert shown(read_asked_time(question, TODAY)) is None
