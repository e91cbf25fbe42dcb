"""The library: articles → passages → index → dated quotes. It has never heard of Discord."""

__version__ = "0.1.0"
