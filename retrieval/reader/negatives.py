"""Answerable question → unanswerable ones of the same words, by rules that can be trusted.

Each rule is given a question, the passage that answers it and where, and returns another
question or passage for which the answer is gone, or None where it does not apply. What a rule
writes into a question is checked not to stand in the passage. For training only.
"""

import calendar
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from retrieval.types import Span

Pair = tuple[str, str]
"""A question and a passage that does not answer it."""

_NAME = re.compile(r"\b[A-Z][\w'’-]+(?:(?: (?:of|the|de|von|van|and|for))? [A-Z][\w'’-]+)*")
_YEAR = re.compile(r"\b(?:1[0-9]|20)\d\d\b")
_NUMBER = re.compile(r"\b\d{1,3}(?:,\d{3})+\b|\b\d{2,6}\b")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_NO_NAME = re.compile(
    r"the|th(?:is|at|ese|ose)|its?|he|she|they|we|his|her|their|our|my|your|in|on|at|by|for|of|to|"
    r"and|but|or|as|if|when|where|who|what|which|why|how|after|before|during|since|while|there|"
    r"here|some|many|most|all|both|each|every|other|another|however|although|though|according|"
    r"also|first|then|so|yet|not|no|may",
    re.IGNORECASE,
)

# Words whose exchange makes another question. Either way round.
_CONTRARIES = """
first last|first second|oldest youngest|oldest newest|largest smallest|biggest smallest
highest lowest|before after|above below|north south|east west|
northern southern|eastern western|win lose|won lost|winner runner-up|increase decrease|
increased decreased|rise fall|rose fell|buy sell|bought sold|born buried|
began ended|start stop|started stopped|open close|opened closed|enter leave|
mother father|brother sister|wife husband|son daughter|uncle grandfather|male female|men women|
king queen|import export|imports exports|accept refuse|accepted refused|
supported opposed|allow forbid|allowed forbidden|legal illegal|rural urban|minimum maximum|
earliest latest|richest poorest|longest shortest|tallest shortest|fastest slowest|inside outside|
upper lower|ancient modern|founded closed|founded sold|directed produced|
director producer|director screenwriter|wrote illustrated|wrote translated|writer editor|
author publisher|author illustrator|built demolished|designed restored|painted bought|
married divorced|discovered named|invented banned|population area|height weight|length width|
capital currency|president treasurer|chairman secretary|coach captain|singer drummer|
teacher student|discovered lost|arrived left|joined left|hired fired|elected defeated|
signed rejected|announced cancelled|approved rejected|published reviewed|sent received|
gave lent|attack defend|attacked defended|cause prevent|causes prevents|caused prevented|
best worst|better worse|strongest weakest|hot cold|day night|early late|
advantage disadvantage|benefit drawback|benefits drawbacks|public private|
domestic foreign|civilian military|cost weigh|live die|lived died|study teach|studied taught|
play coach|played coached|starred produced|song novel|film book|movie novel|album tour
"""
_EXCHANGE: dict[str, list[str]] = {}
for _pair in _CONTRARIES.replace("\n", "|").split("|"):
    if _pair:
        _one, _other = _pair.split()
        _EXCHANGE.setdefault(_one, []).append(_other)
        _EXCHANGE.setdefault(_other, []).append(_one)

# What a passage must not hold for a question of this kind to go unanswered.
_SAYS_WHEN = re.compile(
    rf"\d|{_MONTHS}|day\b|year|month|week|century|decade|when|after|before|until|since|ago", re.I
)
_SAYS_WHERE = re.compile(r"\b(?:in|at|near|from|to|of|outside|across|on) (?:the )?[A-Z]|where")
_SAYS_WHY = re.compile(
    r"because|due to|since|as a result|in order|so that|caus|reason|thanks|owing|therefore|\bfor\b|"
    r"\bto [a-z]+",
    re.I,
)
_SAYS_HOW = re.compile(r"\bby\b|through|using|with|via|thanks|ing\b", re.I)
_KINDS = {"when": _SAYS_WHEN, "where": _SAYS_WHERE, "why": _SAYS_WHY, "how": _SAYS_HOW}
_ASKS = re.compile(
    r"\b(when|where|why|how)(?= (?:did|was|were|is|are|does|do|has|have|can)\b)", re.I
)

# What people ask about anything that has a name, and what a passage that could answer would hold.
_MONEY = r"[$£€¥]|dollar|euro|pound|cost|price|paid|pay|million|billion|cheap|expens|worth|free"
_DETAILS: Sequence[tuple[str, str]] = (
    ("How much does {} cost?", _MONEY),
    ("How much did {} cost?", _MONEY),
    ("What did {} cost?", _MONEY),
    ("Who paid for {}?", r"paid|pay|fund|sponsor|money|financ|gift|gave|donat"),
    ("How old is {}?", r"\bage|old|born|year"),
    ("How old was {}?", r"\bage|old|born|year"),
    ("What colour is {}?", r"colou?r|black|white|red|blue|green|yellow|grey|gray|brown|gold"),
    ("How tall is {}?", r"tall|high|feet|foot|metre|meter|height|cm|inch"),
    ("How many people work for {}?", r"employ|work|staff|people|member"),
    ("How many children does {} have?", r"child|son|daughter|kid|father|mother|parent"),
    ("Who is {} married to?", r"marri|wife|husband|spouse|partner|widow|wed"),
    ("Where was {} born?", r"born|birth|native|from"),
    ("When was {} born?", r"born|birth|\d{4}"),
    ("When did {} die?", r"die|dead|death|kill|buried|\d{4}"),
    ("How did {} die?", r"die|dead|death|kill|shot|cancer|illness"),
    ("Where did {} go to school?", r"school|educat|college|universit|stud|graduat"),
    ("What languages does {} speak?", r"speak|language|spoke"),
    ("Who designed {}?", r"design|architect|drew"),
    ("Who founded {}?", r"found|establish|creat|start|set up|built"),
    ("Who owns {}?", r"own|belong|bought|buy|acqui|propert"),
    ("Why did {} resign?", r"resign|step|quit|left|leav|retire"),
    ("What is the phone number of {}?", r"phone|number|call"),
    ("Who will replace {}?", r"replac|succe|follow|next|new"),
    ("What did critics say about {}?", r"critic|review|prais|said|called"),
    ("How did the public react to {}?", r"public|react|respon|protest|outcry|people|critic"),
    ("How many people died because of {}?", r"die|dead|death|kill|victim|casualt"),
    ("What will {} do next year?", r"next|will|plan|future|year"),
    ("Did {} win in the end?", r"w[io]n|victor|champion|lost|lose|award|prize"),
    ("How long did {} last?", r"last|long|hour|minute|day|month|year|until"),
    ("How fast is {}?", r"fast|speed|mph|km|knots|quick"),
    ("How heavy is {}?", r"heav|weigh|kg|pound|ton"),
)
_DETAIL_CUES = [(question, re.compile(cue, re.I)) for question, cue in _DETAILS]


@dataclass(frozen=True, slots=True)
class Pool:
    """Names that stand elsewhere in the data, by their number of words."""

    names: dict[int, list[str]]

    @classmethod
    def of(cls, passages: Sequence[str]) -> "Pool":
        """All names in the passages, each once."""
        names: dict[int, set[str]] = {}
        for passage in passages:
            for name in names_in(passage):
                names.setdefault(len(name.split()), set()).add(name)
        return cls({words: sorted(found) for words, found in names.items()})


def names_in(text: str) -> list[str]:
    """Capitalised words that stand together, in order, without those that begin a sentence."""
    found: list[str] = []
    for match in _NAME.finditer(text):
        name = match.group()
        begins = match.start() == 0 or text[: match.start()].rstrip()[-1:] in ".!?\"“'"
        if " " not in name and (begins or _NO_NAME.fullmatch(name)):
            continue
        first, _, rest = name.partition(" ")
        if _NO_NAME.fullmatch(first):
            name = rest
        if name and name not in found:
            found.append(name)
    return found


def other_name(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """A name of the passage that the question holds becomes another, of here or of elsewhere."""
    names = names_in(passage)
    lowered = question.casefold()
    held = [name for name in names if _word(name.casefold()).search(lowered)]
    if not held:
        return None
    name = rng.choice(held)
    said = " ".join(answer.of(passage) for answer in answers).casefold()
    answering = _sentence_around(passage, answers)
    here = [
        other
        for other in names
        if len(other.split()) == len(name.split())
        and other.casefold() not in lowered
        and other.casefold() not in said
        and other not in answering
    ]
    elsewhere = pool.names.get(len(name.split()), [])
    if here and rng.random() < 0.4:
        other = rng.choice(here)
    elif elsewhere:
        other = rng.choice(elsewhere)
        if other.casefold() in passage.casefold():
            return None
    else:
        return None
    if lowered == question:
        other = other.lower()
    return _word(name).sub(lambda _: other, question, count=1), passage


def other_number(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """A year or number that both hold becomes one that the passage does not hold."""
    found = [match for match in _NUMBER.finditer(question) if match.group() in passage]
    if not found:
        return None
    match = rng.choice(found)
    value = int(match.group().replace(",", ""))
    if _YEAR.fullmatch(match.group()):
        other = str(value + rng.choice((-1, 1)) * rng.randint(1, 12))
    else:
        other = f"{max(2, round(value * rng.choice((0.5, 0.7, 1.3, 2, 3)) + rng.randint(1, 5)))}"
    if other in passage:
        return None
    return question[: match.start()] + other + question[match.end() :], passage


def other_time(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """A question about what happened in a year is asked of another year."""
    years = _YEAR.findall(_sentence_around(passage, answers))
    if not years or _YEAR.search(question) or question.casefold().startswith(("when", "what year")):
        return None
    other = str(int(rng.choice(years)) + rng.choice((-1, 1)) * rng.randint(2, 30))
    if other in passage:
        return None
    return f"{question.rstrip('?. ')} in {other}?", passage


def contrary(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """A word becomes its contrary, or another relation: first to last, wrote to translated."""
    words = [match for match in re.finditer(r"[\w-]+", question) if match[0].lower() in _EXCHANGE]
    if not words:
        return None
    match = rng.choice(words)
    other = rng.choice(_EXCHANGE[match[0].lower()])
    if _word(other[: max(4, len(other) - 2)], whole=False).search(passage):
        return None
    return question[: match.start()] + other + question[match.end() :], passage


def other_kind(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """When becomes where, why or how, of a passage that holds no such thing."""
    match = _ASKS.search(question)
    if match is None:
        return None
    kinds = [
        kind
        for kind, says in _KINDS.items()
        if kind != match[0].lower() and not says.search(_sentence_around(passage, answers))
    ]
    if not kinds:
        return None
    kind = rng.choice(kinds)
    if match[0][0].isupper():
        kind = kind.capitalize()
    return question[: match.start()] + kind + question[match.end() :], passage


def missing_detail(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """What people ask about anything, of something that the passage names and does not tell of."""
    names = names_in(passage)
    fitting = [text for text, cue in _DETAIL_CUES if not cue.search(passage)]
    if not names or not fitting:
        return None
    asked = rng.choice(fitting).format(rng.choice(names))
    return (asked.lower() if rng.random() < 0.3 else asked), passage


def without_answer(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """The passage without the answer: its phrase ("in 1967") taken out, or else its sentence."""
    if not answers:
        return None
    cut = max(answers, key=lambda answer: answer.end - answer.start)
    said = cut.of(passage)
    before = re.search(
        r"[ ,]*\b(?:in|on|at|by|from|for|during|since|with|near|around|about|until|under)"
        r"(?: the| a| an)? ?$",
        passage[: cut.start],
    )
    after = re.match(r" ?[,.;)]|$", passage[cut.end :])
    if before and after:
        rest = passage[: before.start()] + passage[cut.end :]
    else:
        whole = _sentence_around(passage, [cut])
        rest = passage.replace(whole, "").strip()
    if len(rest) < 60 or any(
        answer.of(passage).casefold() in rest.casefold() for answer in answers
    ):
        return None
    return (question, rest) if len(said) > 1 else None


def exchanged_names(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """The answer and a name that the question holds change places in the passage.

    "Who wrote Emma?" of "Emma wrote Jane Austen." That the passage reads oddly is no clue:
    `exchanged_roles` makes answerable questions of the same passages.
    """
    made = _exchange(question, passage, answers, rng)
    return None if made is None else (question, made[1])


def exchanged_roles(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random
) -> tuple[str, str, tuple[Span, ...]] | None:
    """A passage as `exchanged_names` makes it, with the question it does answer, and where."""
    made = _exchange(question, passage, answers, rng)
    if made is None:
        return None
    asked, written, name = made
    found = (Span(*match.span()) for match in _word(name).finditer(written))
    return asked, written, tuple(found)


# Of what is said of both alike, either may be said to do it to the other.
_MUTUAL = re.compile(
    r"\b(?:and|or|between|both|with|marri\w+|met|versus|vs|against|also|known as|called|near|like"
    r"|is|was|are|were|same|cousin|brother|sister|friend|partner)\b",
    re.IGNORECASE,
)
_WHO = re.compile(r"\bwho(?:m|se)?\b", re.IGNORECASE)


def _exchange(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random
) -> tuple[str, str, str] | None:
    """The question and the passage with answer and name exchanged in each, and the name."""
    if not answers:
        return None
    answer = answers[0].of(passage)
    if not _WHO.search(question) or not _NAME.fullmatch(answer) or _NO_NAME.fullmatch(answer):
        return None
    around = _sentence_around(passage, answers[:1])
    lowered = question.casefold()
    names = [
        name
        for name in names_in(around)
        if _word(name.casefold()).search(lowered)
        and name.casefold() not in answer.casefold()
        and answer.casefold() not in name.casefold()
    ]
    if not names or _word(answer.casefold()).search(lowered):
        return None
    name = rng.choice(names)
    first, last = sorted((around.find(answer), around.find(name)))
    if _MUTUAL.search(around, first, last):
        return None
    both = re.compile(rf"\b(?:{re.escape(answer)}|{re.escape(name)})\b")
    written = both.sub(lambda found: name if found[0] == answer else answer, passage)
    return _word(name).sub(lambda _: answer, question), written, name


def other_day(day: date, passage: str, rng: random.Random) -> date | None:
    """A day of another year or month that the passage does not name."""
    months = rng.choice((-1, 1)) * (
        12 * rng.randint(1, 4) if rng.random() < 0.7 else rng.randint(2, 9)
    )
    at = day.year * 12 + day.month - 1 + months
    moved = date(at // 12, at % 12 + 1, min(day.day, 28))
    month = calendar.month_name[moved.month]
    named = month in passage if moved.year == day.year else str(moved.year) in passage
    return None if named else moved


Rule = Callable[[str, str, Sequence[Span], random.Random, Pool], Pair | None]
RULES: Sequence[tuple[Rule, float]] = (
    (other_name, 3.0),
    (exchanged_names, 4.0),
    (other_number, 3.0),
    (contrary, 3.0),
    (without_answer, 3.0),
    (other_kind, 2.0),
    (missing_detail, 0.7),
    (other_time, 1.0),
)
"""Each rule and how often it is tried, relative to the others."""


def negative(
    question: str, passage: str, answers: Sequence[Span], rng: random.Random, pool: Pool
) -> Pair | None:
    """What the first rule that applies makes of it; the rules are tried in random order."""
    rules = sorted(RULES, key=lambda rule: -(rng.random() ** (1 / rule[1])))
    for rule, _ in rules:
        made = rule(question, passage, answers, rng, pool)
        if made is not None:
            return made
    return None


def _word(text: str, *, whole: bool = True) -> re.Pattern[str]:
    return re.compile(rf"\b{re.escape(text)}" + (r"\b" if whole else ""), re.IGNORECASE)


def _sentence_around(passage: str, answers: Sequence[Span]) -> str:
    """About the sentence that holds the first answer; all of the passage if there is none."""
    if not answers:
        return passage
    answer = answers[0]
    starts = [m.end() for m in re.finditer(r"[.!?][\"”)\]]* (?=[A-Z\"“(])", passage)]
    start = max((at for at in starts if at <= answer.start), default=0)
    end = min((at for at in starts if at >= answer.end), default=len(passage))
    return passage[start:end].strip()
