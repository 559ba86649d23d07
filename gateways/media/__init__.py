"""The Python face of the media engine."""
