"""Bindings by address of record."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from softswitch.core.location import MAX_CONTACTS, Binding, Location, address_of_record
from tests.softswitch.core.phone import NOW, PEER

AOR = "101@localhost"


def binding(contact: str = "sip:101@127.0.0.1", *, q: float = 1.0, seconds: float = 60, aor: str = AOR) -> Binding:
    return Binding(
        aor=aor, contact=contact, received=PEER, expires_at=NOW + seconds, call_id="r", cseq=1, q=q, instance=None
    )


def test_the_domain_of_an_address_has_no_letter_case_and_the_user_has() -> None:
    assert address_of_record("Bob", "LOCALHOST") == "Bob@localhost"


def test_nobody_is_anywhere_at_first() -> None:
    location = Location()
    assert location.bindings(AOR, NOW) == []
    assert (len(location), location.addresses(), location.take_changes()) == (0, [], [])


def test_preferred_contacts_come_first_and_newer_before_older() -> None:
    location = Location()
    for contact, q in (("sip:a", 0.5), ("sip:b", 1.0), ("sip:c", 0.5), ("sip:d", 0.1)):
        location.bind(binding(contact, q=q))
    assert [one.contact for one in location.bindings(AOR, NOW)] == ["sip:b", "sip:c", "sip:a", "sip:d"]


def test_a_renewed_contact_replaces_itself() -> None:
    location = Location()
    location.bind(binding(seconds=60))
    location.bind(binding(seconds=600))
    assert location.bindings(AOR, NOW) == [binding(seconds=600)]


def test_a_contact_is_gone_at_its_last_second_also_before_it_is_forgotten() -> None:
    location = Location()
    location.bind(binding(seconds=60))
    assert location.bindings(AOR, NOW + 59.9) != []
    assert location.bindings(AOR, NOW + 60) == []
    assert len(location) == 1


def test_expired_contacts_are_forgotten_and_told() -> None:
    location = Location()
    location.bind(binding("sip:a", seconds=10))
    location.bind(binding("sip:b", seconds=20))
    location.bind(binding("sip:c", seconds=10, aor="102@localhost"))
    location.take_changes()
    assert {one.contact for one in location.expire(NOW + 10)} == {"sip:a", "sip:c"}
    assert location.expire(NOW + 10) == []
    assert location.addresses() == [AOR]
    assert dict(location.take_changes()) == {AOR: (binding("sip:b", seconds=20),), "102@localhost": ()}


def test_one_contact_or_all_can_be_removed() -> None:
    location = Location()
    for contact in ("sip:a", "sip:b", "sip:c"):
        location.bind(binding(contact))
    location.unbind(AOR, "sip:b")
    assert [one.contact for one in location.bindings(AOR, NOW)] == ["sip:c", "sip:a"]
    location.unbind(AOR)
    assert location.bindings(AOR, NOW) == []


def test_changes_are_told_once_each_with_the_present_contacts() -> None:
    location = Location()
    location.bind(binding("sip:a"))
    location.bind(binding("sip:b"))
    ((aor, contacts),) = location.take_changes()
    assert (aor, {one.contact for one in contacts}) == (AOR, {"sip:a", "sip:b"})
    assert location.take_changes() == []


def test_changes_that_were_not_written_are_told_again() -> None:
    location = Location()
    location.bind(binding())
    changes = location.take_changes()
    location.bind(binding(aor="102@localhost"))
    location.mark_changed(aor for aor, _ in changes)
    assert [aor for aor, _ in location.take_changes()] == [AOR, "102@localhost"]


def test_loading_is_no_change() -> None:
    location = Location()
    location.load([binding("sip:a"), binding("sip:b")])
    assert [one.contact for one in location.bindings(AOR, NOW)] == ["sip:a", "sip:b"]
    assert location.take_changes() == []


@pytest.mark.parametrize("fill", ["bind", "load"])
def test_the_contacts_of_one_address_are_bounded(fill: str) -> None:
    location = Location()
    many = [binding(f"sip:{number}") for number in range(MAX_CONTACTS + 5)]
    if fill == "load":
        location.load(many)
    else:
        for one in many:
            location.bind(one)
    assert len(location) == MAX_CONTACTS


USERS = st.sampled_from("ab")


class LocationMachine(RuleBasedStateMachine):
    """What a store that takes the changes has is what the location has."""

    def __init__(self) -> None:
        super().__init__()
        self.location = Location()
        self.stored: dict[str, tuple[Binding, ...]] = {}
        self.now = NOW

    @rule(user=USERS, contact=st.sampled_from("xyz"), q=st.sampled_from([0.1, 1.0]), life=st.integers(1, 50))
    def bind(self, user: str, contact: str, q: float, life: int) -> None:
        self.location.bind(binding(contact, q=q, seconds=self.now - NOW + life, aor=user))

    @rule(user=USERS, contact=st.sampled_from(["x", "y", None]))
    def unbind(self, user: str, contact: str | None) -> None:
        self.location.unbind(user, contact)

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        self.location.expire(self.now)

    @rule()
    def save(self) -> None:
        self.stored |= dict(self.location.take_changes())

    @rule()
    def fail_to_save(self) -> None:
        self.location.mark_changed(aor for aor, _ in self.location.take_changes())

    @invariant()
    def contacts_are_ordered_alive_and_different(self) -> None:
        for user in "ab":
            found = self.location.bindings(user, self.now)
            assert [one.q for one in found] == sorted((one.q for one in found), reverse=True)
            assert all(one.expires_at > self.now for one in found)
            assert len({one.contact for one in found}) == len(found)

    def teardown(self) -> None:
        self.save()
        for user in "ab":
            assert list(self.stored.get(user, ())) == self.location.bindings(user, self.now)


TestLocationMachine = LocationMachine.TestCase


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_address_of_record_is_the_same_for_the_same_user(user: str, domain: str) -> None:
    assert address_of_record(user, domain) == address_of_record(user, domain.lower())
