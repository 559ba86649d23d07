"""What can be done with listeners."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from softswitch.features.listeners import store
from softswitch.features.listeners.model import Listening
from softswitch.features.listeners.needs import Certificate, Ears
from softswitch.kernel.address import HostPort
from softswitch.kernel.errors import Conflict, Invalid, NotFound

log = structlog.get_logger(__name__)


class Listeners:
    """All listeners of this switch: those of its settings, and those that were added since."""

    def __init__(self, ears: Ears, file: Path) -> None:
        """`file`: where those that were added are kept."""
        self._ears = ears
        self._file = file
        self._added: set[Listening] = set()

    def start(self) -> None:
        """Listen where it was told to before. An address that cannot be had now is logged, and tried again at the next
        start."""
        try:
            self._added.update(store.read(self._file))
        except (OSError, ValueError) as error:
            log.error("the added listeners cannot be read", file=str(self._file), error=str(error))
        for listening in sorted(self._added):
            try:
                self._ears.listen(*listening)
            except (OSError, Invalid) as error:
                log.error("a listener cannot be opened", listener=listening.name, error=str(error))

    def all(self) -> Sequence[Listening]:
        """What is listened on now, by name."""
        return sorted((Listening(*each) for each in self._ears.bound), key=lambda listening: listening.name)

    def added(self, listening: Listening) -> bool:
        """Whether it was added over HTTP: then it can be removed so."""
        return listening in self._added

    def find(self, name: str) -> Listening:
        """Raises NotFound."""
        for listening in self.all():
            if listening.name == name:
                return listening
        raise NotFound("listener", name)

    def add(self, kind: str, address: HostPort) -> Listening:
        """Listen at an address from now on, and after a restart. Raises Conflict when it cannot be had."""
        try:
            bound = self._ears.listen(kind, address)
        except OSError as error:
            raise Conflict("cannot-listen", error.strerror or str(error)) from error
        listening = Listening(kind, bound)
        self._keep({*self._added, listening})
        return listening

    def remove(self, name: str) -> None:
        """Listen there no more. Raises NotFound, and Conflict for one that the settings name."""
        listening = self.find(name)
        if listening not in self._added:
            raise Conflict("in-settings", f"{name} is named in sip.listen of the settings: take it out there")
        self._keep(self._added - {listening})
        self._ears.stop_listening(*listening)

    def _keep(self, added: set[Listening]) -> None:
        store.write(self._file, sorted(added))
        self._added = added

    @property
    def certificates(self) -> Sequence[Certificate]:
        """What TLS listeners show now."""
        return self._ears.certificates

    def reload_certificates(self) -> Sequence[Certificate]:
        """Read the certificates anew. Raises Invalid naming the file that is not good; then the old ones stay."""
        self._ears.reload_certificates()
        return self._ears.certificates
