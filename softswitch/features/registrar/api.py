"""/api/v1/registrations."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from softswitch.features.registrar.service import Registrations
from softswitch.kernel.binding import Binding
from softswitch.kernel.clock import Clock
from softswitch.kernel.errors import NotFound
from softswitch.platform.auth import Operator
from softswitch.platform.rest import Key, Page, Paging


class BindingOut(BaseModel):
    """A phone that is registered now."""

    id: str
    aor: str
    contact: str
    expires: int = Field(description="seconds from now")
    user_agent: str
    source: str
    transport: str
    q: float
    reachable: bool = Field(description="false: its connection is gone; it is rung again once it is back")
    natted: bool = Field(description="behind a NAT: its Contact names another place than it registered from")
    instance: str = Field(description="the device, where it says; empty: it does not")
    push: str | None = Field(description="the push service that wakes it")


def _id(binding: Binding) -> str:
    return f"{binding.aor}.{hashlib.sha256(binding.contact.encode()).hexdigest()[:16]}"


def build_router(registrations: Registrations, clock: Clock) -> APIRouter:
    """The routes over one registrar."""
    router = APIRouter(prefix="/registrations", tags=["registrations"])

    def show(binding: Binding) -> BindingOut:
        return BindingOut(
            id=_id(binding),
            aor=binding.aor,
            contact=binding.contact,
            expires=max(0, (binding.expires_at - clock.wall_ms()) // 1000),
            user_agent=binding.user_agent,
            source=str(binding.source),
            transport=binding.transport,
            q=binding.q,
            reachable=binding.reachable,
            natted=binding.natted,
            instance=binding.instance,
            push=binding.push.provider if binding.push is not None else None,
        )

    def find(binding_id: str) -> Binding:
        for binding in registrations.bindings(binding_id.rpartition(".")[0]):
            if _id(binding) == binding_id:
                return binding
        raise NotFound("registration", binding_id)

    @router.get("")
    async def list_registrations(
        paging: Paging, aor: Annotated[str | None, Query(max_length=64, description="of this account only")] = None
    ) -> Page[BindingOut]:
        """Live bindings, by account and contact."""
        after = paging.after(str, str)
        if aor is None:
            found = registrations.page(after, paging.limit + 1)
        else:
            by_contact = sorted(registrations.bindings(aor), key=lambda binding: binding.contact)
            found = [binding for binding in by_contact if after is None or (aor, binding.contact) > after]
        return paging.page(found, lambda binding: (binding.aor, binding.contact), show)

    @router.get("/{binding_id}")
    async def get_registration(binding_id: Key) -> BindingOut:
        """One binding."""
        return show(find(binding_id))

    @router.delete("/{binding_id}", status_code=204)
    async def delete_registration(binding_id: Key, who: Operator) -> None:
        """Remove a binding; the phone may register again."""
        gone = find(binding_id)
        left = [binding for binding in registrations.bindings(gone.aor) if binding is not gone]
        registrations.replace(gone.aor, left)

    return router
