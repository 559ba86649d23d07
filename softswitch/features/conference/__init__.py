"""Conference rooms: members of every kind hear each other, come by number and PIN or are called by the room."""
