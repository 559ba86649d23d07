"""The demo switch: twenty accounts, a dial plan, a trunk, and guests from this machine. Loopback only."""

import dataclasses
from collections.abc import Sequence

from argon2 import PasswordHasher

from gateways.sip.self_signed import write_self_signed
from softswitch.engine.gatekeeper import DemoGuests
from softswitch.features.acd.model.rules import AgentProfile, Membership, QueueRules, WrapUp
from softswitch.features.acd.model.settings import AgentSettings, QueueSettings
from softswitch.features.acd.service import Queues
from softswitch.features.calendars.model import WEEKDAYS, Calendar
from softswitch.features.calendars.service import Calendars
from softswitch.features.conference.model.rules import Invitee, Rules
from softswitch.features.conference.service import Conferences
from softswitch.features.directory.model import NewAccount
from softswitch.features.directory.service import Directory
from softswitch.features.persons.model import Device, Person
from softswitch.features.persons.service import Persons
from softswitch.features.routing.model.demo import demo_plan
from softswitch.features.routing.service import DialPlan
from softswitch.features.supervision.model import Rights
from softswitch.features.supervision.service import Supervisors
from softswitch.features.trunks.service import Trunks
from softswitch.features.voicemail.boxes import Boxes
from softswitch.features.voicemail.model.box import Box
from softswitch.kernel.address import HostPort
from softswitch.platform.auth import Identity, Role
from softswitch.platform.database import Database
from softswitch.settings import Listener, Settings

NUMBERS = tuple(str(number) for number in range(1001, 1021))
ADMIN_TOKEN = ("demo-admin", Identity("demo", Role.ADMIN))
GUEST_HOST, GUEST_NUMBERS, GUEST_CONTEXT = "127.0.0.1", r"8\d{4}|9196|9197|5000|3000", "guest"
"""Load testers call from this host without registration, and reach these numbers only."""
PIN = "2580"
"""Of all voicemail boxes."""
DIGEST = ("MD5", "SHA-256")
"""For SIPp 3.6, which gives a call up when the first challenge is none of MD5. It also leaves the user out of the URI
that it signs, which only the demo accepts."""
UAS = {
    "name": "uas",
    "host": "127.0.0.1",
    "port": 5080,
    "transport": "udp",
    "context": GUEST_CONTEXT,
    "sources": [],
    "strip": 0,
    "prefix": "",
    "ring_seconds": 120,
    "enabled": True,
}
"""The trunk that a SIPp UAS answers for."""
OFFICE = Calendar(
    name="office",
    timezone="UTC",
    hours=dict.fromkeys(WEEKDAYS, ("00:00-24:00",)),
    note="open at all hours, so that 5000 is its menu whenever you try; *282 closes it, *280 goes back",
)


def _person(number: str, strategy: str, owner: str) -> Person:
    devices = tuple(
        Device(name=name, account=account, order=order, ring_seconds=15)
        for order, (name, account) in enumerate((("desk", "1001"), ("soft", "1002"), ("mobile", "1003")), 1)
    )
    return Person(
        number=number,
        name=f"Demo, {strategy}",
        owner=owner,
        strategy=strategy,
        devices=devices,
        final=f"voicemail/{owner}",
    )


PERSONS = (
    _person("7001", "simultaneous", "1001"),
    _person("7002", "sequential", "1002"),
    _person("7003", "cyclic", "1003"),
)
"""The same devices in each of the three ways."""
QUEUES = tuple(
    QueueSettings(rules=QueueRules(name=name, wrap_up=WrapUp("optional", 10_000)), title=title)
    for name, title in (("sales", "Sales"), ("support", "Support"))
)
AGENTS = tuple(
    AgentSettings(
        profile=AgentProfile(
            id=name.lower(), name=name, queues=(Membership(queue="sales"), Membership(queue="support"))
        ),
        account=account,
    )
    for name, account in (("Alice", "1011"), ("Bob", "1012"), ("Carol", "1013"), ("Dave", "1014"), ("Erin", "1015"))
)
"""Of both queues. They are signed off at first, so that nothing rings by itself."""

SUPERVISOR = "1020"
"""May supervise all others."""
ROOMS = (
    Rules(number="3000", title="Open room"),
    Rules(number="3001", title="Room with PIN", pin="1234", host_pin="4321"),
    Rules(
        number="3911",
        title="Alarm",
        members=tuple(Invitee(number=f"account/{number}", role="host") for number in NUMBERS[:3]),
        rings=True,
        attempts=5,
        retry_seconds=20,
    ),
)


def with_secure_listeners(settings: Settings, now_ms: int) -> Settings:
    """Listen for TLS one port above SIP and for WebSockets two above, with a certificate made now."""
    file = settings.data_dir / "demo-certificate.pem"
    host, port = settings.sip.listen[0].address
    write_self_signed(file, ["localhost", host], now_ms)
    more = [Listener(kind, HostPort(host, port + step if port else 0)) for kind, step in (("tls", 1), ("ws", 2))]
    sip = dataclasses.replace(settings.sip, listen=(*settings.sip.listen, *more))
    return dataclasses.replace(settings, sip=sip, tls=dataclasses.replace(settings.tls, certificates=(file,)))


def guests(directory: Directory) -> DemoGuests:
    """Who may call without a password."""
    return DemoGuests(lambda number: directory.account(number) is not None, GUEST_HOST, GUEST_NUMBERS, GUEST_CONTEXT)


async def furnish(
    database: Database,
    directory: Directory,
    trunks: Trunks,
    calendars: Calendars,
    persons: Persons,
    dial_plan: DialPlan,
    boxes: Boxes,
    supervisors: Supervisors,
    queues: Queues,
    conferences: Conferences,
    *,
    media: str,
) -> None:
    """Store what a demo needs and does not have yet: in a kept data folder, what was changed stays changed.

    `media`: whether the trunk's sound is `anchored` or `bypass`; this alone follows the command line each time.
    """
    async with database.session() as session:
        await directory.create(
            session,
            [
                NewAccount(number=number, password=f"demo-{number}", name=f"Demo {number}")
                for number in NUMBERS
                if directory.account(number) is None
            ],
        )
    async with database.session() as session:
        if trunks.trunk("uas") is None:
            await trunks.create(session, UAS | {"media": media})
        else:
            await trunks.change(session, "uas", {"media": media})
    if not calendars.exists(OFFICE.name):
        async with database.session() as session:
            await calendars.create(session, OFFICE)
    if any(boxes.find(number) is None for number in NUMBERS):
        digest = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(
            PIN
        )  # everybody knows it: no time is spent
        await boxes.furnish([(Box(number=number, account=number), digest) for number in NUMBERS])
    if not supervisors.all_rights():
        async with database.session() as session:
            await supervisors.set_rights(session, Rights(account=SUPERVISOR, everybody=True))
    for person in PERSONS:
        if persons.person(person.number) is None:
            async with database.session() as session:
                await persons.create(session, person)
    for queue in QUEUES:
        if queues.settings(queue.name) is None:
            async with database.session() as session:
                await queues.create_queue(session, queue)
    for agent in AGENTS:
        if queues.agent_settings(agent.id) is None:
            async with database.session() as session:
                await queues.create_agent(session, agent)
    for rules in ROOMS:
        if not conferences.exists(rules.number):
            async with database.session() as session:
                await conferences.create(session, rules)
    if dial_plan.plan.version == 0:
        async with database.session() as session:
            await dial_plan.change(session, lambda _: demo_plan(), "system", "the demo's plan")


def welcome(http: HostPort, bound: Sequence[tuple[str, HostPort]]) -> str:
    """What to do with a demo switch that is ready."""
    where = dict(reversed(bound))
    sip = where["udp"]
    server = "" if sip.port == 5060 else f" --server {sip}"
    phones = f"{NUMBERS[0]} to {NUMBERS[-1]}, password demo-NUMBER"
    return f"""
The demo switch is ready.
  SIP    {sip} over UDP and TCP, {where["tls"]} over TLS, ws://{where["ws"]} for browsers
         accounts {phones}; voicemail *97, PIN {PIN}
  HTTP   http://{http}/docs with the token {ADMIN_TOKEN[0]}
Call it from another terminal:
  .venv/bin/softswitch call --as 1001 9196{server} --for 5    an echo
  .venv/bin/softswitch call --as 1001 9197{server} --for 5    a tone of 1004 Hz
Or register a softphone as 1001 and another as 1002, and let them call each other. Ctrl-C stops the switch.
"""
