"""Who a trunk is told calls, and who it says calls us."""

from msgspec import Struct, structs

from softswitch.calls.identity import ANONYMOUS, Diversion, Identity, IdentityStyle
from softswitch.features.trunks.model.numbers import received, sent_caller
from softswitch.features.trunks.model.trunk import Trunk
from softswitch.kernel.address import Party


class Shown(Struct, frozen=True, gc=False):
    """What an invitation through a trunk says of its caller."""

    from_: Party
    identity: Identity | None
    style: IdentityStyle


def shown_to(trunk: Trunk, caller: Party, known: Identity | None) -> Shown:
    """What a trunk is told of a caller. `caller`: who is to be shown by its rules; `known`: what the call brought."""
    rules, numbers = trunk.rules.identity, trunk.rules.numbers
    number = Party(sent_caller(caller.number, numbers), caller.name)
    privacy = known.privacy if known is not None else ()
    if rules.show == "anonymous" and "id" not in privacy:
        privacy = (*privacy, "id")
    diversions: tuple[Diversion, ...] = ()
    if known is not None and known.diversions and rules.divert_by != "none":
        diversions = tuple(_sent(each, trunk) for each in known.diversions)
    identity = Identity(asserted=number, privacy=privacy, diversions=diversions)
    style = IdentityStyle(rules.assert_by, rules.divert_by, rules.trusted, rules.host)
    if identity.private:
        from_ = ANONYMOUS
    elif rules.from_user == "login":
        from_ = Party(trunk.rules.login.username, caller.name)
    else:
        from_ = number
    says_nothing = rules.assert_by == "none" and not privacy and not diversions
    return Shown(from_, None if says_nothing else identity, style)


def _sent(diversion: Diversion, trunk: Trunk) -> Diversion:
    party = diversion.party
    number = sent_caller(party.number, trunk.rules.numbers)
    return structs.replace(diversion, party=Party(number, party.name))


class Arrived(Struct, frozen=True, gc=False):
    """Who calls whom, as far as the trunk is to be believed and in the way that the dial plan writes numbers."""

    from_: Party
    to: Party
    identity: Identity


def arrived(trunk: Trunk, from_: Party, to: Party, said: Identity) -> Arrived:
    """Take what a trunk says of a call. `said.asserted` is dropped unless the trunk is trusted."""
    numbers = trunk.rules.numbers
    number = to.number
    if trunk.token and number == trunk.token:
        number = said.called  # it came to the Contact that we registered, which says nothing of who is called
    asserted = said.asserted if trunk.rules.identity.trusted else None
    if asserted is not None:
        asserted = Party(received(asserted.number, numbers), asserted.name)
        from_ = Party(asserted.number, asserted.name or from_.name)
    else:
        from_ = Party(received(from_.number, numbers), from_.name)
    diversions = tuple(
        structs.replace(each, party=Party(received(each.party.number, numbers), each.party.name))
        for each in said.diversions
    )
    identity = structs.replace(said, asserted=asserted, diversions=diversions)
    return Arrived(from_, Party(received(number, numbers), to.name), identity)
