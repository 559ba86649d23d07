"""A call that leaves: through one trunk and its gateways, or through the trunks of a group until one takes it."""

from collections.abc import Callable, Sequence
from uuid import NAMESPACE_URL, uuid5

from msgspec import structs

from softswitch.calls.identity import Identity
from softswitch.calls.onward import Prospect
from softswitch.calls.redirect import first_number
from softswitch.calls.signals import Origin, Target
from softswitch.engine.caller import Caller, Candidate, DialOutcome
from softswitch.events import RoutingStep
from softswitch.features.trunks.model import (
    GroupRules,
    Shown,
    Trunk,
    gateway_target,
    numbered,
    ordered,
    sent,
    shown_to,
    worth_retrying,
)
from softswitch.features.trunks.model.credential import Refused
from softswitch.features.trunks.model.numbers import e164
from softswitch.features.trunks.model.passport import (
    FAILED,
    Passport,
    is_to,
    read,
    read_key,
    sign,
    sign_diversion,
    telephone_number,
)
from softswitch.features.trunks.needs import Accounts, Registered
from softswitch.features.trunks.service import Trunks
from softswitch.features.trunks.traffic import Traffic
from softswitch.kernel.address import Party
from softswitch.kernel.cause import Cause
from softswitch.kernel.destination import Destination
from softswitch.kernel.errors import Rejected
from softswitch.kernel.media import Srtp


class Departures:
    """Sends calls out. What stands in a trunk's way is said in words, and costs the call nothing but the next try."""

    def __init__(
        self,
        trunks: Trunks,
        traffic: Traffic,
        accounts: Accounts,
        registered: Registered,
        chance: Callable[[], float],
    ) -> None:
        self._trunks = trunks
        self._registered = registered
        self._traffic = traffic
        self._accounts = accounts
        self._chance = chance

    async def by_trunk(self, caller: Caller, name: str) -> Destination | None:
        """Send a call through one trunk. Gives where it goes on, if the trunk says so and may (3xx). Raises Rejected
        where it cannot leave at all."""
        trunk = self._trunks.trunk(name)
        if trunk is None:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"there is no trunk {name}")
        if not trunk.enabled:
            raise Rejected(Cause.NO_ROUTE_TO_DESTINATION, f"trunk {name} is disabled")
        number = self._number(trunk, caller.to.number)
        if not self._has(trunk, caller.to.number):
            raise Rejected(Cause.UNALLOCATED_NUMBER, f"trunk {name}: {caller.to.number} is no number of its PBX")
        ways = self._ways(trunk, number)
        if not ways:
            raise Rejected(Cause.NETWORK_OUT_OF_ORDER, f"trunk {name}: {self._why_no_way(trunk)}")
        why = self._traffic.leave(trunk)
        if why is not None:
            raise Rejected(Cause.NO_CIRCUIT_AVAILABLE, f"trunk {name} takes no more calls: {why}")
        outcome = await self._through(caller, trunk, number, ways)
        _must_have_been_heard(outcome, f"trunk {name}")
        return _redirected(caller, trunk, outcome)

    async def by_group(self, caller: Caller, name: str, group: GroupRules) -> Destination | None:
        """Send a call through the first trunk of a group that takes it; otherwise as `by_trunk`."""
        steps, order = self._plan(group, caller.to.number)
        destination = Destination("trunk", order[0].name) if order else None
        caller.routed(destination, f"trunk-group:{name}", None, steps)
        if not order:
            raise Rejected(Cause.NO_CIRCUIT_AVAILABLE, f"no trunk of group {name} can take the call")
        tried: DialOutcome | None = None
        for trunk in order:
            number = self._number(trunk, caller.to.number)
            ways = self._ways(trunk, number)
            if not ways or self._traffic.leave(trunk) is not None:
                continue  # since the plan was made
            tried = await self._through(caller, trunk, number, ways)
            if not _worth_retrying(tried, group.retry_on):
                return _redirected(caller, trunk, tried)
            caller.note(f"trunk {trunk.name} did not take the call ({_said(tried)})")
        if tried is None:
            raise Rejected(Cause.NO_CIRCUIT_AVAILABLE, f"no trunk of group {name} can take the call")
        _must_have_been_heard(tried, f"trunk group {name}")
        return None

    def candidate(self, caller: Caller, name: str, number: str, sent_on_by: Origin | None) -> Candidate:
        """A number by the best way into a trunk, to be dialled at once among others, in the name of whom the call was
        for (`sent_on_by`). Raises Rejected where it cannot leave now."""
        trunk = self._trunks.trunk(name)
        refusal = self._refusal(trunk, number)
        if trunk is None or refusal is not None:
            cause, why = refusal or (Cause.NO_ROUTE_TO_DESTINATION, "there is no such trunk")
            raise Rejected(cause, f"trunk {name}: {why}")
        sent_as = self._number(trunk, number)
        ways = self._ways(trunk, sent_as)
        if not ways:
            raise Rejected(Cause.NETWORK_OUT_OF_ORDER, f"trunk {name}: {self._why_no_way(trunk)}")
        why_full = self._traffic.leave(trunk)
        if why_full is not None:
            raise Rejected(Cause.NO_CIRCUIT_AVAILABLE, f"trunk {name} takes no more calls: {why_full}")
        return candidate_of(trunk, ways[0], sent_as, self._shown(caller, trunk, number, sent_on_by or caller.routed_as))

    def refusal(self, name: str, number: str) -> str | None:
        """Why a trunk would not take a number now, in words; None: it would."""
        refusal = self._refusal(self._trunks.trunk(name), number)
        return None if refusal is None else f"trunk {name}: {refusal[1]}"

    def prospect(self, name: str, number: str, caller: Party, origin: Origin, routed_as: Origin) -> Prospect:
        """What a trunk that exists would do with a call now: where it would send it and whom it would show, or why it
        would refuse it."""
        trunk = self._trunks.trunk(name)
        refusal = self._refusal(trunk, number)
        if trunk is None or refusal is not None:
            cause, why = refusal or (Cause.NO_ROUTE_TO_DESTINATION, "there is no such trunk")
            return Prospect((RoutingStep(f"trunk/{name}", "failed", why),), cause)
        return Prospect((self._said(trunk, number, caller, origin, routed_as),))

    def prospect_of_group(
        self, group: GroupRules, number: str, caller: Party, origin: Origin, routed_as: Origin
    ) -> Prospect:
        """The order in which a group's trunks would be tried now, with what each would do, and why one would not."""
        steps, order = self._plan(group, number)
        if not order:
            return Prospect(tuple(steps), Cause.NO_CIRCUIT_AVAILABLE)
        said = {f"trunk/{trunk.name}": self._said(trunk, number, caller, origin, routed_as) for trunk in order}
        return Prospect(
            tuple(
                RoutingStep(step.rule, step.result, f"{step.reason}; {said[step.rule].reason}")
                if step.rule in said
                else step
                for step in steps
            )
        )

    def _said(self, trunk: Trunk, number: str, caller: Party, origin: Origin, routed_as: Origin) -> RoutingStep:
        ways = ", then ".join(way.uri for way in self._ways(trunk, self._number(trunk, number)))
        shown = shown_to(trunk, self._party(trunk, caller, origin, routed_as), None)
        said = f"sent to {ways}; the caller is shown as {shown.from_.number}"
        asserted = shown.identity.asserted if shown.identity is not None else None
        if asserted is not None and trunk.rules.identity.assert_by != "none":
            said += f", and told to be {asserted.number} by {trunk.rules.identity.assert_by}"
        if trunk.origin.srtp is not Srtp.OFF:
            said += f"; SRTP is {trunk.origin.srtp.value}"
        if not trunk.origin.video:
            said += "; without video"
        return RoutingStep(f"trunk/{trunk.name}", "matched", said)

    def _plan(self, group: GroupRules, number: str) -> tuple[list[RoutingStep], list[Trunk]]:
        steps: list[RoutingStep] = []
        order: list[Trunk] = []
        for member in ordered(group.members, self._chance):
            trunk = self._trunks.trunk(member.trunk)
            refusal = self._refusal(trunk, number)
            if trunk is None or refusal is not None:
                why = refusal[1] if refusal is not None else "there is no such trunk"
                steps.append(RoutingStep(f"trunk/{member.trunk}", "skipped", why))
                continue
            order.append(trunk)
            place = "first" if len(order) == 1 else f"number {len(order)}"
            steps.append(RoutingStep(f"trunk/{member.trunk}", "matched", f"tried {place}: it costs {member.cost}"))
        return steps, order

    def _refusal(self, trunk: Trunk | None, number: str) -> tuple[Cause, str] | None:
        """Why a trunk would not take a call now."""
        if trunk is None:
            return Cause.NO_ROUTE_TO_DESTINATION, "there is no such trunk"
        if not trunk.enabled:
            return Cause.NO_ROUTE_TO_DESTINATION, "it is disabled"
        if not self._has(trunk, number):
            return Cause.UNALLOCATED_NUMBER, f"{number} is no number of its PBX"
        if not self._trunks.health(trunk.name).usable and not self._contacts(trunk):
            return Cause.NETWORK_OUT_OF_ORDER, self._why_no_way(trunk)
        if not trunk.number_sent(number):
            return Cause.INVALID_NUMBER_FORMAT, f"it strips all of {number!r}"
        full = self._traffic.why_full(trunk)
        return None if full is None else (Cause.NO_CIRCUIT_AVAILABLE, f"it takes no more calls: {full}")

    def _has(self, trunk: Trunk, number: str) -> bool:
        pbx = trunk.rules.pbx
        return not pbx.registers or pbx.has(number)

    def _ways(self, trunk: Trunk, number: str) -> Sequence[Target]:
        """How a number (as the trunk wants it) is reached now, the best way first."""
        if trunk.rules.pbx.registers:
            patience = trunk.rules.failover.first_response_seconds
            return [structs.replace(numbered(each, number), patience=patience) for each in self._contacts(trunk)]
        gateways = trunk.gateways
        failover = trunk.rules.failover
        usable = self._trunks.health(trunk.name).usable
        return [gateway_target(gateways[place], number, failover) for place in usable]

    def _contacts(self, trunk: Trunk) -> Sequence[Target]:
        return self._registered.targets(trunk.rules.peer.username) if trunk.rules.pbx.registers else ()

    def _why_no_way(self, trunk: Trunk) -> str:
        if trunk.rules.pbx.registers:
            return f"its PBX is not registered as {trunk.rules.peer.username!r}"
        return self._trunks.health(trunk.name).why_unusable

    async def _through(self, caller: Caller, trunk: Trunk, number: str, ways: Sequence[Target]) -> DialOutcome:
        """Try a trunk's gateways in order; each attempt is a leg of its own."""
        shown = self._shown(caller, trunk, caller.to.number, caller.routed_as)
        outcome = DialOutcome(False, Cause.NETWORK_OUT_OF_ORDER)
        for turn, way in enumerate(ways):
            outcome = await caller.dial([candidate_of(trunk, way, number, shown)], trunk.ring_seconds)
            if not _worth_retrying(outcome, trunk.rules.failover.retry_on):
                break
            if turn + 1 < len(ways):
                caller.note(f"trunk {trunk.name}: the next gateway is tried ({_said(outcome)})")
        return outcome

    def _number(self, trunk: Trunk, dialled: str) -> str:
        number = trunk.number_sent(dialled)
        if not number:
            raise Rejected(Cause.INVALID_NUMBER_FORMAT, f"trunk {trunk.name} strips all of {dialled!r}")
        return sent(number, trunk.rules.numbers)

    def _shown(self, caller: Caller, trunk: Trunk, called: str, sent_on_by: Origin) -> Shown:
        """Who the trunk is told calls a number."""
        whose = self._whose(trunk, caller.origin, sent_on_by)
        party = self._party(trunk, caller.from_, caller.origin, sent_on_by)
        shown = shown_to(trunk, party, caller.identity)
        passports = self._passports(caller, trunk, party, called, whose.kind == "account")
        if not passports:
            return shown
        told = shown.identity or Identity()
        return structs.replace(shown, identity=structs.replace(told, passports=passports))

    def _whose(self, trunk: Trunk, origin: Origin, routed_as: Origin) -> Origin:
        return routed_as if trunk.rules.identity.forwarded_as == "forwarder" else origin

    def _party(self, trunk: Trunk, from_: Party, origin: Origin, routed_as: Origin) -> Party:
        """Who is to be shown by a trunk's rules, before the number is written as it wants numbers."""
        rules, whose = trunk.rules.identity, self._whose(trunk, origin, routed_as)
        if rules.show == "fixed":
            return Party(rules.fixed, from_.name)
        if whose.kind != "account":
            return from_
        if rules.show == "number":
            return Party(whose.name, from_.name)
        return self._accounts.shown_outside(whose.name) or from_

    def _passports(self, caller: Caller, trunk: Trunk, party: Party, dialled: str, ours: bool) -> tuple[str, ...]:
        """What vouches for the caller (RFC 8224): our signature, or what another trunk brought."""
        rules = trunk.rules.stir
        if rules.send == "pass" and caller.identity is not None:
            return caller.identity.passports
        if rules.send != "sign" or trunk.key is None:
            return ()
        if caller.identity is not None and caller.identity.private and not trunk.rules.identity.trusted:
            return ()  # a passport tells the number to everybody on the way
        numbers = trunk.rules.numbers
        called = trunk.number_sent(dialled)
        called = e164(called, numbers) or called
        key, now = read_key(trunk.key.pem.encode()), caller.wall_ms() // 1000
        known = caller.identity
        came_with = known.passports if known is not None and known.verstat != FAILED else ()
        last = _last(came_with, e164(party.number, numbers) or party.number)
        if last is not None and not is_to(last, called):
            # RFC 8946: the call goes on to another number; its passports stay true, and we say whither it went.
            return (*came_with, sign_diversion(key, rules.certificate_url, of=last, dest=called, iat=now))
        if rules.attest != "by-origin":
            attest = rules.attest
        elif not ours:
            attest = "C"
        else:
            attest = "A" if trunk.rules.identity.show == "account" else "B"
        return (
            sign(
                key,
                rules.certificate_url,
                attest=attest,
                orig=e164(party.number, numbers) or party.number,
                dest=called,
                iat=now,
                # RFC 8588 section 6: it tells in confidence which customer or trunk of ours a call came by.
                origid=str(uuid5(NAMESPACE_URL, f"{rules.certificate_url}#{caller.origin.kind}/{caller.origin.name}")),
            ),
        )


def candidate_of(trunk: Trunk, way: Target, number: str, shown: Shown) -> Candidate:
    """A number by one of the ways into a trunk; `number` as the trunk wants it."""
    return Candidate(
        way,
        Destination("trunk", trunk.name),
        number,
        trunk.anchored,
        trunk.credentials,
        shown.from_,
        shown.identity,
        shown.style,
        codecs=trunk.rules.codecs,
        rules=trunk.origin.rules,
        srtp=trunk.origin.srtp,
        video=trunk.origin.video,
    )


def _last(values: Sequence[str], orig: str) -> Passport | None:
    """Of the passports that a call from `orig` came with, the one that says whom it was for last; None: there is none
    of this caller."""
    passports = []
    for value in values:
        try:
            passports.append(read(value))
        except Refused:
            continue
    last = next((each for each in passports if not each.div), None)
    if last is None or telephone_number(last.orig) != telephone_number(orig):
        return None
    for _ in passports:
        following = next((each for each in passports if each.div and is_to(last, each.div)), None)
        if following is None:
            break
        last = following
    return last


def _redirected(caller: Caller, trunk: Trunk, outcome: DialOutcome) -> Destination | None:
    """What a 3xx of a trunk does."""
    policy = trunk.rules.failover.redirects
    if policy == "pass" and outcome.contacts:
        caller.redirect(outcome.contacts)
    elif policy == "follow" and (number := first_number(outcome.contacts)):
        caller.forward(trunk.origin, number, "deflection")
        return Destination("dialplan", trunk.origin.context)
    return None


def _worth_retrying(outcome: DialOutcome, retry_on: Sequence[int]) -> bool:
    if outcome.answered:
        return False
    if outcome.unheard is not None:
        return outcome.unheard in retry_on or outcome.unheard == 404  # a name that leads nowhere is no party's refusal
    return worth_retrying(outcome.cause, outcome.status, retry_on)


def _must_have_been_heard(outcome: DialOutcome, where: str) -> None:
    """Raises Rejected where nobody out there said a word: that is no "no answer" of a person."""
    if not outcome.answered and outcome.unheard is not None and outcome.status is None:
        raise Rejected(Cause.NETWORK_OUT_OF_ORDER, f"{where} does not answer")


def _said(outcome: DialOutcome) -> str:
    if outcome.unheard is not None:
        return "it does not answer" if outcome.unheard == 408 else "it cannot be reached"
    return f"{outcome.status} {outcome.cause.text}" if outcome.status is not None else outcome.cause.text
