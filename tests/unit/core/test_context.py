"""What the owner of an environment publishes holds for the decisions that follow."""

from __future__ import annotations

from core.context import Environment, Policy
from tests.worlds import PEOPLE


def test_what_is_published_holds_and_the_rest_stays() -> None:
    first, second = Policy(destinations=("slack",)), Policy(destinations=("feishu",))
    environment = Environment(first)
    assert not environment.directory.people
    environment.publish(directory=PEOPLE)
    assert (environment.policy, environment.directory) == (first, PEOPLE)
    environment.publish(policy=second)
    assert (environment.policy, environment.directory) == (second, PEOPLE)
