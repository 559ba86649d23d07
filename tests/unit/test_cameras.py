"""Which cameras may be fetched."""

import pytest

from gateways.video.cameras import Cameras
from softswitch.kernel.errors import Invalid, NotPermitted


async def there(host: str, port: int) -> list[str]:
    found = {"door.example.com": ["192.0.2.7"], "six.example.com": ["2001:db8::1"], "192.0.2.9": ["192.0.2.9"]}
    if host not in found:
        raise OSError("no such host")
    return found[host]


CAMERAS = Cameras({"door.example.com", "six.example.com:8554", "192.0.2.9", "gone.example.com", "[2001:db8::2]"}, there)


@pytest.mark.parametrize(
    ("url", "fetched"),
    [
        ("rtsp://door.example.com/stream?channel=1", "rtsp://192.0.2.7:554/stream?channel=1"),
        ("rtsp://Door.Example.com:8554/", "rtsp://192.0.2.7:8554/"),
        ("rtsp://viewer:s%40cret@door.example.com/1", "rtsp://viewer:s%40cret@192.0.2.7:554/1"),
        ("rtsp://six.example.com:8554/1", "rtsp://[2001:db8::1]:8554/1"),
        ("rtsp://192.0.2.9/1", "rtsp://192.0.2.9:554/1"),
    ],
)
async def test_a_camera_is_fetched_at_the_address_that_was_looked_at(url: str, fetched: str) -> None:
    assert await CAMERAS.address(url) == fetched


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://127.0.0.1/1",
        "rtsp://six.example.com/1",
        "rtsp://door.example.com.evil.example/1",
        "rtsp://door.example.com@127.0.0.1/1",
        "rtsp://[::1]/1",
    ],
)
async def test_hosts_that_are_not_allowed_are_not_fetched(url: str) -> None:
    with pytest.raises(NotPermitted, match=r"video\.camera_hosts does not allow"):
        await CAMERAS.address(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://door.example.com/1",
        "rtsps://door.example.com/1",
        "concat:rtsp://door.example.com/1",
        "rtsp:///1",
        "rtsp://door.example.com:999999/1",
        "rtsp://door.example.com/a b",
        "rtsp://door.example.com/\r\nSET_PARAMETER",
        "rtsp://[door/1",
        "rtsp://door.example.com/" + "a" * 2000,
        "rtsp://gone.example.com/1",
    ],
)
async def test_what_is_no_camera_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        await CAMERAS.address(url)
