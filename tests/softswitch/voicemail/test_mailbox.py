"""Mailboxes as folders: a message is whole or not there."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.voicemail import mailbox as module
from softswitch.voicemail.mailbox import Mailbox, unfinished

NOON = datetime(2026, 11, 23, 12, 0, 0)


def left(box: Mailbox, caller: str = "104", now: datetime = NOON) -> Path:
    """A message that was recorded and not delivered."""
    path = box.begin(caller, now)
    path.write_bytes(b"RIFF")
    return path


def test_a_delivered_message_is_new_and_tells_when_and_who(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    message = box.deliver(left(box))
    assert message is not None
    assert box.messages() == [message]
    assert (message.left, message.caller, message.heard) == ("20261123-120000", "104", False)
    assert message.path.parent == tmp_path / "101" / "new"
    assert message.path.read_bytes() == b"RIFF"


def test_a_message_that_is_being_left_is_not_there_yet(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    path = left(box)
    assert box.messages() == []
    assert list(unfinished(tmp_path)) == [path]
    box.discard(path)
    box.discard(path)
    assert list(unfinished(tmp_path)) == []


def test_what_was_heard_is_old_and_stays(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    message = box.deliver(left(box))
    assert message is not None
    box.keep(message)
    (kept,) = box.messages()
    assert kept.heard
    assert kept.path.parent.name == "old"
    box.keep(kept)
    assert box.messages() == [kept]


def test_what_is_deleted_is_gone_and_may_be_deleted_or_kept_again(tmp_path: Path) -> None:
    """Two phones of one extension listen at the same time."""
    box = Mailbox(tmp_path, "101")
    message = box.deliver(left(box))
    assert message is not None
    box.delete(message)
    box.delete(message)
    box.keep(message)
    assert box.messages() == []


def test_new_messages_come_first_and_the_latest_first_among_each(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    for minute in range(4):
        message = box.deliver(left(box, now=NOON + timedelta(minutes=minute)))
        if minute in (1, 3) and message is not None:
            box.keep(message)
    assert [(one.left[-6:], one.heard) for one in box.messages()] == [
        ("120200", False), ("120000", False), ("120300", True), ("120100", True),
    ]  # fmt: skip


def test_messages_of_the_same_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    for _ in range(20):
        box.deliver(left(box))
    assert len(box.messages()) == 20


def test_a_full_mailbox_takes_nothing_more_and_keeps_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MESSAGES", 2)
    box = Mailbox(tmp_path, "101")
    assert [box.deliver(left(box)) is None for _ in range(3)] == [False, False, True]
    assert list(unfinished(tmp_path)) == []


def test_strange_files_are_no_messages(tmp_path: Path) -> None:
    box = Mailbox(tmp_path, "101")
    box.deliver(left(box))
    for name in ("notes.wav", "20261123-120000-104.wav", "20261123-120000-104-abcdef.mp3", ".wav"):
        (tmp_path / "101" / "new" / name).write_text("x")
    assert len(box.messages()) == 1


def test_mailboxes_are_apart(tmp_path: Path) -> None:
    one, other = Mailbox(tmp_path, "101"), Mailbox(tmp_path, "102")
    one.deliver(left(one))
    assert other.messages() == []


@given(number=st.text(max_size=20), caller=st.text(max_size=50))
def test_no_name_leads_out_of_the_folder(number: str, caller: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("root")
    box = Mailbox(root, number or "1")
    message = box.deliver(left(box, caller=caller))
    assert message is not None
    assert root in message.path.resolve().parents
    assert len(message.path.relative_to(root).parts) == 3
    assert len(box.messages()) == 1
