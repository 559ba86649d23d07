"""/api/v1/listeners and /api/v1/certificates."""

import ipaddress
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from softswitch.features.listeners.model import Listening
from softswitch.features.listeners.needs import Certificate
from softswitch.features.listeners.service import Listeners
from softswitch.kernel.address import HostPort
from softswitch.platform.auth import Admin
from softswitch.platform.rest import Input, Key, Page, Paging

Address = Annotated[str, Field(max_length=64), AfterValidator(lambda text: str(ipaddress.ip_address(text)))]


class ListenerOut(BaseModel):
    """An address that SIP is heard on."""

    name: str
    kind: str
    host: str
    port: int
    added: bool = Field(description="over HTTP; false: it is named in the settings")


class ListenerIn(Input):
    kind: Literal["udp", "tcp", "tls", "ws", "wss"]
    host: Address = Field(description="an address of this machine, IPv4 or IPv6")
    port: int = Field(ge=0, le=65535, description="0: any that is free")


class CertificateOut(BaseModel):
    """A certificate that is shown to who connects."""

    path: str
    names: list[str] = Field(description="the domains that it is for")
    expires_at: datetime


class CertificatesOut(BaseModel):
    items: list[CertificateOut]
    next: str | None = None


def build_router(listeners: Listeners) -> APIRouter:
    """The routes over all listeners."""
    router = APIRouter(tags=["listeners"])

    def show(listening: Listening) -> ListenerOut:
        return ListenerOut(
            name=listening.name,
            kind=listening.kind,
            host=listening.address.host,
            port=listening.address.port,
            added=listeners.added(listening),
        )

    def shown(certificate: Certificate) -> CertificateOut:
        return CertificateOut(path=certificate.path, names=list(certificate.names), expires_at=certificate.expires_at)

    @router.get("/listeners")
    async def list_listeners(paging: Paging) -> Page[ListenerOut]:
        """Where SIP is heard, by name."""
        after = paging.after(str)
        found = [listening for listening in listeners.all() if after is None or listening.name > after]
        return paging.page(found, lambda listening: listening.name, show)

    @router.post("/listeners", status_code=201)
    async def add_listener(body: ListenerIn, who: Admin) -> ListenerOut:
        """Listen at one more address, now and after a restart."""
        return show(listeners.add(body.kind, HostPort(body.host, body.port)))

    @router.get("/listeners/{name}")
    async def get_listener(name: Key) -> ListenerOut:
        """One listener."""
        return show(listeners.find(name))

    @router.delete("/listeners/{name}", status_code=204)
    async def remove_listener(name: Key, who: Admin) -> None:
        """Listen there no more; calls and connections that are up go on."""
        listeners.remove(name)

    @router.get("/certificates")
    async def list_certificates() -> CertificatesOut:
        """What is shown to who connects over TLS: the first where none fits the name that is asked for."""
        return CertificatesOut(items=[shown(certificate) for certificate in listeners.certificates])

    @router.post("/certificates/reload")
    async def reload_certificates(who: Admin) -> CertificatesOut:
        """Read the files anew; connections that are up go on."""
        return CertificatesOut(items=[shown(certificate) for certificate in listeners.reload_certificates()])

    return router
