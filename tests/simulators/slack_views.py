"""Modals and home tabs: opening, pushing, updating, closing. Slack docs: surfaces/modals, reference/methods/views.*."""

from __future__ import annotations

import copy
import secrets
from typing import Any, Literal

from .slack_arguments import object_of, require
from .slack_blocks import view_problems, view_too_large
from .slack_tickets import Triggers
from .slack_workspace import JSON, Refused, View, Workspace

STACK_DEPTH = 3
VIEW_ERROR = "invalid_blocks"


class Views:
    """The modals open now, and the newest home tab of each user."""

    def __init__(self, workspace: Workspace, triggers: Triggers) -> None:
        self._workspace = workspace
        self._triggers = triggers
        self.stacks: dict[str, list[View]] = {}
        """Open modals of each user, the topmost last."""
        self.homes: dict[str, View] = {}

    def open(self, arguments: JSON) -> JSON:
        """Exchange a trigger_id for a modal on the screen of its user."""
        require(arguments, "trigger_id")
        content = valid_view(object_of(arguments, "view"), "modal")
        self._unused_external_id(content)
        user = self._triggers.exchange(arguments["trigger_id"]).user
        view = self._new(user, content)
        self.stacks[user] = [view]
        return {"view": self.wire(view)}

    def push_by_trigger(self, arguments: JSON) -> JSON:
        """Exchange a trigger_id of a click in a modal for another modal on top of it."""
        require(arguments, "trigger_id")
        content = valid_view(object_of(arguments, "view"), "modal")
        self._unused_external_id(content)
        trigger = self._triggers.exchange(arguments["trigger_id"])
        stack = self.stacks.get(trigger.user, [])
        below = next((view for view in stack if view.id == trigger.view_id), None)
        if below is None:
            raise Refused("invalid_arguments", ["the trigger is of no modal that is open"])
        return {"view": self.wire(self.push(below, content))}

    def update(self, arguments: JSON) -> JSON:
        """Replace the content of an open modal."""
        if not arguments.get("view_id"):
            require(arguments, "external_id")
        view = self._open_view(arguments.get("view_id"), arguments.get("external_id"))
        self.replace(view, valid_view(object_of(arguments, "view"), "modal"), arguments.get("hash"))
        return {"view": self.wire(view)}

    def publish(self, arguments: JSON) -> JSON:
        """Set the home tab of a user."""
        require(arguments, "user_id")
        user = arguments["user_id"]
        if user not in self._workspace.people:
            raise Refused("invalid_arguments", ["invalid `user_id`"])
        content = valid_view(object_of(arguments, "view"), "home")
        view = self.homes.get(user) or self._new(user, content)
        self.replace(view, content, arguments.get("hash"))
        self.homes[user] = view
        return {"view": self.wire(view)}

    def replace(self, view: View, content: JSON, expected_hash: str | None = None) -> None:
        """Give a view new content and a new hash, or refuse with hash_conflict."""
        if expected_hash and expected_hash != view.hash:
            raise Refused("hash_conflict")
        self._unused_external_id(content, view)
        view.content = self._stored(content)
        view.hash = self._hash()

    def push(self, below: View, content: JSON) -> View:
        """Put a new modal on top of `below`, or refuse beyond three."""
        stack = self.stacks[below.user]
        if len(stack) >= STACK_DEPTH:
            raise Refused("push_limit_reached")
        view = self._new(below.user, content)
        view.root_id, view.previous_id = below.root_id, below.id
        stack.append(view)
        return view

    def close(self, view: View) -> None:
        """Take the topmost modal off the screen."""
        self.stacks[view.user].remove(view)

    def clear(self, user: str) -> None:
        """Take all modals of a user off the screen."""
        self.stacks[user] = []

    def find(self, view_id: str) -> View | None:
        """Return an open modal or a home tab by id."""
        everything = [view for stack in self.stacks.values() for view in stack] + list(self.homes.values())
        return next((view for view in everything if view.id == view_id), None)

    def wire(self, view: View, state: JSON | None = None) -> JSON:
        """Return a view with all fields that Slack fills in."""
        defaults: JSON = {
            "id": view.id,
            "team_id": self._workspace.team_id,
            "type": "modal",
            "blocks": [],
            "private_metadata": "",
            "callback_id": "",
            "state": {"values": state or {}},
            "hash": view.hash,
            "title": None,
            "clear_on_close": False,
            "notify_on_close": False,
            "close": None,
            "submit": None,
            "previous_view_id": view.previous_id,
            "root_view_id": view.root_id,
            "app_id": self._workspace.app_id,
            "external_id": "",
            "app_installed_team_id": self._workspace.team_id,
            "bot_id": self._workspace.bot_id,
        }
        return defaults | copy.deepcopy(view.content)

    def _new(self, user: str, content: JSON) -> View:
        view_id = self._workspace.next_id("V")
        return View(view_id, user, self._hash(), self._stored(content), root_id=view_id)

    def _stored(self, content: JSON) -> JSON:
        return copy.deepcopy(content) | {"blocks": self._workspace.with_ids(content["blocks"])}

    def _hash(self) -> str:
        return f"{int(self._workspace.clock.now())}.{secrets.token_hex(4)}"

    def _open_view(self, view_id: str | None, external_id: str | None) -> View:
        for view in (view for stack in self.stacks.values() for view in stack):
            if view.id == view_id or (external_id and view.content.get("external_id") == external_id):
                return view
        raise Refused("not_found")

    def _unused_external_id(self, content: JSON, same: View | None = None) -> None:
        wanted = content.get("external_id")
        everything = [view for stack in self.stacks.values() for view in stack] + list(self.homes.values())
        if wanted and any(view.content.get("external_id") == wanted for view in everything if view is not same):
            raise Refused("duplicate_external_id")


def valid_view(content: Any, kind: Literal["modal", "home"] | None) -> JSON:
    """Return a view that passed all checks, or refuse it."""
    if content is None:
        raise Refused("invalid_arguments", ["[ERROR] missing required field: view"])
    if view_too_large(content):
        raise Refused("view_too_large")
    if found := view_problems(content, kind):
        raise Refused(VIEW_ERROR, found)
    return dict(content)
