"""What queues and agents did, in figures: now, and in any interval of the past.

Everything here is a view of the facts of `softswitch.events.queues`. They are heard one by one, for the figures of
this moment; with them, in the same transaction, go rows that reports are made of by SQL. Facts, rows and the view in
memory say the same, to the call and the millisecond.
"""
