"""One folder a capability; none imports another."""
