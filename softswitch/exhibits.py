"""What is shown in meetings beside their members: a document, page by page, and cameras."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gateways.video.cameras import Cameras
from gateways.video.documents import Documents, Page
from gateways.video.gateway import ComposerGateway
from gateways.video.records import Face
from softswitch.kernel.errors import Conflict, NotFound

MOST_CAMERAS = 8
"""In a room."""


@dataclass
class _Shown:
    document: bytes = b""
    page: int = 0
    """The number of the picture at the composer; 0: there is none."""
    cameras: dict[str, int] = field(default_factory=dict)


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

    def faces(self, room: str) -> tuple[Face, ...]:
        """As the composer is to show them."""
        shown = self._rooms.get(room)
        if shown is None:
            return ()
        page = (Face("document", shown.page, content=True),) if shown.page else ()
        return (*(Face(f"camera {name}", number, name) for name, number in shown.cameras.items()), *page)

    async def present(self, room: str, document: bytes, page: int) -> int:
        """Show a page instead of what was shown, and give how many there are. Raises Invalid and Unavailable."""
        drawn = await self._documents.page(document, page)
        self._hang(room, document, drawn)
        return drawn.pages

    async def turn(self, room: str, page: int) -> int:
        """Show another page. Raises NotFound where nothing is shown, and Invalid."""
        shown = self._rooms.get(room)
        if shown is None or not shown.page:
            raise NotFound("document", room)
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

    async def add_camera(self, room: str, name: str, url: str) -> None:
        """Show a camera instead of another of this name. Raises Invalid, NotPermitted, and Conflict for too many."""
        address = await self._cameras.address(url)
        shown = self._rooms.setdefault(room, _Shown())
        if name not in shown.cameras and len(shown.cameras) >= MOST_CAMERAS:
            raise Conflict("too-many-cameras", f"a room shows {MOST_CAMERAS} cameras at the most")
        self.remove_camera(room, name)
        shown.cameras[name] = self._number()
        self._composer.camera(shown.cameras[name], address, False)

    def remove_camera(self, room: str, name: str) -> None:
        """Show it no more."""
        shown = self._rooms.get(room)
        number = None if shown is None else shown.cameras.pop(name, None)
        if number is not None:
            self._composer.drop(number)

    def end(self, room: str) -> None:
        """A room needs nothing any more."""
        shown = self._rooms.get(room)
        if shown is not None:
            self.take_away(room)
            for name in list(shown.cameras):
                self.remove_camera(room, name)
            del self._rooms[room]

    def _hang(self, room: str, document: bytes, page: Page) -> None:
        self.take_away(room)
        shown = self._rooms.setdefault(room, _Shown())
        shown.document, shown.page = document, self._number()
        self._composer.still(shown.page, page.width, page.height, page.i420)
