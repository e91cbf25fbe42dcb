"""What tests of the bot share: one on a loopback Discord, whose engine can be troubled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.troubled import Joined, troubled


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Joined]:
    """A bot that has joined and that is in order at the end."""
    async with troubled(tmp_path) as one:
        yield one
        await one.assert_alive()
