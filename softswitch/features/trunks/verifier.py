"""Checks the passport of a call that a trunk brings."""

from softswitch.calls.identity import Identity
from softswitch.features.trunks.certificates import Certificates
from softswitch.features.trunks.model import NumberRules, Trunk
from softswitch.features.trunks.model.numbers import e164
from softswitch.features.trunks.model.passport import (
    FAILED,
    PASSED,
    UNCHECKED,
    Refused,
    check,
    matches,
    read,
    read_certificates,
)


class Verifier:
    """Says what a passport is worth: a word for the record, and why it is worth nothing."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    async def verify(
        self, trunk: Trunk, caller: str, called: str, said: Identity, now: int
    ) -> tuple[str, Refused | None]:
        """Check what came with a call from `caller` to `called` at `now` (wall seconds): `verstat`, and the refusal, if
        it failed or there was none."""
        refused = Refused(428, "the call has no Identity header")
        for value in said.passports:
            try:
                await self._check(trunk, value, caller, called, now)
            except Refused as failure:
                refused = failure
            else:
                return PASSED, None  # RFC 8224 section 6.2: one that passes is enough
        return (FAILED if said.passports else UNCHECKED), refused

    async def _check(self, trunk: Trunk, value: str, caller: str, called: str, now: int) -> None:
        passport, numbers = read(value), trunk.rules.numbers
        # What costs nothing comes first: a stranger's URL is not fetched for a call that is not its.
        matches(passport, _full(caller, numbers), _full(called, numbers))
        try:
            chain = await self._certificates.chain(passport.url)
        except ValueError as error:
            raise Refused(436, str(error)) from error
        check(passport, chain, read_certificates(trunk.rules.stir.roots.encode()), now)


def _full(number: str, numbers: NumberRules) -> str:
    return e164(number, numbers) or number
