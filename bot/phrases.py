"""What is said of an answer, in words that the terminal and Discord share."""

import re
import unicodedata

from retrieval.types import Answer, Article, CorpusSummary, Filters, Timeline

ABSTAINED = "The coverage does not say."
CORRECTION = "The article states a correction"
SUPERSEDED = "There is a newer version of this article"
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # marks that change the direction of writing


def reason_sentence(answer: Answer) -> str:
    """Why the coverage is silent, and what to try instead."""
    match answer.reason:
        case "empty_corpus":
            return "There is no article in the coverage yet."
        case "outside_window":
            return (
                f"Nothing {window_phrase(answer.filters)} answers this, but other coverage may: "
                "ask again without the dates."
            )
        case "weak":
            return "It comes near this, but no passage is likely to answer it."
        case _:
            return "Nothing in it is about this."


def window_phrase(filters: Filters) -> str:
    """The time window in words, such as "from 2024-02 to 2024-03-05"; empty without one."""
    after, before = filters.after, filters.before
    if after and before:
        return f"in {after}" if str(after) == str(before) else f"from {after} to {before}"
    if after:
        return f"from {after} on"
    return f"until {before}" if before else ""


def scope_phrase(answer: Answer) -> str:
    """What was asked, and why not all of it: "2 articles, …; only from 2024-02 on"."""
    scope = f"Asked of {summary_phrase(answer.corpus)}"
    only = filters_phrase(answer.filters)
    asked = answer.asked_time
    if asked is not None and asked.has_window:
        if answer.filters.has_window:
            return f"{scope}; only {only} (“{asked.words}”)."
        scope += f"; nothing published “{asked.words}” answers, so all days were asked"
    return f"{scope}; only {only}." if only else f"{scope}."


def timeline_phrase(found: Timeline) -> str:
    """What a timeline holds, or why it is empty: "6 passages, oldest first. Of 2 articles, …"."""
    only = filters_phrase(found.filters)
    scope = f"{summary_phrase(found.corpus)}{f'; only {only}' if only else ''}."
    if found.quotes:
        order = ", oldest first" if len(found.quotes) > 1 else ""
        return f"{plural(len(found.quotes), 'passage')}{order}. From {scope}"
    return f"Nothing on this{f' {only}' if only else ''} in the coverage: {scope}"


def order_phrase(answer: Answer) -> str:
    """In which order the quotes stand, and why if it is not the usual one."""
    if answer.asked_time is not None and answer.asked_time.newest:
        return f"newest first (“{answer.asked_time.words}”)"
    return "oldest first"


def filters_phrase(filters: Filters) -> str:
    """Window and source in words; empty when nothing was filtered."""
    source = f"in {named(filters.source)}" if filters.source else ""
    return ", ".join(part for part in (window_phrase(filters), source) if part)


def date_phrase(article: Article) -> str:
    """The article's date as precise as it is, or that it has none."""
    return str(article.published) if article.published else "undated"


def summary_phrase(summary: CorpusSummary) -> str:
    """How much coverage there is, such as "2 articles, 2024-02-20 to 2024-03-18"."""
    articles = plural(summary.articles, "article")
    if summary.first is None or summary.last is None:
        return f"{articles}, undated" if summary.articles else articles
    if str(summary.first) == str(summary.last):
        return f"{articles}, {summary.first}"
    return f"{articles}, {summary.first} to {summary.last}"


def plural(count: int, noun: str) -> str:
    """A count with its noun: "1 article", "1,200 articles"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def named(name: str) -> str:
    """A name to stand among other words, which keep their order though it runs right to left.

    After an Arabic name, 2024-02-20 would be drawn as 20-02-2024. Never for quotes.
    """
    if all(unicodedata.bidirectional(char) not in ("R", "AL") for char in name):
        return _TURNS.sub("", name)
    return f"\u2068{_TURNS.sub('', name)}\u2069"


def also_in_phrase(articles: tuple[Article, ...]) -> str:
    """Where near-copies of a quote stand; empty when there are none."""
    if not articles:
        return ""
    others = [f"{named(article.source)} ({date_phrase(article)})" for article in articles[:3]]
    more = f" and {len(articles) - 3} more" if len(articles) > 3 else ""
    return f"also in {', '.join(others)}{more}"


def place_phrase(first: int, last: int, count: int) -> str:
    """Which paragraphs of how many: "¶ 3 of 11", "¶ 2–4 of 11"; empty if there are none."""
    if not count:
        return ""
    return f"¶ {first} of {count}" if first == last else f"¶ {first}–{last} of {count}"
