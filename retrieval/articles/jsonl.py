"""A `.jsonl` file → its articles, one JSON object a line."""

import json

from retrieval.articles.decoding import require_text
from retrieval.articles.fields import Fields, article_from_fields, is_whole
from retrieval.articles.names import bare
from retrieval.articles.plain_text import lay_out
from retrieval.errors import ArticleError
from retrieval.types import Article

_TEXT = ("text", "body", "content")
_ID = ("id", "article_id", "_id")


def read_jsonl(
    path: str, text: str, notes: tuple[str, ...], max_bytes: int
) -> tuple[list[Article], list[ArticleError]]:
    """The articles of a JSON Lines file, in order, and an error for each line that is none.

    A record's text is the article's text; its `id` is the article's, or else path and line.
    """
    articles: list[Article] = []
    refused: list[ArticleError] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            if len(line.encode()) > max_bytes:
                raise ArticleError(path, f"a record of more than {max_bytes:,} bytes", number)
            articles.append(_read_record(path, number, line, notes))
        except ArticleError as error:
            refused.append(error)
    if not articles and not refused:
        refused.append(ArticleError(path, "there is no record in it"))
    return articles, refused


def _read_record(path: str, number: int, line: str, notes: tuple[str, ...]) -> Article:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ArticleError(path, f"not JSON ({error})", number) from error
    if not isinstance(record, dict):
        raise ArticleError(path, "not a JSON object", number)
    text = next((record[name] for name in _TEXT if isinstance(record.get(name), str)), "")
    if not text.strip():
        raise ArticleError(path, f"a record without {' or '.join(_TEXT)}", number)
    try:
        require_text(text)
    except ValueError as error:
        raise ArticleError(path, str(error), number) from error
    if not is_whole(text):
        raise ArticleError(path, "its text holds half of a surrogate pair", number)
    own_id = next((record[name] for name in _ID if record.get(name) not in (None, "")), None)
    article_id = f"{bare(path)}#{number}" if own_id is None else str(own_id)
    return article_from_fields(
        path, article_id, text, Fields("field", record), lay_out(text), notes, number
    )
