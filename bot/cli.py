"""The dateline command; imports discord only to run the bot, and what answers only to answer."""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from bot.settings import DESCRIPTIONS, Settings, SettingsError
from retrieval import __version__
from retrieval.dates import PartialDate
from retrieval.errors import QuestionError, RetrievalError
from retrieval.places import MilvusPlace, Shard
from retrieval.types import Filters, Places

if TYPE_CHECKING:
    from retrieval.articles import CorpusFile
    from retrieval.engine import Engine

_OK, _FAILED, _USAGE = 0, 1, 2
_STOPPED = 130  # 128 and the number of the signal, as shells have it


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message}; see: {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; its exit status is 0, 1 failed, 2 wrong usage, 130 stopped."""
    _speak_utf8()
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environ(
            os.environ, dotenv=Path(".env"), corpus=options.corpus, index=options.index
        )
        run: Callable[[Settings, argparse.Namespace], int] = options.run
        status = run(settings, options)
        sys.stdout.flush()
        return status
    except QuestionError as error:
        return _fail(str(error), _USAGE)
    except (RetrievalError, SettingsError) as error:
        return _fail(str(error), _FAILED)
    except KeyboardInterrupt:
        return _fail("stopped; nothing was left half done", _STOPPED)
    except BrokenPipeError:
        # Whoever read our output has gone, as `head` does. Nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        return _fail(f"{where} {error.strerror or error}".strip(), _FAILED)


def _fail(message: str, status: int) -> int:
    sys.stderr.write(f"dateline: {message}\n")
    return status


def _speak_utf8() -> None:
    """Text comes and leaves as it is in any locale: UTF-8 in pipes, no crash on a terminal."""
    if not sys.stdin.isatty() and hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is None:
            continue
        if stream.isatty():
            reconfigure(errors="backslashreplace")
        else:
            reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")


def _parser() -> _Parser:
    parser = _Parser(
        prog="dateline",
        description="Answers questions about news coverage by quoting it: word for word, dated, "
        "or not at all.",
        epilog="settings, from the environment or a .env file:\n"
        + "\n".join(f"  {name:<24} {about}" for name, about in DESCRIPTIONS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dateline {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Callable[..., int], help_text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.add_argument("--corpus", type=Path, metavar="DIR", help="the folder of articles")
        command.add_argument(
            "--index", metavar="DIR", help="the folder of the index, or where it is in Milvus"
        )
        command.set_defaults(run=run)
        return command

    ask = add("ask", _ask, "answer a question with quotes; builds the index if there is none")
    ask.add_argument("question", nargs="?", help="the question, in quotation marks")
    ask.add_argument(
        "--questions",
        type=Path,
        metavar="FILE.jsonl",
        help='answer many: one {"id", "text", "after", "before", "source"} a line; "-" is stdin',
    )
    _add_filters(ask)
    ask.add_argument("--json", action="store_true", help="print JSON, one answer a line")
    ask.add_argument(
        "--nearest", action="store_true", help="when nothing answers, show what came nearest"
    )
    timeline = add("timeline", _timeline, "show what the articles say on a topic, by date")
    timeline.add_argument("topic", help="a few words, in quotation marks")
    _add_window(timeline)
    timeline.add_argument("--top-k", type=_count, metavar="N", help="at most this many passages")
    timeline.add_argument("--json", action="store_true", help="print JSON")
    timeline.add_argument("--picture", type=Path, metavar="FILE.png", help="draw it too")
    chat = add("chat", _chat, "answer questions at a prompt")
    _add_filters(chat)
    index = add("index", _index, "bring the index up to date with the articles")
    index.add_argument("--rebuild", action="store_true", help="start from nothing")
    index.add_argument(
        "--watch", action="store_true", help="go on, taking up each change, until Ctrl-C"
    )
    index.add_argument(
        "--download", action="store_true", help="fetch the model DATELINE_MODEL names if need be"
    )
    index.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="fill one of N parts of an index in Milvus, from 0/N on; others fill the others",
    )
    sources = add("sources", _sources, "list the articles")
    _add_window(sources)
    sources.add_argument("--json", action="store_true", help="print JSON")
    source = add("source", _source, "show one article, whole, with its metadata")
    source.add_argument("id", metavar="ID", help="its id, or the start of it")
    source.add_argument("--json", action="store_true", help="print JSON")
    check = add("check", _check, "look for what would trouble a run")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.add_argument(
        "--strict", action="store_true", help="fail when anything is wrong with an article or file"
    )
    evaluate = add("evaluate", _evaluate, "measure answers and rankings on questions you know")
    evaluate.add_argument(
        "--questions",
        type=Path,
        metavar="FILE.jsonl",
        required=True,
        help='one {"id", "text", "answerable", …} a line; see the README for what else is read',
    )
    evaluate.add_argument(
        "--answers",
        type=Path,
        metavar="FILE.jsonl",
        help='gold spans: one {"question_id", "article_id", "start", "text"} a line',
    )
    evaluate.add_argument(
        "--qrels", type=Path, metavar="FILE", help="judgements of articles, in the TREC format"
    )
    evaluate.add_argument(
        "--stage",
        choices=["dense", "bm25", "bm25_articles", "fused", "reader"],
        action="append",
        help="measure only this one; may be given several times",
    )
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    add("run", _run, "run the Discord bot; needs DISCORD_TOKEN")
    add("health", _health, "tell whether the running bot hears Discord; needs DATELINE_LIVENESS")
    return parser


def _add_filters(command: argparse.ArgumentParser) -> None:
    _add_window(command)
    command.add_argument(
        "--top-k", type=_count, metavar="N", help="at most this many quotes (default: 4)"
    )


def _add_window(command: argparse.ArgumentParser) -> None:
    for name, side in (("--after", "later"), ("--before", "earlier")):
        help_text = f"published then or {side}: YYYY[-MM[-DD]]"
        command.add_argument(name, type=_date, metavar="DATE", help=help_text)
    command.add_argument("--source", metavar="NAME", help="from this source only")


def _date(text: str) -> PartialDate:
    try:
        return PartialDate.from_iso(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"not a number from 1 to 100: {text!r}")
    return int(text)


def _shard(text: str) -> Shard:
    try:
        number, _, of = text.partition("/")
        return Shard(int(number), int(of))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a shard such as 0/4: {text!r}") from None


def _filters(options: argparse.Namespace) -> Filters:
    return Filters(after=options.after, before=options.before, source=options.source)


def _open_engine(settings: Settings) -> "Engine":
    from bot.terminal import TerminalProgress
    from retrieval.engine import Engine

    with TerminalProgress() as report:
        return Engine.open(settings.places, report, settings.threshold)


def _ask(settings: Settings, options: argparse.Namespace) -> int:
    from bot.contract import answer_json
    from bot.terminal import Terminal
    from retrieval.engine import DEFAULT_TOP_K

    top_k = options.top_k or DEFAULT_TOP_K
    if (options.question is None) == (options.questions is None):
        return _fail("ask takes a question, or else --questions FILE.jsonl", _USAGE)
    if options.questions is not None:
        if not options.json:
            return _fail("--questions prints JSON; add --json", _USAGE)
        return _ask_many(settings, options, top_k)
    if not options.question.strip():
        raise QuestionError("the question is empty; put it in quotation marks after `ask`")
    answer = _open_engine(settings).answer(options.question, _filters(options), top_k)
    if options.json:
        _print_json(answer_json(answer))
    else:
        Terminal().answer(answer, show_nearest=options.nearest)
    return _OK


def _ask_many(settings: Settings, options: argparse.Namespace, top_k: int) -> int:
    """Answers a file of questions, in order; a line that cannot be asked gets an error object."""
    from bot.contract import answer_json

    common = _filters(options)
    with _opened(options.questions) as file:
        engine = _open_engine(settings)
        failed = 0
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            question_id: object = None
            try:
                record = _record(line)
                question_id = record.get("id")
                answer = engine.answer(str(record["text"]), _merged(record, common), top_k)
                _print_json(answer_json(answer, question_id))
            except (QuestionError, ValueError) as error:
                failed += 1
                _print_json({"id": question_id, "error": f"line {number}: {error}"})
    if failed:
        return _fail(f"{failed} of the questions could not be asked; see their errors", _FAILED)
    return _OK


def _opened(path: Path) -> TextIO:
    if str(path) == "-":
        return sys.stdin
    return path.open(encoding="utf-8-sig", errors="replace")


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except RecursionError:
        record = None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise ValueError('not a JSON object with a "text"')
    return record


def _merged(record: dict[str, Any], common: Filters) -> Filters:
    """The filters of one line; what it leaves out, the command line says."""
    after, before = (
        PartialDate.from_iso(str(record[key])) if record.get(key) else None
        for key in ("after", "before")
    )
    source = str(record["source"]) if record.get("source") else None
    return Filters(after or common.after, before or common.before, source or common.source)


def _timeline(settings: Settings, options: argparse.Namespace) -> int:
    from bot.contract import timeline_json
    from bot.terminal import Terminal
    from retrieval.engine import MAX_TIMELINE

    engine = _open_engine(settings)
    found = engine.timeline(options.topic, _filters(options), options.top_k or MAX_TIMELINE)
    if options.picture is not None:
        from bot.picture import draw

        picture = draw(found)
        if picture is None:
            return _fail("nothing with a date is on this topic, so there is no picture", _FAILED)
        options.picture.write_bytes(picture.png)
    if options.json:
        _print_json(timeline_json(found))
    else:
        Terminal().timeline(found)
    return _OK


def _chat(settings: Settings, options: argparse.Namespace) -> int:
    from bot.phrases import summary_phrase
    from bot.terminal import Terminal
    from retrieval.engine import DEFAULT_TOP_K

    terminal = Terminal()
    engine = _open_engine(settings)
    if sys.stdin.isatty():
        terminal.line(("Ask about ", "dim"), summary_phrase(engine.summary), (". ", "dim"))
        terminal.line(("An empty line or Ctrl-D ends.", "dim"))
    for question in _prompted():
        try:
            answer = engine.answer(question, _filters(options), options.top_k or DEFAULT_TOP_K)
        except QuestionError as error:
            terminal.line(str(error))
            continue
        terminal.answer(answer, show_nearest=True)
        terminal.line()
        sys.stdout.flush()
    return _OK


def _prompted() -> Iterator[str]:
    """What is typed, line by line, until an empty line or the end."""
    if not sys.stdin.isatty():
        yield from (line for line in map(str.strip, sys.stdin) if line)
        return
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  gives input() editing and history
    while True:
        try:
            line = input("? ").strip()
        except EOFError:
            sys.stdout.write("\n")
            return
        if not line:
            return
        yield line


def _index(settings: Settings, options: argparse.Namespace) -> int:
    from bot.terminal import Terminal, TerminalProgress
    from retrieval.engine import Updater

    terminal = Terminal()
    stop = threading.Event()
    updater = Updater(settings.places, download=options.download)

    def take_up(files: "list[CorpusFile] | None", *, rebuild: bool = False) -> None:
        started = time.monotonic()
        with TerminalProgress() as report:
            changes = updater.update(
                rebuild=rebuild, shard=options.shard, report=report, files=files
            )
        terminal.changes(changes, time.monotonic() - started)
        sys.stdout.flush()

    def failed(error: RetrievalError) -> None:
        _fail(str(error), _FAILED)

    if options.watch and options.shard is not None:
        return _fail("one machine alone can --watch, without --shard", _USAGE)

    def asked(url: str, new: int, error: RetrievalError | None) -> None:
        if error is not None:
            failed(error)

    poller = None
    if settings.feeds is not None:
        from retrieval.feeds import Poller

        poller = Poller(settings.feeds, settings.places, asked)
        poller.poll()
    take_up(None, rebuild=options.rebuild)
    if options.watch:
        from retrieval.watching import watch

        terminal.line(f"Watching {settings.corpus}; Ctrl-C ends.")
        sys.stdout.flush()
        if poller is not None:
            threading.Thread(target=poller.run, args=(stop, failed), daemon=True).start()
        with contextlib.suppress(KeyboardInterrupt):
            watch(settings.places, take_up, stop, failed)
        stop.set()
    return _OK


def _sources(settings: Settings, options: argparse.Namespace) -> int:
    from bot.contract import sources_json
    from bot.terminal import Terminal, TerminalProgress
    from retrieval.survey import survey

    with TerminalProgress() as report:
        found = survey(settings.places, report).narrowed(_filters(options))
    if options.json:
        _print_json(sources_json(found))
    else:
        Terminal().sources(found)
    return _OK


def _source(settings: Settings, options: argparse.Namespace) -> int:
    from bot.contract import source_json
    from bot.terminal import Terminal, TerminalProgress
    from retrieval.survey import survey

    with TerminalProgress() as report:
        found = survey(settings.places, report)
    article = found.find(options.id)
    if article is None:
        return _fail(f"no article with the id {options.id!r}; list them with: dateline sources", 1)
    newer = found.newer.get(article[0].article_id, ())
    if options.json:
        _print_json(source_json(*article, newer))
    else:
        Terminal().source(*article, newer)
    return _OK


def _check(settings: Settings, options: argparse.Namespace) -> int:
    from bot.check import check
    from bot.contract import check_json
    from bot.terminal import Terminal, TerminalProgress

    with TerminalProgress() as report:
        found = check(settings, report)
    if options.json:
        _print_json(check_json(found))
    else:
        Terminal().checkup(found)
    return _FAILED if found.has_problem or (options.strict and found.is_odd) else _OK


def _evaluate(settings: Settings, options: argparse.Namespace) -> int:
    from bot.contract import evaluation_json
    from bot.terminal import Terminal, TerminalProgress
    from retrieval.evaluation import STAGES, evaluate, read_qrels, read_questions

    questions = read_questions(options.questions, options.answers)
    qrels = None if options.qrels is None else read_qrels(options.qrels)
    with _as_folder(settings.places) as places:
        engine = _open_engine(replace(settings, corpus=places.corpus, index=places.index))
        elsewhere = places.any_corpus and isinstance(places.index, MilvusPlace)
        corpus = None if elsewhere else places.corpus
        with TerminalProgress() as report:
            measured = evaluate(engine, corpus, questions, qrels, options.stage or STAGES, report)
    if options.json:
        _print_json(evaluation_json(measured))
    else:
        Terminal().evaluation(measured)
    return _OK


@contextlib.contextmanager
def _as_folder(places: Places) -> Iterator[Places]:
    """The corpus as a folder: itself, or a temporary one where a single file is given."""
    if not places.corpus.is_file():
        yield places
        return
    with tempfile.TemporaryDirectory(prefix="dateline-") as made:
        corpus = Path(made) / "corpus"
        corpus.mkdir()
        shutil.copy(places.corpus, corpus)
        yield replace(places, corpus=corpus, index=Path(made) / "index")


def _run(settings: Settings, options: argparse.Namespace) -> int:
    settings.require_token()
    from bot.run import run

    return run(settings)


def _health(settings: Settings, options: argparse.Namespace) -> int:
    from bot.health import health

    alive, finding = health(settings.liveness)
    if not alive:
        return _fail(finding, _FAILED)
    sys.stdout.write(f"{finding}\n")
    return _OK


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()
