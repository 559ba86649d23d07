"""Calls wait in numbered slots until somebody dials the slot; a phone that rings elsewhere is answered from here."""
