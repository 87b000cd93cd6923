"""Loops over everybody: without the collector, and one thread at a time."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from provisioning.bulk import collector_off


def test_the_collector_rests_and_is_on_again_whatever_happens() -> None:
    with collector_off():
        assert not gc.isenabled()
        with collector_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ValueError, match="wrong"), collector_off():
        raise ValueError("wrong")
    assert gc.isenabled()


def test_two_threads_do_not_take_the_processor_from_each_other() -> None:
    inside, go, order = Event(), Event(), []

    def first() -> None:
        with collector_off():
            inside.set()
            go.wait(10)
            order.append("first")

    def second() -> None:
        inside.wait(10)
        go.set()
        with collector_off():
            order.append("second")

    with ThreadPoolExecutor(2) as threads:
        for ended in [threads.submit(first), threads.submit(second)]:
            ended.result(20)
    assert order == ["first", "second"]
