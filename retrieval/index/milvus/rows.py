"""Articles and files ↔ rows, and filters → expressions. No pymilvus here."""

import base64
import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrieval.copies import version_keys
from retrieval.embedder import Embeddings
from retrieval.index.milvus.connection import Row
from retrieval.index.milvus.schema import MAX_STEMS, MAX_TEXT
from retrieval.index.milvus.store import FOREVER, State
from retrieval.index.milvus.weights import (
    USUAL_ARTICLE,
    USUAL_PASSAGE,
    dimension,
    document_vector,
)
from retrieval.index.storage import Group, decode, encode, passage
from retrieval.places import MilvusPlace
from retrieval.types import Filters, article_key
from retrieval.words import stems

_NEVER = 2**40  # the first day of what has no date: after all days


def short(text: str) -> str:
    """Thirty-two characters that stand for a text, and need no quotation in an expression."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def hash_of(path: str) -> int:
    """A number below 2**32 that shards are told apart by: the same on every machine."""
    raw = hashlib.blake2b(path.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(raw, "little")


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """An article as it stands in Milvus, as its passages."""

    group: Group
    row: Row
    """Its first row: `words`, `length`."""


def article_digest(group: Group) -> str:
    """The key of an article's row: equal for articles of which nothing differs."""
    return hashlib.blake2b(encode(group), digest_size=16).hexdigest()


def content_of(group: Group) -> str:
    """Equal for articles whose embeddings are equal."""
    return short("\0".join(passage.text for passage in group))


def passage_key(digest: str, ordinal: int) -> str:
    """The key of a passage's row."""
    return f"{digest}-{ordinal}"


def key_digest(key: str) -> str:
    """What stands for the start of an `article_key` in an expression.

    Raises:
        ValueError: it is no such key.
    """
    return base64.b64decode(key[:8], altchars=b"-_", validate=True).hex()


def article_rows(digest: str, group: Group, path: str, since: int) -> list[Row]:
    """The rows of an article; the first one holds all that it is searched by.

    Args:
        digest: its own.
        group: its passages.
        path: of its file.
        since: the version from which on it counts.
    """
    article = group[0].article
    words = [*stems(article.title), *itertools.chain.from_iterable(_words(group))]
    body = encode(group).decode()
    parts = [body[start : start + MAX_TEXT] for start in range(0, len(body), MAX_TEXT)]
    keys = version_keys(article)
    row = {
        **_searched(group, words, since, USUAL_ARTICLE),
        **{by: short(keys[by]) if by in keys else "" for by in ("address", "headline")},
        "key": key_digest(article_key(article)),
        "alike": False,
        "file": short(path),
        "path": path[:1_000],
        "content": content_of(group),
        "passages": len(group),
        "parts": len(parts),
    }
    others = {"words": document_vector([], USUAL_ARTICLE), "length": 0}
    stems_of = _stems(words)
    return [
        {
            **row,
            **(others if part else {}),
            "stems": stems_of[part * MAX_STEMS : (part + 1) * MAX_STEMS],
            "pk": part_key(digest, part),
            "part": part,
            "body": body,
        }
        for part, body in enumerate(parts)
    ]


def part_key(digest: str, part: int) -> str:
    """The key of one of an article's rows."""
    return f"{digest}-{part}" if part else digest


def passage_rows(digest: str, group: Group, embeddings: Embeddings, since: int) -> list[Row]:
    """The rows of an article's passages."""
    return [
        {
            **_searched(group, words, since, USUAL_PASSAGE),
            "pk": passage_key(digest, ordinal),
            "digest": digest,
            "ordinal": ordinal,
            "embedding": embedding.tolist(),
        }
        for ordinal, (words, embedding) in enumerate(zip(_words(group), embeddings, strict=True))
    ]


def lengths(group: Group) -> tuple[int, int]:
    """How many stems all of an article's passages have, and how many it has with its title."""
    own = sum(map(len, _words(group)))
    return own, own + len(stems(group[0].article.title))


def _words(group: Group) -> list[list[str]]:
    return [stems(passage.text) for passage in group]


def _searched(group: Group, words: Sequence[str], since: int, usual: float) -> Row:
    article = group[0].article
    published = article.published
    return {
        "place": article.article_id[:500],
        "article": short(article.article_id),
        "since": since,
        "until": FOREVER,
        "first_day": _NEVER if published is None else published.first_day.toordinal(),
        "last_day": -1 if published is None else published.last_day.toordinal(),
        "source": source_key(article.source),
        "length": len(words),
        "words": document_vector(words, usual),
        "stems": _stems(words)[:MAX_STEMS],
    }


def _stems(words: Sequence[str]) -> list[int]:
    """Each of them once, as the dimension it has in a vector of words."""
    return list(dict.fromkeys(map(dimension, words)))


def read_article(place: MilvusPlace, rows: Mapping[str, Row], digest: str) -> ArticleRow | None:
    """An article from all of its rows by their keys; None if one is missing.

    Raises:
        IndexDamagedError: it cannot be understood.
    """
    first = rows.get(digest)
    if first is None:
        return None
    parts = [rows.get(part_key(digest, part)) for part in range(first["parts"])]
    if None in parts:
        return None
    body = "".join(part["body"] for part in parts if part is not None)
    article, sentences = decode(place, body.encode())
    return ArticleRow(
        tuple(passage(place, article, spans) for spans in sentences),
        {"words": first["words"], "length": first["length"]},
    )


def source_key(source: str) -> str:
    """What stands for a source in an expression."""
    return short(source)


def visible(state: State) -> str:
    """The expression for what counts."""
    return f"since <= {state.version} and until > {state.version}"


def within(state: State, filters: Filters, sources: Mapping[str, str]) -> str:
    """The expression for what counts and the filters let in.

    Args:
        state: what counts.
        filters: which of it.
        sources: the names of sources by their keys; looked at only when one is asked for.
    """
    parts = [visible(state)]
    if filters.after is not None:
        parts.append(f"last_day >= {filters.after.first_day.toordinal()}")
    if filters.before is not None:
        parts.append(f"first_day <= {filters.before.last_day.toordinal()}")
    if filters.source is not None or filters.sources is not None:
        keys = [f'"{key}"' for key, name in sources.items() if filters.admits_source(name)]
        parts.append(f"source in [{', '.join(keys)}]" if keys else "since < 0")
    if filters.without:
        keys = [f'"{short(article_id)}"' for article_id in sorted(filters.without)]
        parts.append(f"article not in [{', '.join(keys)}]")
    return " and ".join(parts)
