"""Tests of Dateline; the tree mirrors `bot/` and `retrieval/`."""
