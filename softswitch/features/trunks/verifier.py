"""Checks the passports of a call that a trunk brings."""

from collections.abc import Sequence

from softswitch.calls.identity import Identity
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.model import NumberRules, Trunk
from softswitch.features.trunks.model.credential import Refused, read_certificates
from softswitch.features.trunks.model.numbers import e164
from softswitch.features.trunks.model.passport import (
    DIVERTED_SECONDS,
    FAILED,
    FRESH_SECONDS,
    PASSED,
    UNCHECKED,
    Passport,
    check,
    read,
    way_of,
)


class Verifier:
    """Says what passports are worth: a word for the record, and why they are worth nothing."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    async def verify(
        self, trunk: Trunk, caller: str, called: str, said: Identity, now: int
    ) -> tuple[str, Refused | None]:
        """Check what came with a call from `caller` to `called` at `now` (wall seconds): `verstat`, and the refusal, if
        it failed or there was none."""
        refused = Refused(428, "the call has no Identity header")
        passports: list[Passport] = []
        for value in said.passports:
            try:
                passports.append(read(value))
            except Refused as failure:
                refused = failure
        diversions = [passport for passport in passports if passport.div]
        if diversions and len(diversions) == len(passports):
            refused = Refused(438, "the call was diverted, and nothing says who made it")
        numbers = trunk.rules.numbers
        for passport in passports:
            if passport.div:
                continue
            try:
                # What costs nothing comes first: a stranger's URL is not fetched for a call that is not its.
                way = way_of(passport, diversions, _full(caller, numbers), _full(called, numbers))
                await self._check(trunk, way, now)
            except Refused as failure:
                refused = failure
            else:
                return PASSED, None  # RFC 8224 section 6.2: one that passes is enough
        return (FAILED if said.passports else UNCHECKED), refused

    async def _check(self, trunk: Trunk, way: Sequence[Passport], now: int) -> None:
        roots = read_certificates(trunk.rules.stir.roots.encode())
        for passport in way:
            try:
                chain = await self._certificates.chain(passport.url)
            except ValueError as error:
                raise Refused(436, str(error)) from error
            # The last is of this hop, and as fresh as the call; those before it waited for phones that rang.
            check(passport, chain, roots, now, FRESH_SECONDS if passport is way[-1] else DIVERTED_SECONDS)


def _full(number: str, numbers: NumberRules) -> str:
    return e164(number, numbers) or number
