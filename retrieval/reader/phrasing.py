"""Question → the same question as people type it. For training only."""

import calendar
import random
import re
from datetime import date

_CHATTY = (
    "quick question: ",
    "does anyone know: ",
    "Hi, ",
    "Just wondering, ",
    "Trying to settle an argument: ",
    "For a quiz: ",
    "I am reading up on this. ",
    "Somebody asked me this today: ",
    "hey, ",
    "Out of curiosity, ",
    "One thing I never understood: ",
    "I keep forgetting: ",
    "My teacher wants to know: ",
    "For an article I am writing: ",
    "please help: ",
    "Remind me, ",
    "I have read different things about this: ",
    "Not sure if this is the right channel, but ",
    "Maybe a stupid question: ",
    "Correct me if I am wrong: ",
    "I missed the news that week. ",
    "We were arguing about this at work: ",
    "Need this for a report: ",
    "so ",
    "ok, ",
    "@bot ",
    "If I remember rightly this was in the papers: ",
    "Can you tell me ",
    "Any idea ",
    "I was told it is in here somewhere: ",
    "For my notes, ",
    "One more: ",
)
_CLOSINGS = ("thanks", "please", "anyone?", "exactly?", "thx", "I wonder", "again?", "?")


def chatty(question: str, rng: random.Random) -> str:
    """The question as people type it: with a preface, in lower case, mistyped, without its mark."""
    if rng.random() < 0.3:
        question = mistyped(question, rng)
    if rng.random() < 0.4:
        question = rng.choice(_CHATTY) + question[:1].lower() + question[1:]
    if rng.random() < 0.4:
        question = question.rstrip("?. ")
    if rng.random() < 0.05:
        question = f"{question} {rng.choice(_CLOSINGS)}"
    return question.lower() if rng.random() < 0.15 else question


def mistyped(question: str, rng: random.Random) -> str:
    """A letter of a long word of the question is doubled, left out, or exchanged with the next."""
    words = list(re.finditer(r"[^\W\d_]{5,}", question))
    if not words:
        return question
    word = rng.choice(words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    here, following = question[at], question[at + 1]
    typed = rng.choice((here + here + following, following, following + here))
    return question[:at] + typed + question[at + 2 :]


def dated(question: str, day: date, rng: random.Random, true: date | None = None) -> str:
    """The question with a day, month or year, in one of the ways people name them.

    The words never hold of the day that is `true` instead.
    """
    month = calendar.month_name[day.month]
    year = str(day.year)
    said = [f"on {day.day} {month} {year}", f"on {month} {day.day}, {year}", f"in {month} {year}"]
    said.append(f"in {month} of {year}")
    if true is None or true.year != day.year:
        third = ("early", "mid", "late")[(day.month - 1) // 4]
        said += [f"in {year}", f"in {third} {year}", f"back in {year}", f"in the year {year}"]
    if true is None:
        said += [f"as of {month} {year}", f"by the end of {year}"]
    words = rng.choice(said)
    if rng.random() < 0.3:
        return f"{words[0].upper()}{words[1:]}, {question[:1].lower()}{question[1:]}"
    return f"{question.rstrip('?. ')} {words}?"
