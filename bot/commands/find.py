"""Find in the coverage: in the menu of a message, asks what the articles say about it."""

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.commands.ask import show
from bot.errors import acknowledge
from bot.messages import beginning, claim_in, stated_question

if TYPE_CHECKING:
    from bot.client import DatelineClient


@app_commands.context_menu(name="Find in the coverage")
async def find(
    interaction: "discord.Interaction[DatelineClient]", message: discord.Message
) -> None:
    """Asks about the message, and answers whoever wants to know, nobody else."""
    client = interaction.client
    with client.working(), client.asking(interaction.user.id, interaction.guild_id):
        await acknowledge(interaction, ephemeral=True)
        ours = stated_question(message) if message.author == client.user else ""
        claim = ours or claim_in(message)
        asked = beginning(claim)
        answer = await client.answer(asked)
        notes = []
        if asked != claim:
            notes.append(f"Only the first {len(asked):,} characters were looked up.")
        if answer.reason == "weak":  # a statement asks nothing that could be answered
            answer = replace(answer, quotes=answer.nearest, nearest=(), reason=None)
            notes.append(
                "These passages are nearest to it; what they make of it, see for yourself."
            )
        await show(interaction, answer, note=" ".join(notes))
