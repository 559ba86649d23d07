"""Push services that wake sleeping phones."""
