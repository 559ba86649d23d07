"""When somebody is there: hours of the week, public holidays, exceptions and a switch by hand, in a time zone. The dial
plan, flows, queues and people ask by a calendar's name."""
