"""Text into sound: voices that are installed beside the switch, and what they have said before."""
