"""The media doctor: each call that had trouble with its sound carries a plain sentence that names it, the leg and the
packet or header. A call that was well carries none."""
