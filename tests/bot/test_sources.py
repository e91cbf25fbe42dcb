"""/sources and /source on a real client: what the corpus holds, older versions too."""

from pathlib import Path

import pytest

from bot.escaping import unescape
from tests.bot.joining import joined, make_client
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.word_reader import WordReader

_STORY = (
    "Title: Flood in Wrenmoor\nSource: The Daily\n{labels}\n\nThe flood in Wrenmoor killed {toll} "
    "people on Monday. The river rose over its banks in the night and took the old bridge with it. "
    "Rescuers came by boat from the harbour town. Nobody had been warned."
)
_VERSIONS = {
    "a-old": _STORY.format(labels="Published: 2024-03-18", toll=2),
    "b-new": _STORY.format(labels="Published: 2024-03-18\nUpdated: 2024-03-19", toll=14),
    "c-newest": _STORY.format(labels="Published: 2024-03-18\nUpdated: 2024-03-20", toll=15),
}


async def test_an_older_version_says_so_and_leads_to_the_newest(tmp_path: Path) -> None:
    """Whoever reads of two dead should learn that it was fifteen."""
    client = make_client(tmp_path, _VERSIONS, WordReader())
    async with FakeDiscord() as server, joined(server, client):
        listed = await (await server.slash("sources")).answer()
        choices = await server.autocomplete("source", "article", "flood")
        keys = [choice["value"] for choice in reversed(choices)]
        old, new, newest = [
            await (await server.slash("source", article=key)).answer() for key in keys
        ]
        opened = await (await server.press(old, "Newest version")).answer()

    marked = [line.endswith(" · superseded") for line in listed.text.splitlines() if "`" in line]
    assert [True, True, False] == marked
    for older in (old, new):
        (field,) = older.embeds[0]["fields"]
        assert "There is a newer version of this article" == field["name"]
        assert "2024-03-18 · Flood in Wrenmoor, updated 2024-03-20" == unescape(field["value"])
    assert "fields" not in newest.embeds[0]
    assert [(), ()] == [newest.buttons, opened.buttons]
    assert "killed 15 people" in opened.text
    assert opened.id == old.id


@pytest.mark.parametrize("gone", ["b-new", "c-newest"])
async def test_an_older_version_leads_to_whichever_is_the_newest_now(
    tmp_path: Path, gone: str
) -> None:
    """The article that the button names may have been deleted since."""
    client = make_client(tmp_path, _VERSIONS, WordReader())
    async with FakeDiscord() as server, joined(server, client):
        old = await (await server.slash("source", article="a-old")).answer()
        (tmp_path / "corpus" / f"{gone}.txt").unlink()
        await client.reload()
        opened = await (await server.press(old, "Newest version")).answer()
        again = await (await server.slash("source", article="a-old")).answer()

    (field,) = again.embeds[0]["fields"]
    if gone == "c-newest":
        assert "The coverage has changed" in opened.text
        assert "updated 2024-03-19" in unescape(field["value"])
    else:
        assert "killed 15 people" in opened.text
