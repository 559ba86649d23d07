"""/api/v1/trunks."""

import msgspec
from fastapi import APIRouter

from softswitch.features.trunks import store
from softswitch.features.trunks.model import LineState, TrunkRules
from softswitch.features.trunks.needs import Registered
from softswitch.features.trunks.service import SECRETS, Trunks, read_sources
from softswitch.features.trunks.shapes import (
    GatewayState,
    RegistrationState,
    TrunkChanges,
    TrunkIn,
    TrunkOut,
    TrunkState,
)
from softswitch.features.trunks.tables import TrunkRow
from softswitch.features.trunks.traffic import Traffic
from softswitch.platform.auth import Admin
from softswitch.platform.rest import Key, Page, Paging, Reading, Writing, moment

COLUMNS_SHOWN = (
    "name",
    "host",
    "port",
    "transport",
    "context",
    "strip",
    "prefix",
    "media",
    "ring_seconds",
    "enabled",
)


def build_router(trunks: Trunks, traffic: Traffic, registered: Registered) -> APIRouter:
    """The routes over all trunks."""
    router = APIRouter(prefix="/trunks", tags=["trunks"])

    def show(row: TrunkRow) -> TrunkOut:
        rules = msgspec.to_builtins(msgspec.convert(msgspec.json.decode(row.rules), TrunkRules))
        sealed = msgspec.json.decode(row.secrets)
        return TrunkOut(
            **{name: getattr(row, name) for name in COLUMNS_SHOWN},
            **rules,
            sources=read_sources(row.sources),
            secrets=[key for branch, leaf in SECRETS if (key := f"{branch}.{leaf}") in sealed],
            state=state_of(row.name, rules["registration"]["mode"]),
        )

    def state_of(name: str, mode: str) -> TrunkState | None:
        trunk = trunks.trunk(name)
        if trunk is None:
            return None  # it is being created
        health, load = trunks.health(name), traffic.load(trunk)
        return TrunkState(
            registration=RegistrationState(
                state="off" if mode == "off" else health.registration.value,
                reason=health.registration_reason or None,
                status=health.status,
                expires_at=moment(health.expires_at if health.registration is LineState.UP else None),
                next_try_at=moment(health.next_try_at),
            ),
            gateways=[
                GatewayState(
                    gateway=gateway.name,
                    state=gateway.state.value,
                    reason=gateway.reason or None,
                    since=moment(gateway.since),
                    answer_ms=None if gateway.ms is None else round(gateway.ms, 1),
                )
                for gateway in health.gateways
            ],
            contacts=[target.uri for target in registered.targets(trunk.rules.peer.username)]
            if trunk.rules.pbx.registers
            else [],
            calls_in=load.calls_in,
            calls_out=load.calls_out,
            calls_refused=load.refused,
        )

    @router.get("")
    async def list_trunks(paging: Paging, session: Reading) -> Page[TrunkOut]:
        """Trunks by name."""
        rows = await store.page_of_trunks(session, paging.after(str), paging.limit + 1)
        return paging.page(rows, lambda row: row.name, show)

    @router.post("", status_code=201)
    async def create_trunk(body: TrunkIn, session: Writing, who: Admin) -> TrunkOut:
        """Add a trunk. Calls reach it once a rule of the dial plan names `trunk/NAME`."""
        return show(await trunks.create(session, body.model_dump()))

    @router.get("/{name}")
    async def get_trunk(name: Key, session: Reading) -> TrunkOut:
        """One trunk, and how it fares."""
        return show(await trunks.row(session, name))

    @router.patch("/{name}")
    async def change_trunk(name: Key, body: TrunkChanges, session: Writing, who: Admin) -> TrunkOut:
        """Change what the body names; calls under way stay as they are."""
        return show(await trunks.change(session, name, body.named()))

    @router.delete("/{name}", status_code=204)
    async def delete_trunk(name: Key, session: Writing, who: Admin) -> None:
        """Delete a trunk; calls under way go on."""
        await trunks.remove(session, name)

    return router
