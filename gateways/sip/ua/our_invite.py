"""What our INVITE says (RFC 3261 section 13.2.1): whom it is from, and what it asks of the party."""

from gateways.sip.ua import alert, session_id
from gateways.sip.ua.addressing import called_address, party_address
from gateways.sip.ua.context import Context, Way
from gateways.sip.ua.dialog import Dialog, Headers
from gateways.sip.ua.digest_client import DigestClient
from gateways.sip.ua.identity import write as write_identity
from gateways.sip.ua.reliable import OPTION
from gateways.sip.ua.sdes import clear_signalling
from gateways.sip.ua.sdp import LocalDescription
from softswitch.calls.identity import ANONYMOUS, PLAIN
from softswitch.calls.leg_rules import LegRules
from softswitch.calls.signals import Invitation


def dialog_for(context: Context, invitation: Invitation) -> Dialog:
    """The dialog that it will open, with our half."""
    tokens = context.tokens
    tag = tokens.token()
    uri, style = invitation.target.uri, invitation.style
    ours = style.host if style is not None and style.host else context.settings.host
    if invitation.from_ == ANONYMOUS:
        ours = "anonymous.invalid"  # RFC 3323 section 4.1.1.3
    dialog = Dialog(
        call_id=tokens.token() + tokens.token(),
        local=f"{party_address(invitation.from_, ours)};tag={tag}",
        local_tag=tag,
        local_cseq=1,
        remote=called_address(invitation.to.number, uri),
        remote_tag="",
        remote_cseq=-1,
        remote_target=uri,
        route_set=invitation.target.path,
        transport=0,
        peer=("", 0),
    )
    # A registered phone is where it registered from, whatever its answer says.
    dialog.pinned = invitation.target.address is not None
    if invitation.session_id:
        dialog.session_id = session_id.header(invitation.session_id, "")
    if invitation.credentials is not None:
        dialog.auth = DigestClient(invitation.credentials, tokens.token)
    return dialog


def interval_for(context: Context, rules: LegRules | None) -> Headers:
    """What we ask of the session timer at first."""
    if rules is None or rules.session_expires is None:
        return context.session_expires
    return [("Session-Expires", str(rules.session_expires))] if rules.session_expires else []


def headers_of(context: Context, invitation: Invitation, way: Way, interval: Headers) -> Headers:
    """Its headers beside those of every request in the dialog, for the way it goes."""
    host, rules, offers = context.settings.host, invitation.rules, invitation.offer is not None
    headers = [
        ("Max-Forwards", str(invitation.hops_left)),
        context.contact(way[0], way[1][0]),
        context.allow,
        context.supported if offers and (rules is None or rules.reliable != "never") else context.supported_late,
        *interval,
        context.product,
    ]
    if rules is not None:
        if rules.reliable == "required" and offers:
            headers.append(("Require", OPTION))
        if rules.early_media == "authorised":
            headers.append(("P-Early-Media", "supported"))  # RFC 5009 section 4
    if invitation.alert is not None:
        headers += alert.headers(invitation.alert, host)
    if invitation.referred_by is not None:
        headers.append(("Referred-By", party_address(invitation.referred_by, host)))
    if invitation.identity is not None:
        headers += write_identity(invitation.identity, invitation.style or PLAIN, invitation.to.number, host)
    return headers


def unprotected(context: Context, description: LocalDescription, invitation: Invitation, way: Way) -> str:
    """Why the leg's policy for encrypted sound is against the INVITE; empty where it is not."""
    sdes, transport = description.sdes, context.transports.get(way[0])
    if invitation.offer is not None and description.forbids(invitation.offer):
        return "SRTP is required of one party alone, and sound bypasses the switch"
    if sdes is None or transport is None:
        return ""
    return clear_signalling(sdes.policy, transport.kind, way[1][0], allowed=context.settings.srtp_keys_in_clear)
