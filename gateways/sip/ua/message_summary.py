"""Message-waiting indication (RFC 3842)."""

from softswitch.kernel.watching import Mailbox

EVENT = "message-summary"
MIME = "application/simple-message-summary"


def write(mailbox: Mailbox, account_uri: str) -> bytes:
    """A mailbox's counts (section 5.2)."""
    waiting = "yes" if mailbox.new else "no"
    counts = f"{mailbox.new}/{mailbox.old} ({mailbox.urgent_new}/{mailbox.urgent_old})"
    return f"Messages-Waiting: {waiting}\r\nMessage-Account: {account_uri}\r\nVoice-Message: {counts}\r\n".encode()
