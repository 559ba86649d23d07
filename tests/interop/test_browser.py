"""JsSIP in headless Chromium registers, is called, and calls, over WebSocket (RFC 7118): signalling, no sound yet."""

from pathlib import Path

from tests.interop import browser, phones
from tests.interop.browser import browsing
from tests.interop.conftest import Admin
from tests.interop.phones import Phone, ready
from tests.support.server import Server

pytestmark = [browser.needed, phones.needed]


def settings(switch: Server, account: str, **more: str) -> dict[str, str]:
    return {
        "url": f"ws://127.0.0.1:{switch.sip_port + 2}",
        "uri": f"sip:{account}@127.0.0.1",
        "password": f"demo-{account}",
        **more,
    }


async def test_a_browser_registers_and_is_reached_by_its_connection_alone(
    switch: Server, admin: Admin, tmp_path: Path
) -> None:
    alice = Phone(switch, "1003", tmp_path)
    async with ready(alice), browsing(tmp_path, **settings(switch, "1018")) as page:
        await page.expect("registered")
        (listed,) = [one for one in admin.all("/registrations") if one["aor"] == "1018"]
        assert listed["transport"] == "ws"
        assert ".invalid" in listed["contact"]
        assert listed["natted"] and listed["reachable"]
        assert listed["instance"].startswith("urn:uuid:")
        await alice.do("dial", number="1018")
        incoming = await page.expect("incoming")
        assert incoming["from"] == "1003"
        assert ".invalid" in incoming["uri"]
        assert (await alice.state("disconnected"))["status"] == 486
    # The browser is gone, and nobody waits for it.
    admin.eventually(
        lambda: [one["reachable"] for one in admin.all("/registrations") if one["aor"] == "1018"],
        lambda reachable: reachable in ([], [False]),
    )
    async with ready(Phone(switch, "1004", tmp_path)) as (bob,):
        await bob.do("dial", number="1018")
        assert (await bob.state("disconnected"))["status"] == 480


async def test_a_wrong_password_is_told_to_a_browser(switch: Server, tmp_path: Path) -> None:
    async with browsing(tmp_path, **settings(switch, "1018") | {"password": "wrong"}) as page:
        assert (await page.expect("refused"))["status"] in (401, 403)


async def test_a_browser_asks_what_the_switch_can_do(switch: Server, tmp_path: Path) -> None:
    asked = settings(switch, "1019", then="options", target="sip:127.0.0.1")
    async with browsing(tmp_path, **asked) as page:
        answer = await page.expect("options")
        assert answer["status"] == 200
        assert "INVITE" in answer["allow"]


async def test_a_browsers_call_is_refused_cleanly_for_its_media(switch: Server, admin: Admin, tmp_path: Path) -> None:
    async with browsing(tmp_path, **settings(switch, "1020", then="call", target="sip:9196@127.0.0.1")) as page:
        failed = await page.expect("failed")
        assert failed["status"] == 488
    admin.nothing_live()
