"""The contact centre: callers wait in queues, agents serve them, and every number is exact and can be explained."""
