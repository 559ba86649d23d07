"""Which of an account's bindings a call is sent to, and how."""

from collections.abc import Iterable, Sequence

from msgspec import structs

from softswitch.kernel.binding import Binding


def unbound(binding: Binding) -> Binding:
    """A binding whose socket or connection is gone. Over UDP its address still leads there, and over TCP its Contact
    where no NAT is between; a TLS or WebSocket phone is a client only, and out of reach until it comes back."""
    reachable = binding.transport == "udp" or (binding.transport == "tcp" and not binding.natted) or bool(binding.path)
    return structs.replace(binding, connection=None, reachable=reachable)


def chosen(bindings: Iterable[Binding], device: str = "") -> Sequence[Binding]:
    """Those that are rung: what can be reached, and of each device only the flow that was registered last (RFC 5626
    section 7); no device but `device` where one is named (RFC 5627)."""
    found: list[Binding] = []
    for binding in bindings:
        if not binding.reachable or (device and binding.instance != device):
            continue
        if binding.reg_id:
            twin = next((at for at, b in enumerate(found) if b.reg_id and b.instance == binding.instance), None)
            if twin is not None:
                if binding.expires_at > found[twin].expires_at:
                    found[twin] = binding
                continue
        found.append(binding)
    return found


def asleep(bindings: Sequence[Binding], device: str = "") -> Sequence[Binding]:
    """Those that must be woken first (RFC 8599 section 5.3). A live connection is proof of being awake; over UDP nobody
    can tell."""
    return [
        binding
        for binding in bindings
        if binding.push is not None
        and (not binding.reachable or binding.transport == "udp")
        and (not device or binding.instance == device)
    ]
