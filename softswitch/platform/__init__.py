"""Plumbing: database, event log, HTTP, authentication of administrators, telemetry."""
