"""A web page → its article: the main text, fixed when it is read, with its title and dates."""

from retrieval.articles.names import bare
from retrieval.articles.titles import derive_title
from retrieval.errors import ArticleError
from retrieval.types import Article, Span


def read_html(
    path: str, data: bytes, notes: tuple[str, ...] = (), url: str | None = None
) -> Article:
    """The article that a web page holds, in whatever encoding.

    `url` is where the page was fetched, if that is known: the address that a page states for
    itself is preferred, and a date in either counts.

    Raises:
        ArticleError: there is no article in it, or it is no web page.
    """
    from trafilatura import extract  # here, for most corpora have no use for it

    text = extract(data, url=url, include_comments=False)
    if not text:
        raise ArticleError(path, "there is no article in it")
    return Article(
        article_id=bare(path),
        text=text,
        title=derive_title(text, Span(0, len(text))),
        title_derived=True,
        published=None,
        published_from=None,
        updated=None,
        source=path,
        url=url,
        author=None,
        left_out=(),
        notes=notes,
    )
