"""What boxes, messages and lists are, and the rules that hold for them. Pure."""
