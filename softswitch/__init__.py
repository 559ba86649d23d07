"""Softswitch: an open, self-hosted SIP unified-communications switch."""

__version__ = "0.1.0"
