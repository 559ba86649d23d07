"""Who has the floor: the floor control server of one conference (RFC 8855 section 13), as a machine.

Messages of users and the time come in; messages for users, and who has the floor now, come out. A conference here has
one floor: that of shared content.
"""

from collections.abc import Callable

from msgspec import Struct

from gateways.bfcp.messages import (
    UNRELIABLE,
    Attribute,
    Broken,
    Failure,
    Kind,
    Message,
    Primitive,
    Status,
    error,
    group,
    listing,
    number,
    parse,
    status,
    text,
)
from softswitch.kernel.errors import RemoteProtocolError

FLOOR = 1
"""The number of the floor of shared content."""
MOST_REQUESTS = 20
"""That wait in one conference."""
FIRST_AGAIN = 0.5
"""Seconds after which what was told over UDP is told again, then after twice as long (section 8.3.1, T1)."""
TIMES = 4
"""How often it is told at the most."""
ANSWERS_KEPT = 10.0
"""Seconds for which an answer over UDP is told again to who asks the same again (section 8.3.2, T2)."""
MOST_ANSWERS = 16
"""That are kept for one user: whoever asks faster is answered anew."""

MOST_SAID = 30
"""Messages of one user at once, and so many a second later on: each may be told to all who watch."""
SAID_A_SECOND = 10.0

_ENDED = frozenset({Status.DENIED, Status.CANCELLED, Status.RELEASED, Status.REVOKED})
_UNDERSTOOD = tuple(Primitive)


class Send(Struct, frozen=True, gc=False):
    """Octets for a user."""

    user: int
    data: bytes


class Holder(Struct, frozen=True, gc=False):
    """Who has the floor from now on; None: nobody."""

    user: int | None


Effect = Send | Holder


class Member(Struct, frozen=True, gc=False):
    """A user of the conference."""

    id: int
    name: str = ""
    uri: str = ""


class _Request(Struct):
    """A request for the floor."""

    id: int
    user: int
    beneficiary: int
    reason: str
    status: Status
    asked_by: int
    """The transaction that its first status answers."""


class _Told(Struct):
    """What was told over UDP, and is not acknowledged yet."""

    user: int
    primitive: Primitive
    transaction: int
    data: bytes
    again_at: float
    times: int = 1


class Floors:
    """The floor of one conference."""

    def __init__(self, conference: int, may_have: Callable[[int], bool], *, takes_over: bool = True) -> None:
        """`may_have` tells whether a user may have the floor now. With `takes_over` who may have it takes it from
        whoever has it, as presenters expect; otherwise requests wait their turn."""
        self._conference = conference
        self._may_have = may_have
        self._takes_over = takes_over
        self._members: dict[int, Member] = {}
        self._unreliable: set[int] = set()
        self._watching: set[int] = set()
        """Who has asked to be told of the floor."""
        self._requests: dict[int, _Request] = {}
        """That have not ended, in the order in which they came."""
        self._number = 0
        self._transaction = 0
        self._told: list[_Told] = []
        self._answers: dict[int, dict[tuple[int, int], tuple[float, bytes]]] = {}
        """Over UDP: by user, then by transaction and primitive, until when it is kept and the answer."""
        self._may_say: dict[int, tuple[float, float]] = {}
        """By user: how many messages are heard of it, and when that was counted."""
        self._out: list[Effect] = []

    @property
    def holder(self) -> int | None:
        """Who has the floor."""
        return next((each.beneficiary for each in self._requests.values() if each.status is Status.GRANTED), None)

    def add(self, member: Member) -> None:
        """A user is in the conference."""
        self._members[member.id] = member

    def remove(self, user: int, now: float) -> list[Effect]:
        """A user has left it: what it had or asked for is over."""
        self._members.pop(user, None)
        self._watching.discard(user)
        self._unreliable.discard(user)
        self._told = [told for told in self._told if told.user != user]
        self._answers.pop(user, None)
        self._may_say.pop(user, None)
        for request in [each for each in self._requests.values() if user in (each.user, each.beneficiary)]:
            self._end(request, Status.REVOKED, now)
        return self._done()

    def revoke(self, now: float) -> list[Effect]:
        """Take the floor from whoever has it."""
        for request in [each for each in self._requests.values() if each.status is Status.GRANTED]:
            self._end(request, Status.REVOKED, now)
        return self._done()

    def deadline(self) -> float | None:
        """When `tick` is due; None: nothing happens by itself."""
        return min((told.again_at for told in self._told), default=None)

    def tick(self, now: float) -> list[Effect]:
        """What was told and not acknowledged is told again."""
        for told in [each for each in self._told if each.again_at <= now]:
            if told.times == TIMES:
                self._told.remove(told)
                continue
            self._out.append(Send(told.user, told.data))
            told.again_at = now + FIRST_AGAIN * 2**told.times
            told.times += 1
        return self._done()

    def receive(self, user: int, data: bytes, now: float) -> list[Effect]:
        """A message of a user's. `user`: whose channel it came by; what names another in its header is refused. Who
        says too much is not heard for a moment: over UDP it says it again."""
        if not self._hears(user, now):
            return []
        try:
            message = parse(data)
        except Broken as broken:
            if not broken.message.responds:
                self._answer(
                    broken.message, user, Primitive.ERROR, error(broken.failure, str(broken), broken.details), now
                )
            return self._done()
        except RemoteProtocolError:
            return []  # nothing that could be answered
        (self._unreliable.add if message.version == UNRELIABLE else self._unreliable.discard)(user)
        known = self._answers.get(user, {}).get((message.transaction, message.primitive))
        if message.version == UNRELIABLE and known is not None and now < known[0]:
            return [Send(user, known[1])]
        try:
            self._take(message, user, now)
        except RemoteProtocolError as malformed:
            self._fail(message, user, Failure.UNPARSABLE, str(malformed), now)
        return self._done()

    def _hears(self, user: int, now: float) -> bool:
        left, counted_at = self._may_say.get(user, (float(MOST_SAID), now))
        left = min(left + (now - counted_at) * SAID_A_SECOND, float(MOST_SAID))
        self._may_say[user] = (left - 1 if left >= 1 else left, now)
        return left >= 1

    def _take(self, message: Message, user: int, now: float) -> None:
        if message.conference != self._conference:
            self._fail(message, user, Failure.NO_SUCH_CONFERENCE, f"there is no conference {message.conference}", now)
        elif message.user != user or user not in self._members:
            self._fail(message, user, Failure.NO_SUCH_USER, f"you are not the user {message.user}", now)
        elif (handler := _HANDLERS.get(message.primitive)) is None:
            why = f"primitive {message.primitive} is unknown, or for users to understand"
            self._fail(message, user, Failure.UNKNOWN_PRIMITIVE, why, now)
        else:
            handler(self, message, user, now)

    # What users ask ---------------------------------------------------------------------------------------

    def _hello(self, message: Message, user: int, now: float) -> None:
        supported = (listing(Kind.SUPPORTED_PRIMITIVES, _UNDERSTOOD), listing(Kind.SUPPORTED_ATTRIBUTES, tuple(Kind)))
        self._answer(message, user, Primitive.HELLO_ACK, supported, now)

    def _goodbye(self, message: Message, user: int, now: float) -> None:
        self._answer(message, user, Primitive.GOODBYE_ACK, (), now)
        self._watching.discard(user)
        for request in [each for each in self._requests.values() if each.user == user]:
            self._end(request, Status.RELEASED, now)

    def _ask(self, message: Message, user: int, now: float) -> None:
        beneficiary = message.number(Kind.BENEFICIARY_ID) or user
        waiting = [each for each in self._requests.values() if each.beneficiary == beneficiary]
        if message.numbers(Kind.FLOOR_ID) != [FLOOR]:
            self._fail(message, user, Failure.NO_SUCH_FLOOR, f"the floor of this conference is {FLOOR}", now)
        elif beneficiary != user:
            self._fail(message, user, Failure.UNAUTHORIZED, "nobody asks on behalf of another", now)
        elif waiting or len(self._requests) >= MOST_REQUESTS:
            self._fail(message, user, Failure.TOO_MANY_REQUESTS, "a request for this floor is under way already", now)
        else:
            self._number = self._number % 0xFFFF + 1
            reason = message.first(Kind.PARTICIPANT_PROVIDED_INFO)
            words = "" if reason is None else reason.value.decode(errors="replace")
            request = _Request(self._number, user, beneficiary, words, Status.PENDING, message.transaction)
            self._decide(request, message, now)

    def _decide(self, request: _Request, message: Message, now: float) -> None:
        if not self._may_have(request.beneficiary):
            request.status = Status.DENIED
        else:
            self._requests[request.id] = request
            holding = next((each for each in self._requests.values() if each.status is Status.GRANTED), None)
            if holding is None or self._takes_over:
                request.status = Status.GRANTED
            if holding is not None and self._takes_over:
                self._end(holding, Status.REVOKED, now, next_one=False)
        self._answer(message, request.user, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)
        if request.status is Status.GRANTED:
            self._out.append(Holder(request.beneficiary))
        if request.status is not Status.DENIED:
            self._tell_watching(now)

    def _release(self, message: Message, user: int, now: float) -> None:
        request = self._requests.get(message.number(Kind.FLOOR_REQUEST_ID) or 0)
        if request is None or request.user != user:
            self._fail(message, user, Failure.NO_SUCH_REQUEST, "there is no such request of yours", now)
            return
        granted = request.status is Status.GRANTED
        del self._requests[request.id]
        request.status = Status.RELEASED if granted else Status.CANCELLED
        self._answer(message, user, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)
        if granted:
            self._pass_on(now)
        self._tell_watching(now)

    def _query_request(self, message: Message, user: int, now: float) -> None:
        request = self._requests.get(message.number(Kind.FLOOR_REQUEST_ID) or 0)
        if request is None:
            self._fail(message, user, Failure.NO_SUCH_REQUEST, "there is no such request", now)
        else:
            self._answer(message, user, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)

    def _query_user(self, message: Message, user: int, now: float) -> None:
        asked = message.number(Kind.BENEFICIARY_ID) or user
        requests = [
            self._information(each) for each in self._requests.values() if asked in (each.user, each.beneficiary)
        ]
        if asked not in self._members or (asked != user and not requests):
            # Whoever asks for nothing is as good as unknown: numbers of users are not to be found by trying.
            self._fail(message, user, Failure.NO_SUCH_USER, f"no user {asked} has a request", now)
            return
        self._answer(
            message, user, Primitive.USER_STATUS, (self._person(Kind.BENEFICIARY_INFORMATION, asked), *requests), now
        )

    def _query_floor(self, message: Message, user: int, now: float) -> None:
        # Section 13.5: a query of no floor at all ends what an earlier one began.
        floors = message.numbers(Kind.FLOOR_ID)
        if any(floor != FLOOR for floor in floors):
            self._fail(message, user, Failure.NO_SUCH_FLOOR, f"the floor of this conference is {FLOOR}", now)
            return
        (self._watching.add if floors else self._watching.discard)(user)
        self._answer(message, user, Primitive.FLOOR_STATUS, self._floor() if floors else (), now)

    def _chair(self, message: Message, user: int, now: float) -> None:
        self._fail(message, user, Failure.UNAUTHORIZED, "who has the floor is decided by the room", now)

    def _acknowledged(self, message: Message, user: int, now: float) -> None:
        self._told = [told for told in self._told if (told.user, told.transaction) != (user, message.transaction)]

    def _refused(self, message: Message, user: int, now: float) -> None:
        """A user does not understand what it was told: it is told no more of it."""
        self._acknowledged(message, user, now)

    # What becomes of it -----------------------------------------------------------------------------------

    def _end(self, request: _Request, how: Status, now: float, *, next_one: bool = True) -> None:
        """End a request of somebody who did not ask for that now."""
        granted = request.status is Status.GRANTED
        self._requests.pop(request.id, None)
        request.status = how
        if request.user in self._members:
            self._tell(request.user, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)
        if next_one:
            if granted:
                self._pass_on(now)
            self._tell_watching(now)

    def _pass_on(self, now: float) -> None:
        """The floor is free: the first that waits and may have it does."""
        for request in list(self._requests.values()):
            if not self._may_have(request.beneficiary):
                self._end(request, Status.DENIED, now, next_one=False)
                continue
            request.status = Status.GRANTED
            self._tell(request.user, Primitive.FLOOR_REQUEST_STATUS, (self._information(request),), now)
            self._out.append(Holder(request.beneficiary))
            return
        self._out.append(Holder(None))

    def _information(self, request: _Request) -> Attribute:
        """Section 5.3.4: FLOOR-REQUEST-INFORMATION."""
        waiting = [each.id for each in self._requests.values() if each.status is Status.PENDING]
        position = waiting.index(request.id) + 1 if request.id in waiting else 0
        said = status(request.status, position)
        within = [
            group(Kind.OVERALL_REQUEST_STATUS, request.id, [said]),
            group(Kind.FLOOR_REQUEST_STATUS, FLOOR, [said]),
            self._person(Kind.BENEFICIARY_INFORMATION, request.beneficiary),
        ]
        if request.reason:
            within.append(text(Kind.PARTICIPANT_PROVIDED_INFO, request.reason))
        return group(Kind.FLOOR_REQUEST_INFORMATION, request.id, within)

    def _person(self, kind: Kind, user: int) -> Attribute:
        member = self._members.get(user, Member(user))
        said = ((Kind.USER_DISPLAY_NAME, member.name), (Kind.USER_URI, member.uri))
        # A group ends at 255 octets, and holds more than the person.
        return group(kind, user, [text(kind, words[:60]) for kind, words in said if words])

    def _floor(self) -> tuple[Attribute, ...]:
        return (number(Kind.FLOOR_ID, FLOOR), *(self._information(each) for each in self._requests.values()))

    def _tell_watching(self, now: float) -> None:
        for user in sorted(self._watching):
            self._tell(user, Primitive.FLOOR_STATUS, self._floor(), now)

    # Octets -----------------------------------------------------------------------------------------------

    def _tell(self, user: int, primitive: Primitive, attributes: tuple[Attribute, ...], now: float) -> None:
        """Begin a transaction of our own; over UDP it is to be acknowledged."""
        if user not in self._unreliable:
            message = self._message(user, primitive, 0, attributes, version=1)
            self._out.append(Send(user, message.print()))
            return
        if primitive == Primitive.FLOOR_STATUS:
            # What was told before and did not arrive is true no more.
            self._told = [each for each in self._told if (each.user, each.primitive) != (user, primitive)]
        self._transaction = self._transaction % 0xFFFF + 1
        data = self._message(user, primitive, self._transaction, attributes, version=UNRELIABLE).print()
        self._told.append(_Told(user, primitive, self._transaction, data, now + FIRST_AGAIN))
        self._out.append(Send(user, data))

    def _answer(
        self, asked: Message, user: int, primitive: Primitive, attributes: tuple[Attribute, ...], now: float
    ) -> None:
        version = asked.version if asked.version in (1, UNRELIABLE) else 1
        answer = Message(
            primitive=primitive,
            conference=asked.conference,
            transaction=asked.transaction,
            user=asked.user,
            attributes=attributes,
            version=version,
            responds=True,
        )
        data = answer.print()
        if version == UNRELIABLE:
            kept = self._answers.setdefault(user, {})
            kept.pop((asked.transaction, asked.primitive), None)
            kept[asked.transaction, asked.primitive] = (now + ANSWERS_KEPT, data)
            if len(kept) > MOST_ANSWERS:
                del kept[next(iter(kept))]
        self._out.append(Send(user, data))

    def _fail(self, asked: Message, user: int, failure: Failure, why: str, now: float) -> None:
        if not asked.responds and asked.primitive != Primitive.ERROR:
            self._answer(asked, user, Primitive.ERROR, error(failure, why), now)

    def _message(
        self, user: int, primitive: Primitive, transaction: int, attributes: tuple[Attribute, ...], version: int
    ) -> Message:
        return Message(
            primitive=primitive,
            conference=self._conference,
            transaction=transaction,
            user=user,
            attributes=attributes,
            version=version,
        )

    def _done(self) -> list[Effect]:
        out, self._out = self._out, []
        return out


_HANDLERS: dict[int, Callable[[Floors, Message, int, float], None]] = {
    Primitive.HELLO: Floors._hello,
    Primitive.GOODBYE: Floors._goodbye,
    Primitive.FLOOR_REQUEST: Floors._ask,
    Primitive.FLOOR_RELEASE: Floors._release,
    Primitive.FLOOR_REQUEST_QUERY: Floors._query_request,
    Primitive.USER_QUERY: Floors._query_user,
    Primitive.FLOOR_QUERY: Floors._query_floor,
    Primitive.CHAIR_ACTION: Floors._chair,
    Primitive.FLOOR_REQUEST_STATUS_ACK: Floors._acknowledged,
    Primitive.FLOOR_STATUS_ACK: Floors._acknowledged,
    Primitive.ERROR: Floors._refused,
}
