"""Files → articles; one file per format, dates and boilerplate beside them."""

from retrieval.articles.corpus import CorpusFile, read_file, scan
from retrieval.articles.formats import FileArticles

__all__ = ["CorpusFile", "FileArticles", "read_file", "scan"]
