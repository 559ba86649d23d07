"""What a gateway knows of a leg that an earlier process had set up."""

from msgspec import Struct

from softswitch.kernel.media import MediaDescription


class RestoredLeg(Struct, frozen=True, gc=False):
    """What was agreed with its party, and holds."""

    local: MediaDescription | None
    """What the party was told; None: nothing was settled yet."""
    remote: MediaDescription | None
    """What it told."""
    offering: bool
    """Whether an offer of ours had no answer: the party may have taken it all the same."""
