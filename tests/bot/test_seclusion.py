"""What the installed `dateline run` lets out: to whom it talks, and nowhere its token."""

import shutil
from pathlib import Path

from tests.bot.test_run import ANSWER_S, READY_S, SEEDS, running
from tests.fakes.discord_server import FakeDiscord
from tests.fakes.world import ADMIN

SECRET = "MTA4.never.to-be_seen"  # noqa: S105 - good only here


async def test_the_process_talks_to_discord_and_to_nobody_else(tmp_path: Path) -> None:
    """No model hub, no telemetry: from the first import to the last answer."""
    corpus = tmp_path / "corpus"
    shutil.copytree(SEEDS, corpus)
    watched = tmp_path / "network.txt"
    async with running(tmp_path, corpus, settings={"FAKE_DISCORD_WATCH": str(watched)}) as bot:
        await bot.discord.connected(READY_S)
        answer = await (await bot.discord.mention("Who gave Kim the car?")).answer(ANSWER_S)
        await (await bot.discord.press(answer, "More context")).answer(ANSWER_S)
        await (await bot.discord.slash("timeline", topic="sanctions")).answer(ANSWER_S)
        (corpus / "new.txt").write_text("Ada won the regatta of Lom.", encoding="utf-8")
        await (await bot.discord.slash("coverage reload", user=ADMIN)).answer(ANSWER_S)
        peers = _peers(bot.process.pid)
        assert 0 == await bot.stop()
        home = ("127.0.0.1", bot.discord.port)
        done = set(watched.read_text(encoding="utf-8").splitlines())

    assert f"connect ({home},)" in done
    # discord.py looks the address up, which is a number here and asks nobody.
    assert done <= {f"connect ({home},)", f"getaddrinfo {home}"}
    assert {home} >= peers


def _peers(pid: int) -> set[tuple[str, int]]:
    """Whom the process is connected to, whatever library did it; none where there is no /proc."""
    folder = Path(f"/proc/{pid}")
    if not folder.exists():
        return set()
    sockets = {str(fd.readlink()) for fd in (folder / "fd").iterdir() if fd.is_symlink()}
    found = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        for line in (folder / "net" / table).read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            address, _, port = columns[2].partition(":")
            if f"socket:[{columns[9]}]" in sockets and int(port, 16):
                numbers = bytes.fromhex(address)[::-1] if len(address) == 8 else address
                found.add((".".join(map(str, numbers)), int(port, 16)))
    return found


async def test_the_token_is_in_no_log_whatever_fails(tmp_path: Path) -> None:
    """A log is sent around to find out what is wrong; whoever reads it could be the bot."""
    discord = FakeDiscord(token=SECRET)
    settings = {"DATELINE_LOG_LEVEL": "DEBUG"}

    def failed(status: int) -> bool:
        return any(request.status == status for request in discord.requests)

    async with discord, running(tmp_path, token=SECRET, settings=settings, on=discord) as bot:
        await discord.connected(READY_S)
        discord.drop_next_request(path="/typing")
        discord.fail_next(403, path="/messages")
        await discord.mention("Who is Kim?")
        await discord.until(lambda: failed(403), ANSWER_S)
        discord.fail_next(500, path="@original")
        await (await discord.slash("ask", question="Who is Kim?")).answer(ANSWER_S)
        await discord.gateway.dispatch("INTERACTION_CREATE", {"id": "1", "type": 2})
        await discord.drop_gateway(abrupt=True)
        await discord.connected()
        discord.fail_next(401, path="/messages")
        await discord.mention("Who is Kim?")
        await discord.until(lambda: failed(401), ANSWER_S)
        await discord.drop_gateway(4004)  # the token is good no longer
        assert 1 == await bot.process.wait()

    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "malformed" in log
    assert "401 Unauthorized" in log
    assert "question='Who is Kim?'" in log  # DEBUG is on
    assert SECRET not in log
