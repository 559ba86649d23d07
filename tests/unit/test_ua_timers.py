from gateways.sip.ua.timers import TimerTable


def test_what_is_due_happens_in_order_of_time_and_then_of_setting() -> None:
    table, done = TimerTable(), list[str]()
    for due, name in ((3.0, "c"), (1.0, "a"), (3.0, "d"), (2.0, "b"), (9.0, "later")):
        table.set(due, lambda name=name: done.append(name))  # type: ignore[misc]
    table.run(3.0)
    assert done == ["a", "b", "c", "d"]
    assert table.deadline() == 9.0


def test_a_cancelled_timer_does_not_happen_and_is_no_deadline() -> None:
    table, done = TimerTable(), list[str]()
    first = table.set(1.0, lambda: done.append("first"))
    table.set(2.0, lambda: done.append("second"))
    first.cancel()
    first.cancel()
    assert table.deadline() == 2.0
    table.run(5.0)
    assert done == ["second"]
    assert table.deadline() is None
    assert len(table) == 0


def test_what_becomes_due_while_timers_run_happens_in_the_same_go() -> None:
    table, done = TimerTable(), list[str]()

    def first() -> None:
        done.append("first")
        table.set(1.0, lambda: done.append("at once"))

    table.set(1.0, first)
    table.run(1.0)
    assert done == ["first", "at once"]


def test_cancelled_timers_do_not_pile_up() -> None:
    table = TimerTable()
    keep = table.set(100.0, lambda: None)
    for number in range(10_000):
        table.set(60.0 + number, lambda: None).cancel()
        assert len(table._heap) < 200
    assert len(table) == 1
    keep.cancel()
    assert table.deadline() is None
