"""Follow-ups: understood with the question before them, or left as they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.follow_up import MAX_CHARS, understand

WHO = "Who gave Kim the car?"
WHY = "Why did Putin give Kim a car?"
DID = "Did Putin give Kim a car?"
RAID = "Who organised the police operation in Sarnitz in 2022?"


@pytest.mark.parametrize(
    ("context", "question", "expected"),
    [
        (WHY, "When did he announce the gift?", "When did Putin announce the gift?"),  # subject
        (WHO, "When did he drive it?", "When did Kim drive the car?"),  # the only person, the thing
        (WHY, "Who else thanked him?", "Who else thanked Kim?"),  # the last person
        (DID, "What did he tell him?", "What did Putin tell Kim?"),  # two of them
        (DID, "What did Brandt tell him?", "What did Brandt tell Kim?"),  # never himself
        ("Who met Kim?", "What is his view on sanctions?", "What is Kim's view on sanctions?"),
        (WHO, "What is its price?", "What is the car's price?"),  # owner
        (DID, "How much did it cost?", "How much did the car cost?"),  # a car, then the car
        (WHO, "Was it an Aurus?", "Was the car an Aurus?"),  # not an expletive
        (
            "What did Anna Holt say about the new law?",
            "Where was she born?",
            "Where was Anna Holt born?",
        ),
        (
            "What did Anna Holt say about the new law?",
            "When was it passed?",
            "When was the new law passed?",
        ),
        (
            "Did Putin thank Anna Holt?",
            "What did he give her yesterday?",
            "What did Putin give Anna Holt yesterday?",
        ),
        ("Who met Stubbs?", "Where is his house?", "Where is Stubbs's house?"),  # a name in s
        (
            "Did the minister meet Stubbs?",
            "Where is his house?",
            "Where is the minister's house?",  # the subject
        ),
        (
            "Who is the mayor of Lindhaven?",
            "When was she elected?",
            "When was the mayor of Lindhaven elected?",  # an office, with what it is of
        ),
        (
            "Which minister resigned over the Orvalin affair?",
            "Why did he resign?",
            "Why did the minister resign?",
        ),
        (
            "Did the protesters block the harbour?",
            "Were they arrested?",
            "Were the protesters arrested?",
        ),
        (
            "Did the protesters block the harbour?",
            "What were their demands?",
            "What were the protesters' demands?",
        ),
        (
            "Did Putin and Kim meet in Sarnitz?",
            "What did they sign?",
            "What did Putin and Kim sign?",
        ),
        (
            "Did Putin and Kim sign the agreements?",
            "Who wrote them?",
            "Who wrote the agreements?",
        ),
        (
            "What sanctions did the EU impose on Russia?",
            "When were they lifted?",
            "When were the sanctions lifted?",
        ),
        (
            "Why did the EU ban the cars?",
            "When did it decide?",
            "When did the EU decide?",
        ),
        ("Why did NATO meet in Lindhaven?", "What did they decide?", "What did NATO decide?"),
        (
            "Why did the government raise the tax?",
            "When did they announce it?",
            "When did the government announce the tax?",
        ),
        (RAID, "When did it end?", "When did the police operation end?"),
        (RAID, "What happened there?", "What happened in Sarnitz?"),
        (RAID, "How many people came from there?", "How many people came from Sarnitz?"),
        (
            "Did Putin travel to North Korea?",
            "What did he do there?",
            "What did Putin do in North Korea?",
        ),
        (WHY, "Did he say why he gave it?", "Did Putin say why he gave the car?"),  # once
        (WHY, "he kept it?", "Putin kept the car?"),  # the beginning
        ("Why did Theresa May resign?", "Who followed her?", "Who followed Theresa May?"),
        (
            "Why were sanctions imposed on North Korea?",
            "When were they lifted?",
            "When were sanctions lifted?",
        ),
        ("Did EU officials leave Syria?", "Why did they leave?", "Why did EU officials leave?"),
        (
            "Tell me about the car Putin gave Kim",
            "When was it built?",
            "When was the car built?",
        ),
        (
            "What did the minister of finance announce?",
            "Did she mention taxes?",
            "Did the minister of finance mention taxes?",
        ),
        ("why did putin give kim a car", "how did he pay for it", "how did putin pay for the car"),
        ("who gave kim the car", "when did it arrive", "when did the car arrive"),
        ("Why did Orbán’s party lose?", "When did it react?", "When did Orbán’s party react?"),
        (DID, "Why didn’t he say so?", "Why didn’t Putin say so?"),  # curly
        (
            "Why didn’t the government pay?",
            "When did it say so?",
            "When did the government say so?",
        ),
        (
            "Did the police operation in Sarnitz end?",
            "Who led it?",
            "Who led the police operation?",
        ),
        (
            "Did the prime minister order the raid?",
            "What did he say about it?",
            "What did the prime minister say about the raid?",
        ),
        (
            "Has the government raised taxes?",
            "Did it say why?",
            "Did the government say why?",
        ),
        (
            "Did Ursula von der Leyen resign?",
            "Why did she leave?",
            "Why did Ursula von der Leyen leave?",
        ),
        (
            "What did the report say about the crash?",
            "Who wrote it?",
            "Who wrote the report?",
        ),
        (
            "When did the war in Ukraine begin?",
            "How many people died there?",
            "How many people died in Ukraine?",
        ),
        ("Was the bridge unsafe?", "When will it reopen?", "When will the bridge reopen?"),
        ("Did Kim's wife meet Brandt?", "Where does she live?", "Where does Kim's wife live?"),
        ("Who travelled to Sarnitz?", "What happened there?", "What happened in Sarnitz?"),
    ],
)
def test_a_pronoun_is_replaced_by_what_it_stands_for(
    context: str, question: str, expected: str
) -> None:
    """An index knows nothing of "he"."""
    assert expected == understand(question, context)


@pytest.mark.parametrize(
    ("context", "question", "expected"),
    [
        (DID, "What about Brandt?", "Did Putin give Brandt a car?"),  # the last name
        (WHO, "And Brandt?", "Who gave Brandt the car?"),
        ("Did China lift the sanctions?", "Russia?", "Did Russia lift the sanctions?"),  # bare
        ("What did Putin do in China?", "How about Kim?", "What did Kim do in China?"),  # no place
        ("What did Putin do in China?", "And Russia?", "What did Putin do in Russia?"),  # a place
        ("What is Putin's salary?", "And Kim's?", "What is Kim's salary?"),  # owner
        ("Did Putin and Kim sign it?", "And Brandt?", "Did Brandt sign it?"),  # both of them
        ("What did Putin say?", "And the chancellor?", "What did the chancellor say?"),  # office
        (RAID, "And in Lindhaven?", "Who organised the police operation in Lindhaven in 2022?"),
        (RAID, "and in 2023?", "Who organised the police operation in Sarnitz in 2023?"),
        (RAID, "What about 2023?", "Who organised the police operation in Sarnitz in 2023?"),
        (RAID, "what about last week", "Who organised the police operation in Sarnitz last week?"),
        ("Who won the 2022 World Cup?", "And in 2018?", "Who won the 2018 World Cup?"),
        ("Who won yesterday?", "And on 3 March 2024?", "Who won on 3 March 2024?"),
        ("Who gave Kim the car", "in 2023?", "Who gave Kim the car in 2023?"),  # appended
        (WHO, "And in Sarnitz?", "Who gave Kim the car in Sarnitz?"),
        (WHO, "2023?", "Who gave Kim the car in 2023?"),
        ("Who won the election in Poland?", "France?", "Who won the election in France?"),
        ("Who is the mayor of Lindhaven?", "And Sarnitz?", "Who is the mayor of Sarnitz?"),
        ("Did China lift the sanctions?", "And the EU?", "Did the EU lift the sanctions?"),
        ("Why didn’t Putin react?", "And Kim?", "Why didn’t Kim react?"),  # curly
        (WHO, "What about China?", "Who gave Kim the car, and what about China?"),  # no place
        ("Who spoke about sanctions?", "And about China?", "Who spoke about China?"),
        (WHO, "And the price?", "Who gave Kim the car, and what about the price?"),  # a new thing
        (WHO, "what about sanctions", "Who gave Kim the car, and what about sanctions?"),
        ("who gave kim the car", "and china?", "who gave kim the car, and what about china?"),
    ],
)
def test_a_phrase_takes_the_place_of_its_like(context: str, question: str, expected: str) -> None:
    """A name for a name, a time for a time; what has no like is put at the end."""
    assert expected == understand(question, context)


@pytest.mark.parametrize(
    ("context", "question", "expected"),
    [
        (WHY, "When?", "When did Putin give Kim a car?"),
        (DID, "And why?", "Why did Putin give Kim a car?"),  # yes or no
        (DID, "Since when?", "Since when did Putin give Kim a car?"),
        ("What year did Putin visit Sarnitz?", "Why?", "Why did Putin visit Sarnitz?"),  # two words
        ("Was Brandt arrested?", "By whom?", "By whom was Brandt arrested?"),
        (WHO, "When?", "Who gave Kim the car, and when?"),  # asks for the subject
        (WHO, "how much", "Who gave Kim the car, and how much?"),
        ("Who was arrested in Sarnitz?", "Why?", "Who was arrested in Sarnitz, and why?"),
        ("What did Putin give Kim?", "When?", "What did Putin give Kim, and when?"),  # the object
        ("Which minister did Kim meet?", "Where?", "Which minister did Kim meet, and where?"),
        ("Why didn’t Brandt resign?", "Since when?", "Since when didn’t Brandt resign?"),
        ("Did Putin apologise?", "Why not?", "Did Putin apologise, and why not?"),
        (WHY, "When was that?", "When did Putin give Kim a car?"),
        (DID, "Why did he do that?", "Why did Putin give Kim a car?"),
        ("Who gave Kim the car, and when?", "Why?", "Who gave Kim the car, and why?"),  # a chain
        (DID, "What happened next?", "Did Putin give Kim a car, and what happened next?"),
        (DID, "Really?", DID),
        (DID, "are you sure?", DID),
        (DID, "what?", DID),
        (DID, "tell me more", DID),
        (DID, "Is that true?", DID),
        (WHO, "What about him?", "Who gave Kim the car, and what about Kim?"),
        (DID, "Why did he?", "Why did Putin give Kim a car?"),
    ],
)
def test_a_bare_word_asks_about_the_question_before(
    context: str, question: str, expected: str
) -> None:
    """Nothing that was asked about is lost."""
    assert expected == understand(question, context)


@pytest.mark.parametrize(
    ("context", "question"),
    [
        (WHO, "Why did Lindhaven close its harbour?"),  # "its" is Lindhaven's
        (WHO, "Did Putin say why he gave the car?"),  # "he" is Putin
        (WHO, "What did Kim say when he got his car?"),  # twice
        (WHO, "Is it true that Brandt resigned?"),  # it stands for nothing
        (WHO, "Was it raining in Sarnitz?"),
        (WHO, "How long did it take to build the harbour?"),
        (WHO, "Is it legal to import an Aurus?"),
        (WHO, "Was it Brandt who resigned?"),
        (WHO, "Who was it?"),
        (WHO, "it is said that Brandt resigned"),
        (WHO, "Did Brandt claim that Lindhaven voted?"),  # a conjunction
        (WHO, "Who wrote the law that was passed in 2023?"),  # a relative
        (WHO, "What is this car?"),  # has its noun
        (WHO, "Is there a harbour in Sarnitz?"),  # no place
        (WHO, "What happened there?"),  # no place before
        (WHO, "Then why did Brandt resign?"),
        (WHO, "Who lost his job?"),  # whoever lost it
        (WHO, "In his speech, what did Brandt say?"),  # ahead of its name
        (WHO, "What did Brandt say when he resigned?"),
        (WHO, "How many people lost their homes?"),
        ("Did the protesters burn the cars?", "How many people lost their homes?"),
        ("Did the trade deal hurt the economy?", "When was it signed?"),  # where does it end?
        ("Why did the EU fine Google?", "How much was it?"),  # no thing before
        ("Which party won the election?", "How many seats did it get?"),  # which of the two?
        ("Why did the court acquit Brandt?", "Is it final?"),
        ("Did Israel strike Iran?", "How did Iran react to it?"),
        ("What did Kim do in 2022?", "And the year before?"),
        ("What happened in Sarnitz?", "Why did he resign?"),  # nobody before
        ("What did Kim say?", "How much did it cost?"),  # no thing before
        (WHO, "What did they sign?"),  # nobody else
        ("Who is the queen?", "Did he resign?"),  # a woman
        (DID, "Which sanctions did the EU impose on Russia in 2023?"),  # its own question
        (DID, "And why did Brandt resign?"),
        (DID, "thanks!"),
        (DID, "ok"),
        (DID, "Hello?"),
        (DID, "Interesting?"),
        (DID, "🚗"),
        (DID, "  What did\nBrandt say?  "),  # to the space
        ("", "Why did he do that?"),
        (" \n", "When?"),
        ("?!", "And in 2023?"),
    ],
)
def test_what_stands_alone_or_has_no_antecedent_stays(context: str, question: str) -> None:
    """A false rewriting is worse than none."""
    assert question == understand(question, context)


def test_each_step_of_a_chain_builds_on_the_one_before() -> None:
    """The question before is itself what was understood."""
    steps = ["Who gave Kim the car?", "And the price?", "Who paid it?", "When?", "And Brandt?"]
    understood = [steps[0]]
    for step in steps[1:]:
        understood.append(understand(step, understood[-1]))

    assert [
        "Who gave Kim the car?",
        "Who gave Kim the car, and what about the price?",
        "Who paid the price?",
        "Who paid the price, and when?",
        "Who paid the price, and what about Brandt?",
    ] == understood


def test_what_would_be_too_long_stays() -> None:
    """Discord and the index take only so much."""
    context = f"Who gave Kim the car {'again ' * 162}?"

    assert "And the price?" == understand("And the price?", context)
    assert "When?" == understand("When?", "Who gave " + "🚗" * (MAX_CHARS - 9))


_PIECES = st.sampled_from(
    ["Who", "What", "Did", "was", "the", "of", "in", "and", "Kim", "Brandt’s", "Sarnitz", "car"]
) | st.sampled_from(
    [
        "minister",
        "protesters",
        "he",
        "his",
        "her",
        "it",
        "them",
        "that",
        "there",
        "then",
        "2023",
        "May",
        "about",
        "say",
        "?",
        ",",
        ".",
        "\n",
        "**",
        "🚗",
        "İ",
        "ß",
        "'s",
        "’",
        " ",
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(_PIECES, max_size=14).map(" ".join),
    st.lists(_PIECES, max_size=14).map("".join),
    st.builds(lambda piece, times: piece * times, st.text(max_size=5), st.integers(0, 1100)),
)


@settings(max_examples=300, deadline=None)
@given(_TEXTS, _TEXTS)
def test_any_two_texts_give_a_question_of_bounded_length(question: str, context: str) -> None:
    """People type anything."""
    understood = understand(question, context)

    assert understood == question or len(understood) <= MAX_CHARS
    assert bool(understood) == bool(question)
    assert question == understand(question, "")


@given(
    st.sampled_from([WHO, WHY, DID, RAID, "Did Putin and Kim sign the agreements in Sarnitz?"]),
    st.sampled_from(["What did", "Why did", "When will", "Where does"]),
    st.sampled_from(["he", "she", "it", "they", "Brandt", "his minister", "their car"]),
    st.sampled_from(["tell", "give", "praise"]),
    st.sampled_from(["him", "her", "it", "them", "his car", "Kim", "Kim there"]),
)
def test_what_is_understood_needs_no_more_understanding(
    context: str, begin: str, subject: str, verb: str, other: str
) -> None:
    """Asked again, it means the same."""
    understood = understand(f"{begin} {subject} {verb} {other}?", context)

    assert understood == understand(understood, context)
