"""Files → articles; one file per format, dates and boilerplate beside them."""

from retrieval.articles.corpus import CorpusFile, FileArticles, read_file, scan

__all__ = ["CorpusFile", "FileArticles", "read_file", "scan"]
