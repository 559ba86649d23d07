"""How a registered phone is reached."""

from softswitch.calls.signals import Target
from softswitch.kernel.binding import Binding


def target_of(binding: Binding) -> Target:
    """Where the REGISTER came from, not where its Contact points: behind a NAT only that address leads back (RFC 3581).

    With a Path, the route through it leads there (RFC 3327 section 5.3); and over TCP, when the connection is gone, the
    Contact is all there is.
    """
    by_uri = binding.path or (binding.transport != "udp" and binding.connection is None)
    return Target(
        uri=binding.contact,
        transport=binding.transport,
        address=None if by_uri else binding.source,
        connection=binding.connection,
        path=binding.path,
    )
