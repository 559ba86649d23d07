"""What if: a day of the contact centre on the engine that runs it, in virtual time."""
