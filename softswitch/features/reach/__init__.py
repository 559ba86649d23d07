"""How a person is reached: forwarded always, when busy, when nobody answers or no phone is there; not disturbed;
with or without a second call; and the short numbers that person dials. Each person's own rules, as data."""
