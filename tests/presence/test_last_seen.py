"""Storing when people were last seen: in bulk, never back, whoever else stores or deletes at the same time."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from presence.models import LastSeen
from presence.services import USERS_PER_STATEMENT, store_last_seen
from tests.conftest import Cast, make_user

NOON = datetime.datetime(2026, 11, 22, 12, 0, 0, 402_000, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


def stored() -> dict[uuid.UUID, datetime.datetime]:
    """Return what is stored."""
    return dict(LastSeen.objects.values_list("user_id", "at"))


def run_together(*functions: Callable[[], None]) -> list[BaseException]:
    """Run the functions in threads with connections of their own; returns what they raised."""
    errors: list[BaseException] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:  # noqa: BLE001  (the test looks at all of them)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[function], daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return errors


def test_last_seen_goes_forward_only(cast: Cast) -> None:
    store_last_seen({cast.owner.pk: NOON})
    store_last_seen({cast.owner.pk: NOON - MINUTE, cast.member.pk: NOON})
    assert stored() == {cast.owner.pk: NOON, cast.member.pk: NOON}
    store_last_seen({cast.owner.pk: NOON + MINUTE, cast.member.pk: NOON})
    store_last_seen({cast.owner.pk: NOON + MINUTE})
    assert stored() == {cast.owner.pk: NOON + MINUTE, cast.member.pk: NOON}


def test_moments_are_compared_to_the_microsecond(cast: Cast) -> None:
    whole = NOON.replace(microsecond=0)
    for at in (whole, whole + datetime.timedelta(microseconds=1), whole):
        store_last_seen({cast.owner.pk: at})
    assert stored() == {cast.owner.pk: whole + datetime.timedelta(microseconds=1)}


def test_moments_of_another_time_zone_are_the_same_moments(cast: Cast) -> None:
    west = datetime.timezone(datetime.timedelta(hours=-8))
    store_last_seen({cast.owner.pk: NOON})
    store_last_seen({cast.owner.pk: (NOON - MINUTE).astimezone(west)})
    assert stored() == {cast.owner.pk: NOON}
    store_last_seen({cast.owner.pk: (NOON + MINUTE).astimezone(west)})
    assert stored() == {cast.owner.pk: NOON + MINUTE}


def test_who_is_gone_does_not_lose_the_others(cast: Cast) -> None:
    store_last_seen({uuid.uuid4(): NOON, cast.owner.pk: NOON, uuid.uuid4(): NOON})
    assert stored() == {cast.owner.pk: NOON}
    connection.check_constraints()


def test_nobody_costs_nothing(cast: Cast) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        store_last_seen({})
    assert len(queries) == 0


def test_one_query_for_each_part(cast: Cast) -> None:
    users = get_user_model()
    people = users.objects.bulk_create(users(username=f"p{number}") for number in range(USERS_PER_STATEMENT + 1))
    for at in (NOON, NOON + MINUTE):
        with CaptureQueriesContext(connection) as queries:
            store_last_seen({user.pk: at for user in people})
        assert len(queries) == 2
        assert set(stored().values()) == {at}
        assert len(stored()) == len(people)


@pytest.mark.django_db(transaction=True)
def test_two_that_store_the_same_people_at_once() -> None:
    users = get_user_model()
    people = users.objects.bulk_create(users(username=f"p{number}") for number in range(200))
    rounds = 15

    def store(order: int, late: datetime.timedelta) -> Callable[[], None]:
        def run() -> None:
            for number in range(rounds):
                store_last_seen({user.pk: NOON + number * MINUTE + late for user in people[::order]})

        return run

    assert run_together(store(1, MINUTE / 2), store(-1, MINUTE / 3), store(1, MINUTE / 4)) == []
    assert set(stored().values()) == {NOON + (rounds - 1) * MINUTE + MINUTE / 2}


@pytest.mark.django_db(transaction=True)
def test_somebody_who_is_deleted_meanwhile_does_not_lose_the_others() -> None:
    gone, stays = make_user("gone"), make_user("stays")
    pk, waiting = gone.pk, threading.Event()

    def store() -> None:
        waiting.wait(10)
        store_last_seen({pk: NOON, stays.pk: NOON})

    thread_errors: list[BaseException] = []
    other = threading.Thread(target=lambda: thread_errors.extend(run_together(store)), daemon=True)
    other.start()
    with transaction.atomic():
        gone.delete()
        waiting.set()
        other.join(0.5)  # on PostgreSQL it has found the user by now, and waits for how this ends
    other.join(20)
    assert not other.is_alive()
    assert thread_errors == []
    assert stored() == {stays.pk: NOON}
