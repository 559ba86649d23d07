"""Floor control: octets that are read and printed, and who has the floor in a conference of a few users."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.bfcp.floors import FLOOR, Floors, Holder, Member, Send
from gateways.bfcp.messages import (
    UNRELIABLE,
    Attribute,
    Broken,
    Failure,
    Kind,
    Message,
    Primitive,
    Status,
    group,
    length_of,
    listing,
    number,
    parse,
    status,
    text,
)
from softswitch.kernel.errors import RemoteProtocolError

ROOM = 77


class Table:
    """A conference of three, and what each was told."""

    def __init__(self, *, takes_over: bool = True, version: int = 1) -> None:
        self.allowed = {1, 2, 3}
        self.floors = Floors(ROOM, lambda user: user in self.allowed, takes_over=takes_over)
        for user, name in ((1, "Ann"), (2, "Bob"), (3, "王伟")):
            self.floors.add(Member(user, name))
        self.version = version
        self.now = 100.0
        self.told: dict[int, list[Message]] = {1: [], 2: [], 3: []}
        self.holders: list[int | None] = []
        self._transaction = 0

    def say(
        self,
        user: int,
        primitive: Primitive,
        *attributes: Attribute,
        again: bool = False,
        conference: int = ROOM,
        called: int | None = None,
    ) -> Message:
        """Let a user say something: gives what it is answered."""
        self._transaction += not again
        asked = Message(
            primitive=primitive,
            conference=conference,
            transaction=self._transaction,
            user=user if called is None else called,
            attributes=attributes,
            version=self.version,
        )
        before = len(self.told[user])
        self.take(self.floors.receive(user, asked.print(), self.now))
        return next(each for each in self.told[user][before:] if each.transaction == asked.transaction)

    def ask(self, user: int) -> Message:
        return self.say(user, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, FLOOR))

    def take(self, effects: list[Send | Holder]) -> None:
        for effect in effects:
            if isinstance(effect, Send):
                self.told[effect.user].append(parse(effect.data))
            else:
                self.holders.append(effect.user)

    def last(self, user: int) -> tuple[int, Status, int]:
        """The request that a user was told of last, how far it is, and its place."""
        return said(self.told[user][-1])


def said(message: Message) -> tuple[int, Status, int]:
    information = message.first(Kind.FLOOR_REQUEST_INFORMATION)
    assert information is not None
    overall = parse(
        Message(primitive=1, conference=1, transaction=1, user=1).print()[:2]
        + (len(information.value[2:]) // 4).to_bytes(2, "big")
        + bytes(8)
        + information.value[2:]
    ).first(Kind.OVERALL_REQUEST_STATUS)
    assert overall is not None and overall.value[2] >> 1 == Kind.REQUEST_STATUS
    return information.number, Status(overall.value[4]), overall.value[5]


def failure(message: Message) -> Failure:
    assert message.primitive == Primitive.ERROR
    code = message.first(Kind.ERROR_CODE)
    assert code is not None
    return Failure(code.value[0])


# Octets ---------------------------------------------------------------------------------------------------


def test_a_message_is_these_octets() -> None:
    message = Message(
        primitive=Primitive.FLOOR_REQUEST,
        conference=0x01020304,
        transaction=0x0506,
        user=0x0708,
        attributes=(number(Kind.FLOOR_ID, 1), text(Kind.PARTICIPANT_PROVIDED_INFO, "abc")),
    )
    # Version 1, FloorRequest, three times four octets; FLOOR-ID with its M bit, and five octets filled up to eight.
    assert message.print().hex(" ") == ("20 01 00 03 01 02 03 04 05 06 07 08 05 04 00 01 11 05 61 62 63 00 00 00")
    assert parse(message.print()) == message
    assert length_of(message.print()) == len(message.print())
    answer = Message(primitive=14, conference=1, transaction=2, user=3, version=UNRELIABLE, responds=True)
    assert answer.print().hex(" ") == "50 0e 00 00 00 00 00 01 00 02 00 03" and parse(answer.print()) == answer
    assert listing(Kind.SUPPORTED_ATTRIBUTES, [2, 3]).value == b"\x04\x06"
    assert status(Status.PENDING, 2).print() == b"\x0b\x04\x01\x02"


@given(
    st.builds(
        Message,
        primitive=st.integers(0, 255),
        conference=st.integers(0, 2**32 - 1),
        transaction=st.integers(0, 2**16 - 1),
        user=st.integers(0, 2**16 - 1),
        attributes=st.lists(
            st.builds(Attribute, kind=st.sampled_from(Kind), value=st.binary(max_size=253)), max_size=12
        ).map(tuple),
        version=st.sampled_from([1, 2]),
    )
)
def test_what_is_printed_is_read_again(message: Message) -> None:
    assert parse(message.print()) == message


@given(st.binary(max_size=80))
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    try:
        message = parse(data)
    except RemoteProtocolError:
        return
    assert message.version in (1, 2)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        ("60 0b 00 00 00 00 00 4d 00 01 00 01", Failure.UNSUPPORTED_VERSION),
        ("20 0b 00 01 00 00 00 4d 00 01 00 01", Failure.WRONG_LENGTH),
        ("48 0b 00 00 00 00 00 4d 00 01 00 01", Failure.UNPARSABLE),
        ("20 0b 00 01 00 00 00 4d 00 01 00 01 05 01 00 00", Failure.UNPARSABLE),
        ("20 0b 00 01 00 00 00 4d 00 01 00 01 05 09 00 00", Failure.UNPARSABLE),
        ("20 0b 00 01 00 00 00 4d 00 01 00 01 f1 04 00 00", Failure.UNKNOWN_MANDATORY_ATTRIBUTE),
    ],
)
def test_broken_messages_are_answered_with_the_reason(octets: str, why: Failure) -> None:
    with pytest.raises(Broken) as raised:
        parse(bytes.fromhex(octets))
    assert raised.value.failure is why
    table = Table()
    table.take(table.floors.receive(1, bytes.fromhex(octets), 0.0))
    assert failure(table.told[1][-1]) is why


def test_an_unknown_attribute_that_is_not_mandatory_is_passed_over() -> None:
    assert parse(bytes.fromhex("20 0b 00 01 00 00 00 4d 00 01 00 01 f0 04 00 00")).primitive == Primitive.HELLO


def test_a_group_is_never_longer_than_an_attribute_can_be() -> None:
    words = [text(Kind.STATUS_INFO, "长" * 40)] * 5
    attribute = group(Kind.BENEFICIARY_INFORMATION, 7, words)
    assert len(attribute.print()) <= 256 and attribute.print()[1] == 2 + len(attribute.value) and attribute.number == 7


# Who has the floor ----------------------------------------------------------------------------------------


def test_who_says_hello_is_told_what_is_understood() -> None:
    answer = Table().say(1, Primitive.HELLO)
    assert answer.primitive == Primitive.HELLO_ACK
    supported = answer.first(Kind.SUPPORTED_PRIMITIVES)
    assert supported is not None and supported.value == bytes(range(1, 18))


def test_the_floor_is_granted_taken_over_and_released() -> None:
    table = Table()
    assert said(table.ask(1)) == (1, Status.GRANTED, 0)
    assert table.holders == [1] and table.floors.holder == 1
    assert said(table.ask(2)) == (2, Status.GRANTED, 0)
    assert table.last(1) == (1, Status.REVOKED, 0) and table.told[1][-1].transaction == 0
    assert table.holders == [1, 2]
    gone = table.say(1, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 1))
    assert failure(gone) is Failure.NO_SUCH_REQUEST
    released = table.say(2, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 2))
    assert said(released) == (2, Status.RELEASED, 0)
    assert table.holders == [1, 2, None] and table.floors.holder is None


def test_where_nobody_takes_over_requests_wait_their_turn() -> None:
    table = Table(takes_over=False)
    table.ask(1)
    assert said(table.ask(2)) == (2, Status.PENDING, 1)
    assert said(table.ask(3)) == (3, Status.PENDING, 2)
    cancelled = table.say(2, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 2))
    assert said(cancelled)[1] is Status.CANCELLED
    table.say(1, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 1))
    assert table.last(3) == (3, Status.GRANTED, 0) and table.holders == [1, 3]


def test_who_may_not_is_denied_and_whoever_has_it_keeps_it() -> None:
    table = Table()
    table.ask(1)
    table.allowed = {1}
    assert said(table.ask(2))[1] is Status.DENIED
    assert table.floors.holder == 1 and table.holders == [1]
    table.take(table.floors.revoke(table.now))
    assert table.last(1)[1] is Status.REVOKED and table.holders == [1, None]


def test_who_waits_and_may_no_more_is_passed_over() -> None:
    table = Table(takes_over=False)
    for user in (1, 2, 3):
        table.ask(user)
    table.allowed = {1, 3}
    table.say(1, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 1))
    assert table.last(2)[1] is Status.DENIED and table.last(3)[1] is Status.GRANTED
    assert table.holders == [1, 3]


def test_who_leaves_frees_the_floor_and_those_who_watch_are_told() -> None:
    table = Table()
    assert table.say(3, Primitive.FLOOR_QUERY, number(Kind.FLOOR_ID, FLOOR)).primitive == Primitive.FLOOR_STATUS
    table.ask(1)
    assert table.told[3][-1].primitive == Primitive.FLOOR_STATUS and table.last(3)[1] is Status.GRANTED
    table.take(table.floors.remove(1, table.now))
    assert table.holders == [1, None]
    assert table.told[3][-1].first(Kind.FLOOR_REQUEST_INFORMATION) is None
    table.say(3, Primitive.FLOOR_QUERY)
    heard = len(table.told[3])
    table.ask(2)
    assert len(table.told[3]) == heard, "who asks of no floor watches none"


def test_what_cannot_be_is_answered_by_its_error() -> None:
    table = Table()
    floor = number(Kind.FLOOR_ID, FLOOR)
    assert failure(table.say(1, Primitive.HELLO, conference=5)) is Failure.NO_SUCH_CONFERENCE
    assert failure(table.say(1, Primitive.HELLO, called=2)) is Failure.NO_SUCH_USER
    assert failure(table.say(1, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, 9))) is Failure.NO_SUCH_FLOOR
    other = number(Kind.BENEFICIARY_ID, 2)
    assert failure(table.say(1, Primitive.FLOOR_REQUEST, floor, other)) is Failure.UNAUTHORIZED
    table.ask(1)
    assert failure(table.ask(1)) is Failure.TOO_MANY_REQUESTS
    assert failure(table.say(1, Primitive.CHAIR_ACTION)) is Failure.UNAUTHORIZED
    assert failure(table.say(1, Primitive.HELLO_ACK)) is Failure.UNKNOWN_PRIMITIVE
    short = Attribute(Kind.FLOOR_REQUEST_ID, b"\1")
    assert failure(table.say(1, Primitive.FLOOR_RELEASE, short)) is Failure.UNPARSABLE
    stolen = table.say(2, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, 1))
    assert failure(stolen) is Failure.NO_SUCH_REQUEST and table.floors.holder == 1


def test_users_and_requests_are_told_of() -> None:
    table = Table()
    table.say(3, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, FLOOR), text(Kind.PARTICIPANT_PROVIDED_INFO, "slides"))
    answer = table.say(1, Primitive.USER_QUERY, number(Kind.BENEFICIARY_ID, 3))
    person = answer.first(Kind.BENEFICIARY_INFORMATION)
    assert answer.primitive == Primitive.USER_STATUS and person is not None and "王伟".encode() in person.value
    assert said(answer)[1] is Status.GRANTED
    assert said(table.say(1, Primitive.FLOOR_REQUEST_QUERY, number(Kind.FLOOR_REQUEST_ID, 1)))[0] == 1
    assert table.say(3, Primitive.GOODBYE).primitive == Primitive.GOODBYE_ACK
    assert table.floors.holder is None


def test_who_says_too_much_is_not_heard_for_a_moment() -> None:
    table = Table()
    hello = Message(primitive=Primitive.HELLO, conference=ROOM, transaction=1, user=1).print()
    answered = [bool(table.floors.receive(1, hello, table.now)) for _ in range(100)]
    assert answered == [True] * 30 + [False] * 70
    assert table.ask(2).primitive == Primitive.FLOOR_REQUEST_STATUS, "others are"
    answered = [bool(table.floors.receive(1, hello, table.now + 0.5)) for _ in range(20)]
    assert answered == [True] * 5 + [False] * 15


def test_numbers_of_users_are_not_found_by_trying() -> None:
    table = Table()
    for other in (2, 3, 4, 500):
        assert failure(table.say(1, Primitive.USER_QUERY, number(Kind.BENEFICIARY_ID, other))) is Failure.NO_SUCH_USER
        asked = table.say(1, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, FLOOR), number(Kind.BENEFICIARY_ID, other))
        assert failure(asked) is Failure.UNAUTHORIZED
    assert table.say(1, Primitive.USER_QUERY).primitive == Primitive.USER_STATUS, "of oneself one may know"


@given(
    st.integers(0, 18),
    st.integers(1, 2),
    st.lists(st.tuples(st.integers(0, 127), st.booleans(), st.binary(max_size=40)), max_size=6),
)
def test_whatever_a_user_says_is_answered_or_not(
    primitive: int, version: int, attributes: list[tuple[int, bool, bytes]]
) -> None:
    table = Table(version=version)
    table.ask(2)
    said = Message(
        primitive=primitive,
        conference=ROOM,
        transaction=77,
        user=1,
        attributes=tuple(Attribute(kind, value, mandatory) for kind, mandatory, value in attributes),
        version=version,
    )
    effects = table.floors.receive(1, said.print(), table.now)
    assert len(effects) <= 4
    table.take(effects)
    assert [table.holders[-1]] == [table.floors.holder], "one holds it at the most"


# Over UDP -------------------------------------------------------------------------------------------------


def test_over_udp_what_is_asked_again_is_answered_again_and_done_once() -> None:
    table = Table(version=UNRELIABLE)
    first = table.ask(1)
    assert first.responds and first.version == UNRELIABLE
    again = table.say(1, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, FLOOR), again=True)
    assert again == first and table.holders == [1]
    table.now += 11
    assert failure(table.say(1, Primitive.FLOOR_REQUEST, number(Kind.FLOOR_ID, FLOOR), again=True))


def test_over_udp_what_is_told_is_told_again_until_it_is_acknowledged() -> None:
    table = Table(version=UNRELIABLE)
    table.ask(1)
    table.ask(2)
    revoked = table.told[1][-1]
    assert revoked.transaction != 0 and not revoked.responds
    assert table.floors.deadline() == table.now + 0.5
    table.now += 0.5
    table.take(table.floors.tick(table.now))
    assert table.told[1][-1] == revoked and table.floors.deadline() == table.now + 1
    ack = Message(
        primitive=Primitive.FLOOR_REQUEST_STATUS_ACK,
        conference=ROOM,
        transaction=revoked.transaction,
        user=1,
        version=UNRELIABLE,
        responds=True,
    )
    assert table.floors.receive(1, ack.print(), table.now) == []
    assert table.floors.deadline() is None


def test_over_udp_who_never_answers_is_told_a_few_times() -> None:
    table = Table(version=UNRELIABLE)
    table.ask(1)
    table.ask(2)
    heard = len(table.told[1])
    while (due := table.floors.deadline()) is not None:
        table.take(table.floors.tick(due))
    assert len(table.told[1]) == heard + 3


def test_over_udp_only_the_newest_that_is_told_of_the_floor_is_told_again() -> None:
    table = Table(version=UNRELIABLE)
    table.say(3, Primitive.FLOOR_QUERY, number(Kind.FLOOR_ID, FLOOR))
    for _ in range(5):
        table.ask(1)
        table.say(1, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, table.last(1)[0]))
    newest, heard = table.told[3][-1], len(table.told[3])
    assert heard == 11
    table.now += 0.5
    table.take(table.floors.tick(table.now))
    assert table.told[3][heard:] == [newest]


@pytest.mark.parametrize("seed", range(60))
def test_at_most_one_has_the_floor_whatever_is_asked(seed: int) -> None:
    chance = random.Random(seed)
    table = Table(takes_over=bool(seed % 2), version=1 + seed % 3 // 2)
    for _ in range(200):
        table.now += chance.random()
        user = chance.randint(1, 3)
        table.allowed = set(chance.sample([1, 2, 3], chance.randint(1, 3)))
        match chance.randint(0, 5):
            case 0 | 1:
                table.ask(user)
            case 2:
                table.say(user, Primitive.FLOOR_RELEASE, number(Kind.FLOOR_REQUEST_ID, chance.randint(1, 30)))
            case 3:
                table.take(table.floors.remove(user, table.now))
                table.floors.add(Member(user))
            case 4:
                table.say(user, Primitive.FLOOR_QUERY, number(Kind.FLOOR_ID, FLOOR))
            case _:
                table.take(table.floors.tick(table.now))
        holder = table.floors.holder
        assert (table.holders or [None])[-1] == holder, "who has the floor is who was told to have it"
    assert len(set(table.holders)) > 1
