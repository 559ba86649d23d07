"""The sound of a live call by order: what a party hears beside its partner, and servers that listen and speak."""
