"""`gateways._native.Netem` in Python."""

import random


class Netem:
    def __init__(
        self,
        seed: int,
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        delay: float = 0.0,
        jitter: float = 0.0,
    ) -> None:
        self._random = random.Random(seed)
        self._odds = loss, duplicate, reorder, delay, jitter

    def send(self, now: float) -> list[float]:
        """When a packet that is sent now arrives."""
        loss, duplicate, reorder, delay, jitter = self._odds
        chance = self._random.random
        if chance() < loss:
            return []
        copies = 2 if chance() < duplicate else 1
        return [
            now + delay + chance() * jitter + (max(delay, 0.02) * (1 + chance()) if chance() < reorder else 0.0)
            for _ in range(copies)
        ]
