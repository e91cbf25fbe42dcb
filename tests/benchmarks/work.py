"""What all tools are given, and how what they find is judged."""

import gzip
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

import ir_measures
import numpy as np
from ir_measures import nDCG

from retrieval.articles import read_file, scan
from retrieval.articles.records import read_record
from retrieval.embedder import embedder_for
from retrieval.errors import ArticleError
from retrieval.evaluation import read_qrels, read_questions
from retrieval.model import ModelFiles
from retrieval.passages import split
from retrieval.types import Passage, Span

_FILE = 1_000  # texts in a file of those that fill up the corpus
_SENTENCES = 6  # of a recombined text: as long as the others, on average
_ONNX_FILES = ("config.json", "special_tokens_map.json", "tokenizer_config.json")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question whose answer is in the corpus.

    Attributes:
        spans: where it is, any of them, by article.
        words: what else says that it is found: all of them are there.
    """

    name: str
    text: str
    spans: tuple[tuple[str, Span], ...] = ()
    words: tuple[str, ...] = ()

    def answered_by(self, article_id: str, span: Span, text: str) -> bool:
        """Whether a part of an article, with its text, holds the answer."""
        if self.words:
            return all(words in text for words in self.words)
        return any(
            article == article_id and span.start <= gold.start and gold.end <= span.end
            for article, gold in self.spans
        )


def read_asked(path: Path, answers: Path | None) -> list[Asked]:
    """The answerable questions of a file; of `text` and `holds`, or as `dateline evaluate` has."""
    with path.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    if "holds" in records[0]:
        return [
            Asked(str(n), record["text"], words=tuple(record["holds"]))
            for n, record in enumerate(records)
            if record["holds"]
        ]
    found = (
        Asked(q.question_id, q.text, tuple((g.article_id, g.span) for g in q.gold if g.span))
        for q in read_questions(path, answers)
    )
    return [asked for asked in found if asked.spans]


def make_corpus(
    folder: Path, sources: Sequence[Path], more: Path | None, wanted: int
) -> tuple[list[Passage], int]:
    """Fills a folder with articles: its passages, and how many of them are of real texts.

    Args:
        folder: emptied before.
        sources: folders of articles, and `.jsonl` files; all of them are taken.
        more: texts of which as many are added as there have to be; when all are in, texts of
            their sentences, recombined by chance.
        wanted: so many passages, or a few more.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sources:
        if path.is_dir():
            shutil.copytree(path, folder, dirs_exist_ok=True)
        else:
            shutil.copy(path, folder / f"{path.parent.name}.jsonl")
    missing = wanted - len(_passages(folder))
    real = wanted - missing
    texts = _texts(more) if more is not None and missing > 0 else iter(())
    for number in count():
        lines = []
        for n, (text, is_real) in enumerate(islice(texts, _FILE)):
            record = {"id": f"more-{number}-{n}", "text": text}
            try:
                found = len(split(read_record("more.jsonl", "", record)))
            except ArticleError:  # of metadata alone
                continue
            lines.append(json.dumps(record) + "\n")
            missing -= found
            real += found * is_real
            if missing <= 0:
                break
        (folder / f"more-{number}.jsonl").write_text("".join(lines), encoding="utf-8")
        if missing <= 0 or not lines:
            break
    return _passages(folder), real


def _passages(corpus: Path) -> list[Passage]:
    files, _ = scan(corpus)
    articles = (article for file in files for article in read_file(corpus, file).articles)
    return [passage for article in articles for passage in split(article)]


def _texts(path: Path) -> Iterator[tuple[str, bool]]:
    """Texts without end and whether each is real: first those of a file, each once, shuffled."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        records = (json.loads(line) for line in file)
        texts = sorted({r.get("text") or r.get("context") or "" for r in records} - {""})
    dice = random.Random(1)
    dice.shuffle(texts)
    for text in texts:
        yield text, True
    sentences = [part for text in texts for part in text.split(". ") if 30 <= len(part) <= 300]
    while True:
        yield ". ".join(dice.choices(sentences, k=_SENTENCES)), False


def embed(passages: Sequence[Passage], model: ModelFiles, path: Path, real: int) -> None:
    """Writes the embeddings of the passages, float32 (passages, dimensions).

    Args:
        passages: what is embedded.
        model: by which model.
        path: where to.
        real: of so many the embedding is that of the text. Those of the others are unit vectors
            between three of these, as a text of sentences from three of them would have.
    """
    texts = [passage.text for passage in passages[:real]]
    embedded = embedder_for(model).embed_passages(texts)
    dice = np.random.default_rng(1)
    trios = dice.integers(len(embedded), size=(len(passages) - len(embedded), 3))
    between = sum(embedded[rows] for rows in trios.T)
    between /= np.linalg.norm(between, axis=1, keepdims=True)
    np.save(path, np.concatenate([embedded, between]))


def export_onnx(model: ModelFiles, folder: Path) -> None:
    """Writes the model as Chroma wants to find it where it may fetch nothing: the same weights."""
    import torch
    from transformers import AutoModel

    class Words(torch.nn.Module):  # type: ignore[misc]  # torch is not looked into
        def __init__(self) -> None:
            super().__init__()
            self.bert = AutoModel.from_pretrained(model.folder, attn_implementation="eager")

        def forward(
            self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor
        ) -> torch.Tensor:
            words = self.bert(input_ids=ids, attention_mask=mask, token_type_ids=types)
            return words.last_hidden_state

    folder.mkdir(parents=True, exist_ok=True)
    ids = torch.ones(2, 256, dtype=torch.long)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(
        Words().eval(),
        (ids, ids, ids * 0),
        str(folder / "model.onnx"),
        input_names=names,
        output_names=["last_hidden_state"],
        dynamic_axes={name: {0: "texts", 1: "tokens"} for name in (*names, "last_hidden_state")},
        dynamo=False,
    )
    for name in (*_ONNX_FILES, "tokenizer.json", "vocab.txt"):
        shutil.copy(model.folder / name, folder / name)


def judge(
    found: Mapping[str, Sequence[str]],
    asked: Sequence[Asked],
    qrels: Path | None,
    passages: Sequence[Passage],
) -> dict[str, float]:
    """How good rankings are.

    Args:
        found: by question, the ids `article#start-end` of what is found, best first.
        asked: those among the questions whose answer is known.
        qrels: judgements of articles for the others.
        passages: of the whole corpus.

    Returns:
        `first` and `ten`, how often the first, and one of the first ten, holds the answer; and
        `ndcg`, nDCG@10 of articles, where there are judgements.
    """
    articles = {passage.article.article_id: passage.article for passage in passages}

    def right(question: Asked, place: str) -> bool:
        article_id, _, ends = place.rpartition("#")
        start, end = map(int, ends.split("-"))
        span = Span(start, end)
        return question.answered_by(article_id, span, span.of(articles[article_id].text))

    hits = [[right(q, place) for place in found[f"quote {q.name}"][:10]] for q in asked]
    measures = {
        "first": float(np.mean([any(places[:1]) for places in hits])),
        "ten": float(np.mean([any(places) for places in hits])),
    }
    if qrels is not None:
        ranking = [
            ir_measures.ScoredDoc(key.partition(" ")[2], article, -rank)
            for key, places in found.items()
            if key.startswith("ir ")
            for rank, article in enumerate(dict.fromkeys(p.rpartition("#")[0] for p in places))
        ]
        relevant = [
            ir_measures.Qrel(question, article, grade)
            for question, grades in read_qrels(qrels).items()
            for article, grade in grades.items()
        ]
        wanted = nDCG @ 10
        measures["ndcg"] = float(ir_measures.calc_aggregate([wanted], relevant, ranking)[wanted])
    return measures
