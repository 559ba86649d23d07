"""Call control, pure: what is done when a party rings, answers, holds or hangs up."""
