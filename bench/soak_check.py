"""What must be true of all visits and messages once the soak is over. Pure: told, taken and stored in, findings out.

Exactly its messages means, for a visit whose client was told of n changes after the booking (each is a sequence):

- The visit is in the database once, as the client was last told. No other visit is.
- For each sequence at most one Message-ID went out, of the kind that belongs to it: the confirmation for the booking,
  `moved` for a move, `cancelled` for the cancellation. It went to this client, with the time and the sequence that it
  is about.
- The last sequence's did go out. Earlier ones may be missing: a change drops what was not sent yet.
- None is about a sequence that is over: its sending began before the client was told of the next change, or so soon
  after that it must have been checked before. The sender checks right before it sends, so only a message in flight can
  be late, and by no more than it takes to write a letter and open a connection: `IN_FLIGHT`.
- Nothing is left to send but one reminder for each visit that is to take place and whose client asked for one.
- What is marked as sent was taken by the mail server. The same Message-ID may have been taken twice: a process that is
  killed between sending and marking cannot know. These are counted.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

IN_FLIGHT = 3.0
"""Seconds on a busy machine; shorter than any lease, so whatever is sent again must have been checked again."""
_MESSAGE_ID = re.compile(r"<visit-(?P<visit>\d+)\.(?P<kind>\w+)\.email\.(?P<sequence>\d+)@[\w.-]+>")

Verb = Literal["book", "move", "cancel"]


class Change(NamedTuple):
    """What a client was told is done, when the answer came, and the visit's time from then on."""

    verb: Verb
    starts_at: datetime
    at: float


class Story(NamedTuple):
    """All that one client was told. A change's place in it is its sequence."""

    visit_id: int
    email: str
    wants_reminder: bool
    changes: tuple[Change, ...]

    @property
    def is_live(self) -> bool:
        return self.changes[-1].verb != "cancel"


class Taken(NamedTuple):
    """One message as the mail server took it: what it says of itself, and when its sending began."""

    message_id: str
    to: str
    began: float
    method: str
    sequence: str
    starts_at: str


class VisitRow(NamedTuple):
    id: int
    state: str
    sequence: int
    starts_at: datetime | None


class MessageRow(NamedTuple):
    visit_id: int
    kind: str
    channel: str
    sequence: int
    state: str


class Findings(NamedTuple):
    wrong: dict[int, list[str]]
    """What is wrong, by visit; 0: with none in particular."""
    message_ids: int
    again: int
    """How often a Message-ID was taken that had been taken before."""
    in_flight: list[float]
    """How late those were that were on their way when their visit changed, in seconds."""


def check(
    stories: Sequence[Story], taken: Sequence[Taken], visits: Sequence[VisitRow], messages: Sequence[MessageRow]
) -> Findings:
    wrong: dict[int, list[str]] = defaultdict(list)
    for visit_id, words in _all_wrong(stories, taken, visits, messages):
        wrong[visit_id].append(words)
    times = Counter(each.message_id for each in taken)
    by_id = {each.visit_id: each for each in stories}
    late = (lateness(by_id[visit_id], each) for visit_id, each in _by_visit(taken) if visit_id in by_id)
    return Findings(dict(wrong), len(times), len(taken) - len(times), [each for each in late if each > 0])


def _all_wrong(
    stories: Sequence[Story], taken: Sequence[Taken], visits: Sequence[VisitRow], messages: Sequence[MessageRow]
) -> Iterator[tuple[int, str]]:
    letters, rows = defaultdict(list), defaultdict(list)
    for visit_id, letter in _by_visit(taken):
        letters[visit_id].append(letter)
    for row in messages:
        rows[row.visit_id].append(row)
    yield from _wrong_visits(stories, visits, letters.keys() | rows.keys())
    for story in stories:
        found = [*_wrong_letters(story, letters[story.visit_id])]
        found += _wrong_rows(story, rows[story.visit_id], letters[story.visit_id])
        yield from ((story.visit_id, words) for words in found)


def _wrong_visits(
    stories: Sequence[Story], visits: Sequence[VisitRow], written_to: Iterable[int]
) -> Iterator[tuple[int, str]]:
    told, stored = Counter(each.visit_id for each in stories), {each.id: each for each in visits}
    yield from ((each, "is there, and nobody was told of it") for each in stored.keys() - told.keys())
    yield from ((each, f"was given to {times} clients") for each, times in told.items() if times > 1)
    yield from ((each, "has messages, and no client") for each in set(written_to) - told.keys())
    for story in stories:
        row = stored.get(story.visit_id)
        last = story.changes[-1]
        wanted = VisitRow(
            story.visit_id, "booked" if story.is_live else "cancelled", len(story.changes) - 1, last.starts_at
        )
        if row is None:
            yield story.visit_id, "is lost"
        elif row != wanted:
            yield story.visit_id, f"is {row}, and its client was told {wanted}"


def _wrong_letters(story: Story, letters: Sequence[Taken]) -> Iterator[str]:
    for each in letters:
        yield from _wrong_letter(story, each)
        late = lateness(story, each)
        if late > IN_FLIGHT:
            yield f"{each.message_id} was sent {late:.1f} s after it had ceased to be true"
    last = len(story.changes) - 1
    if not any(_parts(each) == (story.visit_id, _kind(story, last), last) for each in letters):
        yield f"its last message was not sent: {_kind(story, last)}, sequence {last}"


def _wrong_letter(story: Story, letter: Taken) -> Iterator[str]:
    _, kind, sequence = _parts(letter)
    if kind != _kind(story, sequence):
        yield f"{letter.message_id} was never due"
        return
    if letter.to != story.email:
        yield f"{letter.message_id} went to {letter.to}, not to {story.email}"
    starts_at = story.changes[sequence].starts_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    if (letter.sequence, letter.starts_at) != (str(sequence), starts_at):
        said = f"{letter.sequence} at {letter.starts_at}"
        yield f"{letter.message_id} says sequence {said}, not {sequence} at {starts_at}"
    if (letter.method == "CANCEL") != (kind == "cancelled"):
        yield f"{letter.message_id} comes as {letter.method}"


def _wrong_rows(story: Story, rows: Sequence[MessageRow], letters: Sequence[Taken]) -> Iterator[str]:
    last = len(story.changes) - 1
    pending = sorted(each for each in rows if each.state == "pending")
    wanted = []
    if story.is_live and story.wants_reminder:
        wanted = [MessageRow(story.visit_id, "reminder", "email", last, "pending")]
    if pending != wanted:
        yield f"left to send: {pending}, not {wanted}"
    yield from (f"was given up: {each}" for each in rows if each.state == "dead")
    sent = {_parts(each)[1:] for each in letters}
    yield from (
        f"is marked as sent, and was not: {each}"
        for each in rows
        if each.state == "sent" and (each.kind, each.sequence) not in sent
    )


def lateness(story: Story, letter: Taken) -> float:
    """By how many seconds its sending began after the client had been told of the next change; 0: not at all."""
    following = _parts(letter)[2] + 1
    return max(0.0, letter.began - story.changes[following].at) if following < len(story.changes) else 0.0


def _kind(story: Story, sequence: int) -> str:
    """The kind of message that belongs to this sequence; empty: there is no such sequence."""
    kinds: dict[Verb, str] = {"book": "confirmation", "move": "moved", "cancel": "cancelled"}
    return kinds[story.changes[sequence].verb] if sequence < len(story.changes) else ""


def _by_visit(taken: Iterable[Taken]) -> Iterator[tuple[int, Taken]]:
    return ((_parts(each)[0], each) for each in taken)


def _parts(letter: Taken) -> tuple[int, str, int]:
    """Visit, kind and sequence. A Message-ID of another shape is nobody's: visit 0."""
    found = _MESSAGE_ID.fullmatch(letter.message_id)
    return (int(found["visit"]), found["kind"], int(found["sequence"])) if found else (0, letter.message_id, 0)
