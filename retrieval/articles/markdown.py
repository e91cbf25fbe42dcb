"""A `.md` file → its article: front matter and headings left out by span."""

import re

from retrieval.articles.fields import Fields, article_from_fields
from retrieval.articles.names import bare
from retrieval.articles.plain_text import lay_out
from retrieval.errors import ArticleError
from retrieval.types import Article, Span

_FRONT_MATTER = re.compile(r"\ufeff?---[ \t]*\r?\n(?P<yaml>.*?)^---[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_HEADING = re.compile(r"^ {0,3}(?P<marks>#{1,6})[ \t]+(?P<title>[^\r\n]*)", re.M)


def read_markdown(path: str, text: str, notes: tuple[str, ...] = ()) -> Article:
    """The article that a Markdown file holds, its metadata from YAML front matter.

    Raises:
        ArticleError: the front matter is not YAML, or there is no article below it.
    """
    match = _FRONT_MATTER.match(text)
    fields = Fields("front matter", _parse(path, match["yaml"]) if match else {})
    layout = lay_out(text, match.end() if match else 0)
    first = None
    for heading in _HEADING.finditer(text, match.end() if match else 0):
        span = Span(heading.start(), heading.end())
        if not any(span.start < other.end and other.start < span.end for other in layout.left_out):
            layout.left_out.append(span)
        if first is None and heading["marks"] == "#":
            first = heading["title"].rstrip(" \t#")
    layout.left_out.sort()
    if "title" in layout.stated:  # the first line was taken for a title: drop its marks
        layout.stated["title"] = layout.stated["title"].strip("# ")
    if first:
        layout.stated["title"] = first
    return article_from_fields(path, bare(path), text, fields, layout, notes)


def _parse(path: str, block: str) -> dict[str, object]:
    from retrieval.articles.yaml_fields import read_yaml  # here, for most corpora have no use

    try:
        return read_yaml(block)
    except ValueError as error:
        raise ArticleError(path, f"its front matter is {error}") from error
