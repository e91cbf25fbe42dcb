"""Answers and articles → the JSON that `--json` promises."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from retrieval.errors import ArticleError
from retrieval.survey import Survey
from retrieval.types import Answer, Article, CorpusSummary, Quote, Timeline

if TYPE_CHECKING:
    from bot.check import Checkup
    from retrieval.evaluation import Evaluation

Json = dict[str, Any]


def answer_json(answer: Answer, question_id: object = None) -> Json:
    """One answer.

    `start` and `end` count code points in the text that `source_json` gives; `highlight` counts
    them inside the quote.
    """
    return {
        "id": question_id,
        "question": answer.question,
        "abstained": answer.abstained,
        "reason": answer.reason,
        "window": {
            "after": _text(answer.filters.after),
            "before": _text(answer.filters.before),
        },
        "confidence": round(answer.confidence, 4),
        "quotes": [quote_json(quote) for quote in answer.quotes],
        "nearest": [quote_json(quote) for quote in answer.nearest],
        "corpus": _corpus(answer.corpus),
        "timing_ms": {
            "embed": round(answer.timing.embed, 1),
            "retrieve": round(answer.timing.retrieve, 1),
            "read": round(answer.timing.read, 1),
            "total": round(answer.timing.total, 1),
        },
    }


def timeline_json(found: Timeline) -> Json:
    """One timeline; its quotes are those of an answer, without what only an answer has."""
    quotes = [quote_json(quote) for quote in found.quotes]
    for quote in quotes:
        del quote["highlight"], quote["score"]
    return {
        "topic": found.topic,
        "window": {"after": _text(found.filters.after), "before": _text(found.filters.before)},
        "quotes": quotes,
        "corpus": _corpus(found.corpus),
    }


def evaluation_json(measured: "Evaluation") -> Json:
    """What was measured; shares are of 1, times in milliseconds."""
    return {
        "questions": measured.questions,
        "unit": measured.unit,
        "stages": measured.stages,
        "answers": measured.answers,
        "kinds": measured.kinds,
        "reliability": measured.reliability
        and [
            {"confidence": mean, "right": share, "questions": count}
            for mean, share, count in measured.reliability
        ],
        "latency_ms": measured.latency,
    }


def quote_json(quote: Quote) -> Json:
    """One quote."""
    highlight = quote.highlight
    return {
        "article_id": quote.article.article_id,
        "title": quote.article.title,
        "source": quote.article.source,
        "url": quote.article.url,
        "published": _text(quote.article.published),
        "start": quote.span.start,
        "end": quote.span.end,
        "text": quote.text,
        "highlight": None if highlight is None else [highlight.start, highlight.end],
        "score": round(quote.score, 4),
        "also_in": [article.article_id for article in quote.also_in],
        "correction": _correction(quote.article),
    }


def article_json(article: Article, passages: int, newer: Sequence[Article] = ()) -> Json:
    """One article's metadata; `newer` are its newer versions, the newest last."""
    return {
        "id": article.article_id,
        "title": article.title,
        "title_derived": article.title_derived,
        "published": _text(article.published),
        "updated": _text(article.updated),
        "source": article.source,
        "url": article.url,
        "author": article.author,
        "passages": passages,
        "correction": _correction(article),
        "superseded_by": newer[-1].article_id if newer else None,
    }


def sources_json(found: Survey) -> Json:
    """All articles, in order of date, and what could not be read."""
    return {
        "articles": [
            article_json(article, passages, found.newer.get(article.article_id, ()))
            for article, passages in found.articles
        ],
        "refused": _refused(found.refused),
    }


def source_json(article: Article, passages: int, newer: Sequence[Article] = ()) -> Json:
    """One article, whole."""
    return {
        **article_json(article, passages, newer),
        "published_from": article.published_from,
        "updated_from": article.updated_from,
        "text": article.text,
    }


def _correction(article: Article) -> str | None:
    return None if article.correction is None else article.correction.of(article.text)


def check_json(found: "Checkup") -> Json:
    """What would trouble a run, and what is odd about each article."""
    return {
        "checks": [{"state": row[0], "what": row[1], "finding": row[2]} for row in found.all_rows],
        "articles": [
            {
                "id": article.article_id,
                "published": _text(article.published),
                "published_from": article.published_from,
                "updated": _text(article.updated),
                "odd": [
                    {
                        "what": oddity.kind,
                        "finding": oddity.finding,
                        "wrong": oddity.is_wrong,
                        "other": oddity.other,
                    }
                    for oddity in odd
                ],
            }
            for article, odd in found.articles
        ],
        "refused": _refused(found.refused),
    }


def _refused(errors: Iterable[ArticleError]) -> list[Json]:
    return [{"path": e.path, "line": e.line, "reason": e.reason} for e in errors]


def _corpus(summary: CorpusSummary) -> Json:
    return {
        "articles": summary.articles,
        "passages": summary.passages,
        "first": _text(summary.first),
        "last": _text(summary.last),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)
