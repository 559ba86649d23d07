"""Somebody listens to a call, whispers to one of its parties, talks with both, or takes a party's place: ordered over
HTTP by who has the role for it, or by a code from the phones of accounts that were given the right."""
