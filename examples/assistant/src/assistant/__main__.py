"""The command line: `python -m assistant --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from .connection import Connection
from .conversation import Conversation
from .desk import Desk, carry_out
from .errors import AssistantError
from .notes import Notes
from .pictures import QUESTION, look_at
from .tickets import file_ticket, write_ticket


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; return 0, or 1 after an error, which is one line on stderr."""
    given = _parser().parse_args(arguments)
    try:
        with Connection(given.host, given.patience) as connection:
            commands[given.command](connection, given)
    except (AssistantError, OSError) as error:  # the latter from the folder, such as a full disk
        print(f"assistant: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def chat(connection: Connection, given: argparse.Namespace) -> None:
    """Answer one question, or what is typed line by line."""
    conversation = Conversation(
        connection, given.model, given.folder / "conversation.json", given.longest
    )
    if given.question:
        _answer(conversation, given.question)
        return
    for line in sys.stdin:
        if line.strip():
            try:
                _answer(conversation, line.strip())
            except AssistantError as error:  # the next question may succeed
                print(f"\nassistant: {error}", file=sys.stderr)


def ticket(connection: Connection, given: argparse.Namespace) -> None:
    """Make a ticket of a customer's message, and file it."""
    written = write_ticket(connection, given.model, given.message)
    print(file_ticket(written, given.folder / "tickets").read_text(encoding="utf-8"), end="")


def do(connection: Connection, given: argparse.Namespace) -> None:
    """Do something with the phone book and the reminders."""
    print(carry_out(connection, given.model, given.request, Desk(given.folder)))


def search(connection: Connection, given: argparse.Namespace) -> None:
    """Print the paragraphs of the notes that are nearest to a question."""
    notes = Notes(connection, given.model, given.folder / "notes", given.folder / "notes.json")
    for found in notes.search(given.question, given.limit):
        print(f"{found.similarity:.2f}  {found.file}: {' '.join(found.text.split())}")


def look(connection: Connection, given: argparse.Namespace) -> None:
    """Say what is in a picture."""
    print(look_at(connection, given.model, given.picture, given.question))


commands = {"chat": chat, "ticket": ticket, "do": do, "search": search, "look": look}


def _answer(conversation: Conversation, question: str) -> None:
    for piece in conversation.ask(question):
        print(piece, end="", flush=True)
    print()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="assistant", description="A help desk's assistant.")
    parser.add_argument("--host", help="host:port of LM Studio (default: find it)")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path.home() / ".assistant",
        help="folder of conversation, tickets, contacts and notes (default: %(default)s)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=120,
        metavar="SECONDS",
        help="longest silence of the host (default: %(default)s)",
    )
    adders = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, model: str) -> argparse.ArgumentParser:
        described = commands[name].__doc__
        added = adders.add_parser(name, help=described, description=described)
        added.add_argument("--model", default=model, help="default: %(default)s")
        return added

    chatting = add("chat", "llama-3.2-1b-instruct")
    chatting.add_argument("question", nargs="?")
    chatting.add_argument(
        "--longest", type=int, default=300, metavar="TOKENS", help="default: %(default)s"
    )
    add("ticket", "llama-3.2-1b-instruct").add_argument("message")
    add("do", "qwen2.5-7b-instruct-1m").add_argument("request")
    searching = add("search", "text-embedding-nomic-embed-text-v1.5")
    searching.add_argument("question")
    searching.add_argument("--limit", type=int, default=3, help="default: %(default)s")
    looking = add("look", "mobilevlm_v2-1.7b")
    looking.add_argument("picture", type=Path)
    looking.add_argument("question", nargs="?", default=QUESTION)
    return parser


if __name__ == "__main__":
    sys.exit(main())
