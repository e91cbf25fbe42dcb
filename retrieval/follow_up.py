"""A follow-up and the question before it → the question understood, in words.

Rules on words, no grammar: what fits no rule stays as it was asked, for a false rewriting is worse
than none. A question is read as phrases: names, things ("the car"), offices ("the minister").
"""

import re
from typing import NamedTuple

MAX_CHARS = 1000  # of what is understood; a longer question before it is cut


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BE = _words("is are was were has have had")
_DO = _words("do does did can could will would should might must ca wo")  # ca(n't), wo(n't)
_WH = _words("who whom when where why how")
_CONJUNCTIONS = _words("that whether if because before after while since until although")
_PLACE = _words("in at near inside outside around across")
_PREPOSITIONS = _PLACE | _words(
    "to for with by of from on onto into over about against between during under without towards"
    " through as than like behind before after since until"
)
_ANY = _words("a an some any which whose many much his her its their my our your")
_SMALL = _words(
    "i you he she it they we him me them us there then here and or but so not no be been being tell"
    " also still yet now just really ever already again only too very more most all long else"
    " anyone something everyone hello hi hey thanks ok okay sorry please yes lol wow interesting"
)
_ADJECTIVES = _words("new old former current last next first second big other main prime foreign")
_MEN = _words("man men king prince father son brother husband spokesman chairman")
_WOMEN = _words("woman women queen princess mother daughter sister wife spokeswoman")
_OFFICES = _words("minister president leader chancellor mayor governor head director chief judge")
_BODIES = _words("police government company army party parliament court council union ministry")
_COUNTRIES = _words("america britain china france germany iran israel korea russia ukraine")
_KIN = dict.fromkeys(("they", "them", "their", "theirs"), "they") | {"it": "it", "its": "it"}
_KIN |= dict.fromkeys(("he", "him", "his"), "he") | dict.fromkeys(("she", "her", "hers"), "she")
# What a word is to a phrase. D determiner, N name, n noun, o noun or verb, j adjective, v past
# form, X auxiliary before an infinitive, B another, w what, W other question word, c conjunction,
# P preposition, g 's, s another small word, | what parts phrases (a stop, a time).
_KINDS = {"n": _MEN | _WOMEN | _OFFICES | _BODIES, "j": _ADJECTIVES, "s": _SMALL, "g": {"'s"}}
_KINDS |= {"c": _CONJUNCTIONS, "P": _PREPOSITIONS, "W": _WH, "D": _ANY | {"the", "this", "these"}}
_KINDS |= {"w": {"what"}, "B": _BE, "X": _DO}
_LETTER = {word: letter for letter, words in _KINDS.items() for word in words}
_RUN = r"j*(?:N+|[no])(?P<more>[no]*)"  # nouns, and after an auxiliary a verb
_INNER = re.compile(rf"D?{_RUN}")
_OUTER = re.compile(rf"(?:D|w(?=[Nno]+[XB])|(?<=X)(?!N)){_RUN}|N+(?:n(?![DN]))?|(?<![WN])n(?![DN])")
_YEAR = r"(?:19|20)\d\d(?![\w-]|[.,]\d)"
_TIME = re.compile(
    r"(?i)\b(?P<prep>(?:in|on|at|since|by|before|after|until|during|from) )?(?P<bare>(?:\d\d? )?"
    r"(?:(?:(?:jan|febr)uary|march|april|june|july|august|(?:septem|octo|novem|decem)ber|may(?= \d)"
    rf"|(?<=(?:in|by) )may)\b(?: \d\d?\b)?(?:,? {_YEAR})?|{_YEAR})|(?P<loose>\d{{1,3}} \w+ ago\b"
    r"|(?:(?:last|this|next) )?(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|yesterday\b|today\b"
    r"|(?:last|this|next) (?:week|month|year|night|spring|summer|autumn|winter)\b|tomorrow\b))"
)
_JOINTS = _words("de van von der bin")
_PAST = re.compile(r"gave|given|got|made|held|sold|sent|built|won|lost|found|took|led|\w+[^\We]ed")
_PLURAL = re.compile(r"people|men|women|children|(?!\w*(?:[sui]s|news)$)\w{3,}s")
_TOKEN = re.compile(r"\w+(?:(?:[-.&]|['’](?!s\b))\w+)*|['’]s\b|[^\w\s]+")
_LEAD = r"(?:(?:and|but|or|so|ok|well),? )?"
_AGAIN = re.compile(
    rf"(?i){_LEAD}(?:really|are you (?:really )?sure(?: about \w+)?|go on|what(?: else)?"
    r"|is (?:that|this|it) (?:true|right|so|correct)|(?:(?:tell|show) me )?more(?: about \w+)?)"
)
# These take a question word's place; of others ("how much", "who") one cannot tell where they go.
_ADVERBIAL = (
    r"(?:when|where|why|how(?: long| often)?|(?:in )?(?:what|which) (?:year|month|day)"
    r"|(?:since|until) when|for how long|(?:by|with|against) whom|from where)"
)
_BARE = (
    rf"(?P<wh>why not|how (?:much|many|come)|{_ADVERBIAL}|(?:by |with |for |to )?whom?"
    r"|which ones?|what happened (?:next|then))"
    # "Why did he do that?", "When was that?": the same, with a verb that says nothing
    r"(?: exactly| (?:did|does|would) (?:he|she|it|they)(?: do (?:it|that|this|so))?"
    r"| did (?:it|that|this) happen| (?:is|was) (?:that|this))?"
)
_BARE_QUESTION = re.compile(rf"(?i){_LEAD}{_BARE}")
_TAIL = re.compile(rf"(?i), and (?:what about [^?,]+|{_BARE})$")
_AUX = rf"(?:{'|'.join(sorted(_BE | _DO))})(?:n['’]t)?"
_INVERTED = re.compile(rf"(?i)(?:{_ADVERBIAL} )?(?P<aux>{_AUX}) .*")
_ABOUT = re.compile(rf"(?i)({_LEAD}(?:what|how) about |(?:and|but|or),? )?([^?!.]+?)(?:['’]s)?")
_EXPLETIVE = re.compile(  # an "it" that stands for nothing
    r"(?i)\b(?:who|what time) (?:is|was) it\b|\bit (?:[\w-]+ ){1,2}(?:that|who|whether|if)\b|\bit "
    r"(?:(?:true|likely|possible|legal|safe|hard|easy) (?:to|for)|rain|snow|take|took|seem|like)"
)
_CLAUSE = re.compile(rf"(?i)\b(?:{'|'.join(sorted(_WH | _CONJUNCTIONS))}|sa(?:y|ys|id)|with)\b")


class _Phrase(NamedTuple):
    """What a question names: `text` is how to speak of it again."""

    start: int
    end: int
    text: str
    kind: str  # person (also a name of unknown kind), place, body, thing
    role: str  # subject, object, owner (before 's), its preposition; unclear: nobody knows its end
    is_name: bool
    is_plural: bool


def understand(question: str, context: str) -> str:
    """The follow-up with what it leaves to the question before put in; itself if it stands alone.

    At most `MAX_CHARS` characters; what would be longer stays as it was asked.
    """
    before = " ".join(context[:MAX_CHARS].split())
    asked = " ".join(question[: MAX_CHARS + 1].split())
    core = _TAIL.sub("", before.rstrip(" ?!.…"))  # what we once put at its end is done with
    if not asked or not core or len(question) > MAX_CHARS or core.casefold() in asked.casefold():
        return question
    bare = asked.rstrip(" ?!.…")
    if _AGAIN.fullmatch(bare):
        understood = before
    elif word := _BARE_QUESTION.fullmatch(bare):
        wh, inverted = word["wh"].lower(), _INVERTED.fullmatch(core)
        understood = f"{core}, and {wh}?"
        if inverted and re.fullmatch(_ADVERBIAL, wh):
            start, end = inverted.span("aux")
            understood = f"{wh.capitalize()} {core[start:end].lower()}{core[end:]}?"
    else:
        understood = _swapped(resolved := _resolved(asked, before), core) or resolved
    return question if understood == asked or len(understood) > MAX_CHARS else understood


def _swapped(asked: str, core: str) -> str | None:
    """The earlier question with the new phrase in place of its like; None for a whole question."""
    about = _ABOUT.fullmatch(asked.rstrip(" ?!.…"))
    if about is None or not (about[1] or asked.endswith("?")):
        return None
    lead, rest, words = (about[1] or "").lower(), about[2], about[2].lower().split()
    if len(words) > (8 if "about" in lead else 4) or _KIN.keys() & {*words}:
        return None
    if time := _TIME.fullmatch(rest):
        old = next(reversed(list(_TIME.finditer(core))), None)
        said = added = rest if time["prep"] or time["loose"] else f"in {rest}"
        start, end = old.span() if old else (0, 0)
        if old and not old["prep"] and not old["loose"]:  # "the 2022 World Cup"
            said, end = time["bare"], 0 if time["loose"] else end
        return f"{core[:start]}{said}{core[end:]}?" if end else f"{core} {added}?"
    said = rest if words[0] in _PREPOSITIONS else f"like {rest}"
    whole, noun = (said.find(" ") + 1, len(said)), said[said.find(" ") + 1 :]
    new = next((one for one in _phrases(said) if (one.start, one.end) == whole), None)
    olds = [old for old in _phrases(core) if new and _alike(new, old)]
    if new and olds and noun.casefold() not in core.casefold():
        like = max(olds, key=lambda one: (one.kind == new.kind, one.end, one.is_plural, one.start))
        return f"{core[: like.start]}{noun}{core[like.end :]}?"
    if new and new.role not in {"like", "about"}:
        return f"{core} {rest}?"
    is_new = "about" in lead or (lead and rest.isalpha() and words[0] not in _LETTER)
    is_new = is_new or (new and (lead or new.is_name))
    return f"{core}, and what about {noun}?" if is_new else None


def _alike(new: _Phrase, old: _Phrase) -> bool:
    """Whether one can stand where the other does: who acts for who acts, a place for a place."""
    if new.role != "like":
        is_place = {old.role, new.role} <= _PLACE
        return old.is_name == new.is_name if is_place else old.role == new.role
    if new.kind == "place":
        return old.kind in {"place", "body"}
    return "thing" not in {new.kind, old.kind} and old.role not in _PLACE | {"unclear"}


def _resolved(question: str, before: str) -> str:
    """The question with its pronouns replaced by what they stand for, where that is found."""
    theirs, ours = _phrases(before), _phrases(question)
    tokens, words, letters = _read(question)
    empty = {at for it in _EXPLETIVE.finditer(question) for at in range(*it.span())}
    result, end = "", 0
    used: dict[str, str] = {}
    for at, token in enumerate(tokens):
        last, word, said = words[at - 1], words[at], None
        if word == "there" and not {last, words[at + 1]} & (_BE | {"be", "been", "'s"}):
            places = [one for one in theirs if one.kind == "place"]
            if places and not any(one.kind == "place" for one in ours):
                role = places[-1].role if places[-1].role in _PLACE else "in"
                said = places[-1].text if last in _PREPOSITIONS else f"{role} {places[-1].text}"
        elif word in _KIN and token.start() not in empty and token[0] != "IT":
            is_owner = letters[at + 1] in "Njnov" if word == "her" else word[-1] in "sr"
            is_subject = word in {"he", "she", "they"} or letters[at - 1] in "XWc|"
            role = "owner" if is_owner else "subject" if is_subject else "object"
            said = _standing(token, role, theirs, ours, used)
        if said is not None:
            result += question[end : token.start()] + said
            end = token.end()
    result += question[end:]
    return result[:1].upper() + result[1:] if question[0].isupper() else result


def _standing(
    word: re.Match[str], role: str, theirs: list[_Phrase], ours: list[_Phrase], used: dict[str, str]
) -> str | None:
    """What a pronoun stands for; None when that is in its own question, or not to be found."""
    question, kin = word.string, _KIN[word[0].lower()]
    if role == "owner" and re.match(rf"who (?!{_AUX} )", question, re.IGNORECASE):
        return None  # "Who lost their homes?"
    for own in ours:
        is_ahead = "," in question[word.end() : own.start]  # "In his speech, what did Kim say?"
        if not (is_ahead or own.end <= word.start()):
            continue
        if _may(kin, own) or (own.is_name and own.role not in _PLACE):
            is_asked = role == "subject" and re.match("(?i)wh|many|much", question[own.start :])
            is_other = role == "object" and own.role != "owner"  # nobody is whom they act upon
            if _CLAUSE.search(question[own.end : word.start()]) or not (is_asked or is_other):
                return None
    known = " | ".join((question, *used.values())).casefold()
    fitting = [one for one in theirs if _may(kin, one) and one.text.casefold() not in known]
    is_said = kin in used and (role != "object" or _CLAUSE.search(question, 5, word.start()))
    things = [one for one in fitting if one.is_plural or one.kind == "thing"]
    actors = [one for one in fitting if one not in things and one.role == "subject"]
    if kin == "it" and (role == "object" or (role == "subject" and actors and things)):
        fitting = things if role == "object" else []  # the party or the election?
    if not fitting or is_said or any(one.role == "unclear" for one in fitting):
        return None
    first = "object" if kin == "it" or role == "object" else "subject"  # he: who acted
    ranks = {"subject": 1, "object": 1, "of": 3, first: 0}
    best = min(things or fitting, key=lambda one: (ranks.get(one.role, 2), -one.start))
    used[kin] = best.text
    owning = "'" if best.is_plural and best.text.endswith("s") else "'s"
    return best.text + owning * (role == "owner")


def _may(kin: str, one: _Phrase) -> bool:
    """Whether a pronoun can stand for a phrase."""
    if kin == "they":
        return one.is_plural or (one.kind in {"body", "place"} and one.role == "subject")
    if kin == "it" or one.role == "unclear":
        return one.kind != "person" and not one.is_plural
    other = _WOMEN if kin == "he" else _MEN
    return one.kind == "person" and not (one.is_plural or other & {*one.text.lower().split()})


def _read(text: str) -> tuple[list[re.Match[str]], list[str], str]:
    """The tokens of a text, in lower case (with "" at the end), and as letters of `_KINDS`."""
    tokens = list(_TOKEN.finditer(text))
    words = [token[0].lower().replace("’", "'").removesuffix("n't") for token in tokens] + [""]
    timely = {at for time in _TIME.finditer(text) for at in range(*time.span())}
    is_titled = re.search(r"\w (?:A|An|The|Is|Was|Were|Do|Does|Did)\b", text)
    is_cased = not is_titled and any(token[0][0].isupper() for token in tokens[1:])
    letters = ""
    for token, word, after in zip(tokens, words, words[1:], strict=False):
        letter, last = _LETTER.get(word, "o"), letters[-1:] or "|"
        is_noun = _PLURAL.fullmatch(word) or word.endswith(("ion", "ment"))
        if token.start() in timely or not re.match(r"\w|.s", word):
            letter = "|"
        elif is_cased and token[0][0].isupper() and (letter in "ojn" or token[0] == "US"):
            is_named = last != "|" or after in _BE | _DO | {"'s", "and"} or _PAST.fullmatch(after)
            letter = "N" if is_named else "s"
        elif word in _JOINTS if is_cased else last == "X" and letter == "o" and not is_noun:
            letter = "N"  # "Ursula von der Leyen"; "did putin"
        elif letter == "o":
            letter = "v" if _PAST.fullmatch(word) else "n" if is_noun else "o"
        letters += letter
    return tokens, words, letters + "|"


def _extent(letters: str, at: int, aux: str, pattern: re.Pattern[str]) -> tuple[int, bool]:
    """Where the phrase that begins here ends (here without one), and whether that is certain."""
    found = pattern.match(letters, at)
    end = found.end() if found else at
    verbs = [one for one in range(*found.span("more")) if letters[one] == "o"] if found else []
    if not aux or not verbs or (aux == "B" and letters[end] == "v"):
        return end, True
    is_clear = len(verbs) == 1 and (aux == "X" or letters[end] == "|")  # "did the trade deal fail"?
    return verbs[0] if is_clear else end, is_clear


def _phrase(tokens: list[re.Match[str]], letters: str, at: int, end: int, role: str) -> _Phrase:
    """The phrase from one token up to another."""
    start, stop = tokens[at].start(), tokens[end - 1].end()
    before, text = tokens[at].string[:start], tokens[at].string[start:stop]
    words = text.lower().split()
    if words[0] in _ANY | {"the", "what"}:
        text = "the" + text[len(words[0]) :]
    head = words[(words.index("of") if "of" in words else len(words)) - 1]
    is_name = letters[end - 1] == "N" and (letters[at] == "N" or words[0] == "the")
    known = {head, head.removesuffix("s")}
    goes = role == "to" and re.search(r"(?:go|went|come|came|travel\w*|fly|flew) to $", before)
    kind = "person" if is_name else "thing"
    if known & (_MEN | _WOMEN | _OFFICES):
        kind = "person"
    elif is_name and (head in _COUNTRIES or role in _PLACE or goes):
        kind = "place"
    elif known & _BODIES or (is_name and (words[0] == "the" or re.fullmatch("[A-Z]{2,}", text))):
        kind = "body"
    is_plural = "and" in words or (not is_name and _PLURAL.fullmatch(head) is not None)
    return _Phrase(start, stop, text, kind, role, is_name, is_plural)


def _phrases(text: str) -> list[_Phrase]:
    """What a text names, in order, the inner first; "Putin and Kim" as one besides each of them."""
    tokens, words, letters = _read(text)
    found: list[_Phrase] = []
    at, began, ended, aux, role = 0, 0, 0, "", ""
    while at < len(tokens):
        last, before = words[at - 1], words[at - 2]
        if last != "and":
            is_asked = letters[at - 1] == "B" and before in {"who", "what"}
            aux = "" if is_asked or letters[at - 1] not in "XB" else letters[at - 1]
            role = "subject" if at < 2 or aux else "object"
            role = last if last in _PREPOSITIONS and before not in {"what", "how"} else role
        end, is_clear = _extent(letters, at, aux, _OUTER)
        while end > at and (letters[end] == "g" or words[end] == "of"):
            longer, is_clear = _extent(letters, end + 1, aux, _INNER)
            if longer == end + 1:
                break
            part = (end + 1, longer, "of") if words[end] == "of" else (at, end, "owner")
            found.append(_phrase(tokens, letters, *part))
            end = longer
        if end > at:
            kept = "owner" if letters[end] == "g" else role if is_clear else "unclear"
            found.append(_phrase(tokens, letters, at, end, kept))
            if last == "and" and ended == at - 1:
                found.append(_phrase(tokens, letters, began, end, role))
            began, ended = at, end
        at = max(end, at + 1)
    return found
