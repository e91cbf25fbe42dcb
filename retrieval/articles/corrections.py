"""What an article says of its own mistakes: "Correction: …", "This article was amended on …"."""

import re
from itertools import islice

from retrieval.sentences import split_paragraphs, split_sentences
from retrieval.types import Article, Span

_PIECE = r"(?:article|story|report|piece|post|page|dispatch|column|headline|caption)"
_LABEL = (  # at the start of a line, with what is about it or alone
    r"^[^\w\r\n“\"]*(?P<label>(?=[A-Z])(?i:corrections?(?: (?:and|&) clarifications?| appended)?|"
    r"clarifications?|erratum|(?P<note>(?:editors?['’]?s?['’]? )?note))"
    r"(?:,? ?(?:\([^()\r\n]{1,40}\)|[\w., /-]{1,30}\d{4}))?[*_)\]]*"
    r"(?:\s*[:–—|][*_]*|[ \t]*$))"
)
_SENTENCE = (
    r"(?:^[^\w\r\n“\"]*|(?<=[.!?”\"')\]:]\s))(?P<sentence>"
    rf"An? (?:earlier|previous|original|prior|initial) version of this {_PIECE}\b|"
    rf"(?:Earlier|Previous) versions of this {_PIECE}\b|"
    rf"This (?:[\w.]+ ){{0,3}}?{_PIECE} (?:was|has been) (?:amended|corrected|clarified|"
    r"retracted|(?:updated|edited|revised|changed) (?:on [\w ,]{1,30}? )?to "
    r"(?:correct|clarify|remove|fix)\b)|"
    rf"This {_PIECE} (?:previously|originally|initially|incorrectly|wrongly|mistakenly) "
    r"(?:said|stated|reported|gave|named|identified|misstated|described)\b|"
    r"Corrects (?=[^()\r\n]{1,200}\))|"  # (Corrects the toll in paragraph 2)
    r"(?:We|The [A-Z]\w+) (?:apologi[sz]es? for|regrets?) (?:the|this|our|these) "
    r"(?:error|mistake)s?\b)"
)
_STATED = re.compile(f"{_LABEL}|{_SENTENCE}", re.MULTILINE)
# What tells a note on a mistake from "Editor's note: She is a guest writer."
_OF_A_MISTAKE = re.compile(
    r"\b(?:(?:in)?correct|error|mistake|wrong|inaccura|mis(?:stat|spel|identif)|amend|clarif|"
    r"retract|(?:earlier|previous|original) version)",
    re.IGNORECASE,
)
_MAX = 600  # code points: a correction is a few sentences; in a longer paragraph the story goes on
_TRIES = 100  # notes and labels looked at; no article has as many


def find_correction(article: Article) -> Span | None:
    """The words in which an article states a correction; the first where there are several.

    They begin with the label ("Correction:") or the sentence that states it, and end with their
    paragraph unless it is too long. Of a note with a label, only what speaks of a mistake is one.
    """
    text = article.text
    for match in islice(_STATED.finditer(text), _TRIES):
        start = match.start("label" if match["label"] else "sentence")
        reach = Span(start, min(len(text), start + 2 * _MAX))
        own, *below = split_paragraphs(text, reach)
        if match["label"] and own.end <= match.end("label"):  # the label stands alone
            if not below:
                continue
            own = below[0]
        left_out = any(span.start < own.end and own.start < span.end for span in article.left_out)
        if left_out or (match["note"] and not _OF_A_MISTAKE.search(text, own.start, own.end)):
            continue
        if start and text[start - 1] == "(" and (closed := text.find(")", start, own.end)) > 0:
            return Span(start - 1, closed + 1)
        first, *others = split_sentences(text, own)
        return Span(start, max([first.end, *(s.end for s in others if s.end - start <= _MAX)]))
    return None
