"""Links to other switches and carriers: calls that leave through them, and calls recognised as coming from them."""
