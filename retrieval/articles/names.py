"""What a file's name says: its kind, and the id of its article."""

from pathlib import PurePosixPath
from posixpath import splitext


def extension(path: str) -> str:
    """The last extension, in lower case, as in ".html"; of `page.html.gz` the one before."""
    rest, last = splitext(path.lower())
    return splitext(rest)[1] if last == ".gz" else last


def bare(path: str) -> str:
    """The path without its extension, and without ".gz" behind it: the id of its one article."""
    unpacked = path[:-3] if path.lower().endswith(".gz") else path
    return str(PurePosixPath(unpacked).with_suffix(""))
