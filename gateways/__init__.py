"""Gateways: where protocols begin. Each knows the switch's ports and words, and no other gateway."""
