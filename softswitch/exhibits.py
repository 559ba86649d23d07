"""What is shown in meetings beside their members: a document, page by page, and cameras."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateways.video.cameras import Cameras
from gateways.video.documents import Documents, Page
from gateways.video.gateway import ComposerGateway
from gateways.video.records import Face
from softswitch.kernel.errors import Conflict


@dataclass
class _Shown:
    document: bytes = b""
    page: int = 0
    """The number of the picture at the composer; 0: there is none."""
    cameras: dict[int, int] = field(default_factory=dict)
    """Their numbers there, by members."""


class Exhibits:
    """Of all rooms, by the names of their mixes."""

    def __init__(
        self, composer: ComposerGateway, documents: Documents, cameras: Cameras, number: Callable[[], int]
    ) -> None:
        """`number` gives one that no member, source or scene has."""
        self._composer = composer
        self._documents = documents
        self._cameras = cameras
        self._number = number
        self._rooms: dict[str, _Shown] = {}
        self._lost: dict[int, Callable[[str], None]] = {}
        """Who is told what becomes of cameras, by their numbers."""

    def faces(self, room: str) -> tuple[Face, ...]:
        """As the composer is to show them."""
        shown = self._rooms.get(room)
        if shown is None:
            return ()
        return (Face("document", shown.page, content=True),) if shown.page else ()

    def camera(self, room: str, member: int) -> int:
        """The number of a camera's pictures; 0: it is not fetched."""
        shown = self._rooms.get(room)
        return 0 if shown is None else shown.cameras.get(member, 0)

    def shows(self, room: str) -> bool:
        """Whether there is anything to be seen in a room beside its members' own pictures."""
        shown = self._rooms.get(room)
        return shown is not None and bool(shown.page or shown.cameras)

    async def present(self, room: str, document: bytes, page: int) -> int:
        """Show a page instead of what was shown, and give how many there are. Raises Invalid and Unavailable."""
        drawn = await self._documents.page(document, page)
        self._hang(room, document, drawn)
        return drawn.pages

    async def turn(self, room: str, page: int) -> int:
        """Show another page. Raises Conflict where nothing is shown, and Invalid."""
        shown = self._rooms.get(room)
        if shown is None or not shown.page:
            raise Conflict("no-document", "no document is shown in this meeting")
        document = shown.document
        drawn = await self._documents.page(document, page)
        if shown.document is document and shown.page:  # nobody has shown another one meanwhile, or taken it away
            self._hang(room, document, drawn)
        return drawn.pages

    def take_away(self, room: str) -> None:
        """Show it no more."""
        shown = self._rooms.get(room)
        if shown is not None and shown.page:
            self._composer.drop(shown.page)
            shown.page, shown.document = 0, b""

    async def check_camera(self, url: str) -> None:
        """Raises Invalid and NotPermitted for what is not fetched."""
        await self._cameras.address(url)

    async def add_camera(self, room: str, member: int, url: str, sound: bool, lost: Callable[[str], None]) -> int:
        """Fetch a camera as a member, and give the number of its pictures and its sound; `lost` is told why there are
        no pictures, and nothing when there are. Raises Invalid and NotPermitted."""
        address = await self._cameras.address(url)
        number = self._number()
        self._rooms.setdefault(room, _Shown()).cameras[member] = number
        self._lost[number] = lost
        self._composer.camera(number, address, sound)
        return number

    def remove_camera(self, room: str, member: int) -> None:
        """Fetch it no more."""
        shown = self._rooms.get(room)
        number = None if shown is None else shown.cameras.pop(member, None)
        if number is not None:
            self._lost.pop(number, None)
            self._composer.drop(number)

    def camera_lost(self, number: int, reason: str) -> None:
        """Why a camera gives no pictures; empty: it does."""
        lost = self._lost.get(number)
        if lost is not None:
            lost(reason)

    def cameras_lost(self, reason: str) -> None:
        """None of them gives any, for there is nothing that fetches them."""
        for lost in list(self._lost.values()):
            lost(reason)

    def end(self, room: str) -> None:
        """A room needs nothing any more."""
        shown = self._rooms.get(room)
        if shown is not None:
            self.take_away(room)
            for member in list(shown.cameras):
                self.remove_camera(room, member)
            del self._rooms[room]

    def _hang(self, room: str, document: bytes, page: Page) -> None:
        self.take_away(room)
        shown = self._rooms.setdefault(room, _Shown())
        shown.document, shown.page = document, self._number()
        self._composer.still(shown.page, page.width, page.height, page.i420)
