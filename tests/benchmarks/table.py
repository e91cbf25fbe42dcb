"""What `peers` found, as Markdown."""

import functools
import statistics
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

READS = "dateline_answers"  # does more than the others do, and is compared with none
_EQUAL = 0.01  # of quality

Values = Mapping[str, float | None]


def markdown(found: Mapping[str, Any]) -> str:
    """A row for each measure, the best of the retrievers in bold, and what follows from them."""
    tools = found["tools"]
    head = ["| | " + " | ".join(tools) + " |", "|---" * (len(tools) + 1) + "|"]
    lines = head + [_row(*each) for each in _measures(tools)]
    versions = {name: v for tool in tools.values() for name, v in tool.get("versions", {}).items()}
    told = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    real = found["real"]
    notes = [
        f"{found['passages']:,} passages"
        + ("" if real >= found["passages"] else f", {real:,} of real texts, the rest recombined")
        + f"; commit {found['commit']}; {found['machine']}; {told}.",
        *_errors(tools),
        *_comparisons(tools),
    ]
    if found["embedded"]:
        notes.append(
            f"All were given the same embeddings, {found['embedded']:,} of them made from the "
            "texts, the others between these; making them is not in the figures."
        )
    return "\n".join([*lines, "", *notes])


def _measures(
    tools: Mapping[str, Any],
) -> Iterable[tuple[str, Values, str, Callable[..., float] | None]]:
    """Name, values, format, and which one is best."""

    def of(pick: Callable[[Any], float | None]) -> Values:
        return {tool: _or_none(pick, values) for tool, values in tools.items()}

    def rounds(pick: Callable[[Any], float]) -> Values:
        return of(lambda tool: statistics.median(map(pick, tool["rounds"])))

    yield (
        "installed, MiB",
        of(lambda tool: tool["installed_mib"] + tool["shared_mib"]),
        ",.0f",
        min,
    )
    yield (
        "beside PyTorch, sentence-transformers and the model",
        of(lambda tool: tool["installed_mib"] if tool["shared_mib"] else None),
        ",.0f",
        min,
    )
    yield "cold start to first answer, s", rounds(lambda r: r["cold_s"]), ".1f", min
    yield "indexing, passages/s", of(lambda tool: tool["passages_per_s"]), ",.0f", max
    yield (
        "indexing, processor ms a passage",
        of(lambda tool: 1e3 * tool["build"]["cpu_s"] / tool["build"]["passages"]),
        ".1f",
        min,
    )
    yield "indexing, peak memory, MiB", of(lambda tool: tool["build"]["peak_mib"]), ",.0f", min
    yield "index on disk, MiB", of(lambda tool: tool["index_mib"]), ",.1f", min
    yield "memory, MiB", rounds(_memory_mib), ",.0f", min
    yield (
        "of it not mapped from files",
        rounds(lambda r: r["memory_mib"]["own"]),
        ",.0f",
        min,
    )
    for key, name in (("single_ms", "one at a time"), ("together_ms", "16 at once")):
        for p in (50, 95, 99):
            values = rounds(functools.partial(_percentile, key=key, p=p))
            yield f"{name}, p{p}, ms", values, ",.1f", min
    yield "processor ms a question", rounds(lambda r: r["single_cpu_ms"]), ",.1f", min
    yield "16 at once, questions/s", rounds(_together_per_s), ",.1f", max
    yield "first shown holds the answer", of(lambda tool: tool["quality"]["first"]), ".3f", max
    yield "one of ten does", of(lambda tool: tool["quality"]["ten"]), ".3f", max
    if any("ndcg" in tool["quality"] for tool in tools.values()):
        # What answers shows a few quotes: no ranking of articles.
        ndcg = {**of(lambda tool: tool["quality"]["ndcg"]), READS: None}
        yield "nDCG@10 of articles", {tool: ndcg[tool] for tool in tools}, ".3f", max
    for name, waited in (
        ("indexing", of(lambda tool: tool["build"]["waited"])),
        ("one question at a time", rounds(lambda r: r["waited"])),
    ):
        yield f"{name}: of its time, it waited while others had the processor", waited, ".0%", None


def _or_none(pick: Callable[[Any], float | None], values: Any) -> float | None:
    try:
        return pick(values)
    except KeyError:
        return None


def _percentile(one: Any, *, key: str, p: int) -> float:
    if key == "together_ms" and one["together_errors"]:
        raise KeyError(key)
    return float(np.percentile(one[key], p))


def _memory_mib(one: Any) -> float:
    return float(sum(one["memory_mib"].values()))


def _together_per_s(one: Any) -> float:
    if one["together_errors"]:
        raise KeyError
    return float(one["together_per_s"])


def _row(name: str, values: Values, form: str, best: Callable[..., float] | None) -> str:
    shown = {t: "–" if v is None else format(v, form) for t, v in values.items()}
    known = [value for tool, value in values.items() if value is not None and tool != READS]
    if best is not None and known:
        won = format(best(known), form)
        shown = {
            tool: f"**{cell}**" if cell == won and tool != READS else cell
            for tool, cell in shown.items()
        }
    return f"| {name} | " + " | ".join(shown.values()) + " |"


def _errors(tools: Mapping[str, Any]) -> Iterable[str]:
    for tool, values in tools.items():
        errors = [error for one in values["rounds"] for error in one["together_errors"]]
        if errors:
            yield f"{tool} fails when questions come at once: {errors[0]}."


def _comparisons(tools: Mapping[str, Any]) -> Iterable[str]:
    """How Dateline compares with whichever peer is best at something."""
    peers = [tool for tool in tools if not tool.startswith("dateline")]
    if "dateline" not in tools or not peers:
        return

    def quality(tool: str) -> tuple[float, ...]:
        found = tools[tool]["quality"]
        return found["first"], found.get("ndcg", 0.0)

    def p50(tool: str) -> float:
        return statistics.median(
            _percentile(r, key="single_ms", p=50) for r in tools[tool]["rounds"]
        )

    def memory(tool: str) -> float:
        return float(statistics.median(map(_memory_mib, tools[tool]["rounds"])))

    fastest = max(peers, key=lambda tool: tools[tool]["passages_per_s"])
    ratio = tools["dateline"]["passages_per_s"] / tools[fastest]["passages_per_s"]
    yield f"Indexing: {ratio:.2f} times the passages/s of the fastest peer, {fastest}."
    equal = [
        tool
        for tool in peers
        if all(p >= d - _EQUAL for p, d in zip(quality(tool), quality("dateline"), strict=True))
    ]
    for kind, some in (("", peers), (" of equal quality", equal)):
        if some:
            fastest = min(some, key=p50)
            ratio = p50(fastest) / p50("dateline")
            yield f"Retrieval, p50: {ratio:.2f} times as fast as the fastest peer{kind}, {fastest}."
        else:
            yield f"Retrieval: no peer is{kind}."
    leanest = min(peers, key=memory)
    ratio = memory("dateline") / memory(leanest)
    yield f"Memory: {ratio:.2f} times that of the leanest peer, {leanest}."
