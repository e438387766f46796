"""Feishu's approval v4: definitions, instances that run through their nodes, and the tasks of approvers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from .base import Clock
from .feishu_api import Api, Refused, parsed, text

_TIMELINE = {"APPROVED": "PASS", "REJECTED": "REJECT"}
NODE_TYPES = {"AND", "OR", "SEQUENTIAL"}


@dataclass
class Task:
    """What one approver is asked."""

    task_id: str
    node_id: str
    open_id: str
    status: str = "PENDING"
    comment: str = ""
    ended_at: float = 0.0

    def end(self, status: str, at: float, comment: str = "") -> None:
        """Record what has become of it at a moment (unix seconds)."""
        self.status, self.ended_at, self.comment = status, at, comment


@dataclass
class Instance:
    """One submitted form."""

    instance_code: str
    approval_code: str
    open_id: str
    form: list[dict[str, Any]]
    approvers: dict[str, list[str]]
    uuid: str
    started_at: float
    title: str = ""
    status: str = "PENDING"
    tasks: list[Task] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)
    comments: list[tuple[str, str]] = field(default_factory=list)
    reverted: bool = False

    def task_of(self, open_id: str) -> Task:
        """Return the open task of an approver."""
        return next(task for task in self.tasks if task.open_id == open_id and task.status == "PENDING")


class Approvals:
    """The approval forms of the tenant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)
        self.definitions: dict[str, dict[str, Any]] = {}
        self.subscribed: set[str] = set()
        self.instances: dict[str, Instance] = {}

    def apis(self) -> list[tuple[str, str, Api, str]]:
        """Return method, path, function and name of each API."""
        return [
            ("POST", "approval/v4/approvals", self._define, "approval.create"),
            ("POST", "approval/v4/approvals/{approval_code}/subscribe", self._subscribe, "approval.subscribe"),
            ("POST", "approval/v4/instances", self._start, "instance.create"),
            ("POST", "approval/v4/instances/cancel", self._cancel, "instance.cancel"),
            ("GET", "approval/v4/instances/{instance}", self._get, "instance.get"),
            ("POST", "approval/v4/instances/{instance}/comments", self._comment, "instance.comment"),
            ("GET", "approval/v4/approvals/{approval_code}", self._definition, "approval.get"),
        ]

    def decide(self, instance_code: str, open_id: str, decision: str, comment: str = "") -> tuple[Task, str]:
        """Let an approver APPROVE or REJECT; return the task, and the instance's new status or an empty string."""
        instance = self.instances[instance_code]
        task = instance.task_of(open_id)
        task.end(decision, self._clock.now(), comment)
        if decision == "REJECTED":
            return task, self._end(instance, "REJECTED")
        node = self._node(instance.approval_code, task.node_id)
        peers = [one for one in instance.tasks if one.node_id == task.node_id]
        if node["node_type"] != "OR" and any(one.status == "PENDING" for one in peers):
            return task, ""
        for peer in peers:
            if peer.status == "PENDING":
                peer.end("DONE", self._clock.now())
        return task, "" if self._ask_next(instance, task.node_id) else self._end(instance, "APPROVED")

    def transfer(self, instance_code: str, open_id: str, to: str) -> None:
        """Let an approver hand their task to somebody else."""
        instance = self.instances[instance_code]
        task = instance.task_of(open_id)
        task.end("TRANSFERRED", self._clock.now())
        self._ask(instance, task.node_id, to)
        self._note(instance, "TRANSFER", task, to)

    def add_approver(self, instance_code: str, open_id: str, added: str, kind: str = "ADD_APPROVER_BEFORE") -> None:
        """Let an approver add another one; with ADD_APPROVER_AFTER the approver approves by that."""
        instance = self.instances[instance_code]
        task = instance.task_of(open_id)
        if kind == "ADD_APPROVER_AFTER":
            task.end("APPROVED", self._clock.now())
        self._ask(instance, task.node_id, added)
        self._note(instance, kind, task, added)

    def roll_back(self, instance_code: str, open_id: str, comment: str = "", kind: str = "ROLLBACK") -> None:
        """Let an approver return the form to its submitter."""
        instance = self.instances[instance_code]
        task = instance.task_of(open_id)
        for each in instance.tasks:
            if each.status == "PENDING":
                each.end("DONE", self._clock.now())
        task.end("ROLLBACK", self._clock.now())
        self._ask(instance, "START", instance.open_id)
        self._note(instance, kind, task, comment=comment)

    def revert(self, instance_code: str) -> None:
        """Let the submitter revoke an approved form."""
        instance = self.instances[instance_code]
        assert instance.status == "APPROVED"
        instance.reverted = True

    def _ask(self, instance: Instance, node_id: str, open_id: str) -> None:
        instance.tasks.append(Task(f"TASK-{next(self._numbers)}", node_id, open_id))

    def _note(self, instance: Instance, kind: str, task: Task, other: str = "", comment: str = "") -> None:
        """Add an entry to the timeline. `ext` has the other person; the list beside it has those who get a copy."""
        entry = {"type": kind, "create_time": _milliseconds(self._clock.now()), "node_key": task.node_id}
        ext = {"user_id_list": [], "user_id": "", "open_id_list": [other], "open_id": other} if other else {}
        entry |= {"open_id": task.open_id, "task_id": task.task_id, "comment": comment, "ext": json.dumps(ext)}
        instance.timeline.append(entry | {"user_id_list": [], "open_id_list": []})

    def end(self, instance_code: str, status: str) -> None:
        """End a form as its submitter (CANCELED) or an administrator (DELETED) may."""
        self._end(self.instances[instance_code], status)

    def _define(self, _: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        text(body, "approval_name")
        widgets = parsed(body.get("form") or {}, "form_content")
        if not widgets or not all({"id", "type", "name"} <= widget.keys() for widget in widgets):
            raise Refused(60001, "param is invalid: form_content")
        nodes = body.get("node_list") or []
        if len(nodes) < 3 or nodes[0].get("id") != "START" or nodes[-1].get("id") != "END":
            raise Refused(60001, "param is invalid: node_list goes from START to END")
        if any(node.get("node_type") not in NODE_TYPES or not node.get("approver") for node in nodes[1:-1]):
            raise Refused(60001, "param is invalid: node_list")
        code = body.get("approval_code") or f"DEFINITION-{next(self._numbers)}"
        if body.get("approval_code") and code not in self.definitions:
            raise Refused(1390002, "approval code not found")
        self.definitions[code] = body
        return {"approval_code": code}

    def _definition(self, request: web.Request, _: dict[str, Any]) -> dict[str, Any]:
        definition = self.definitions.get(request.match_info["approval_code"])
        if definition is None:
            raise Refused(1390002, "approval code not found")
        nodes = [
            {
                "node_id": node["id"],
                "node_type": node.get("node_type", "AND"),
                "need_approver": any(one["type"] == "Free" for one in node.get("approver") or ()),
            }
            for node in definition["node_list"]
        ]
        return {
            "approval_name": "n",
            "status": "ACTIVE",
            "form": definition["form"]["form_content"],
            "node_list": nodes,
        }

    def _subscribe(self, request: web.Request, _: dict[str, Any]) -> dict[str, Any]:
        code = request.match_info["approval_code"]
        if code not in self.definitions:
            raise Refused(1390002, "approval code not found")
        if code in self.subscribed:
            raise Refused(1390007, "subscription existed")
        self.subscribed.add(code)
        return {}

    def _start(self, _: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        code = text(body, "approval_code")
        if code not in self.definitions:
            raise Refused(1390002, "approval code not found")
        uuid = text(body, "uuid", 64) if body.get("uuid") else ""
        if uuid and any(one.uuid == uuid for one in self.instances.values()):
            raise Refused(60012, "uuid conflict")
        shown = {one["key"]: one["value"] for each in body.get("i18n_resources") or () for one in each["texts"]}
        if body.get("title") and body["title"] not in shown:
            raise Refused(60001, "param is invalid: title")
        form = parsed(body, "form")
        widgets = json.loads(self.definitions[code]["form"]["form_content"])
        given = {field["id"] for field in form}
        if given - {widget["id"] for widget in widgets}:
            raise Refused(60014, "form has fields that the definition does not have")
        if missing := [one["id"] for one in widgets if one.get("required") and one["id"] not in given]:
            raise Refused(60014, f"form misses {missing}")
        approvers = {one["key"]: one["value"] for one in body.get("node_approver_open_id_list") or ()}
        instance_code = f"INSTANCE-{next(self._numbers)}"
        instance = Instance(
            instance_code,
            code,
            text(body, "open_id"),
            form,
            approvers,
            uuid,
            self._clock.now(),
            shown.get(body.get("title"), ""),
        )
        if not self._ask_next(instance, "START"):
            raise Refused(60001, "param is invalid: no approvers")
        self.instances[instance_code] = instance
        return {"instance_code": instance_code}

    def _get(self, request: web.Request, _: dict[str, Any]) -> dict[str, Any]:
        wanted = request.match_info["instance"]
        for instance in self.instances.values():
            if wanted in {instance.instance_code, instance.uuid}:
                return {
                    "instance_code": instance.instance_code,
                    "approval_code": instance.approval_code,
                    "open_id": instance.open_id,
                    "status": instance.status,
                    "uuid": instance.uuid,
                    "form": json.dumps(instance.form),
                    "task_list": [
                        {
                            "id": task.task_id,
                            "open_id": task.open_id,
                            "status": task.status,
                            "node_id": task.node_id,
                            "end_time": _milliseconds(task.ended_at),
                        }
                        for task in instance.tasks
                    ],
                    "timeline": [
                        {
                            "type": _TIMELINE[task.status],
                            "create_time": _milliseconds(task.ended_at),
                            "open_id": task.open_id,
                            "task_id": task.task_id,
                            "comment": task.comment,
                        }
                        for task in instance.tasks
                        if task.status in _TIMELINE
                    ]
                    + instance.timeline,
                    "comment_list": [{"open_id": author, "comment": words} for author, words in instance.comments],
                    "reverted": instance.reverted,
                }
        raise Refused(1390003, "instance code not found")

    def _comment(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        if request.query.get("user_id_type") != "open_id":
            raise Refused(60001, "param is invalid: user_id_type")
        instance = self.instances.get(request.match_info["instance"])
        if instance is None:
            raise Refused(1390003, "instance code not found")
        content = json.loads(text(body, "content"))
        instance.comments.append((request.query["user_id"], content["text"]))
        return {"comment_id": str(len(instance.comments))}

    def _cancel(self, request: web.Request, body: dict[str, Any]) -> dict[str, Any]:
        if request.query.get("user_id_type") != "open_id":
            raise Refused(60001, "param is invalid: user_id_type")
        instance = self.instances.get(text(body, "instance_code"))
        if instance is None or instance.approval_code != text(body, "approval_code"):
            raise Refused(1390003, "instance code not found")
        if instance.open_id != text(body, "user_id") or instance.status != "PENDING":
            raise Refused(1390008, "no operation permission")
        self._end(instance, "CANCELED")
        return {}

    def _node(self, approval_code: str, node_id: str) -> dict[str, Any]:
        nodes = self.definitions[approval_code]["node_list"]
        return next(node for node in nodes if node["id"] == node_id)

    def _ask_next(self, instance: Instance, node_id: str) -> bool:
        """Open the tasks of the node after `node_id`; False if that is the end."""
        nodes = self.definitions[instance.approval_code]["node_list"]
        ids = [node["id"] for node in nodes]
        following = nodes[ids.index(node_id) + 1]
        if following["id"] == "END":
            return False
        chosen = [one["user_id"] for one in following["approver"] if one["type"] == "Personal"]
        chosen = chosen or instance.approvers.get(following["id"], [])
        if not chosen:
            raise Refused(60001, f"param is invalid: node {following['id']} has no approvers")
        instance.tasks += [Task(f"TASK-{next(self._numbers)}", following["id"], open_id) for open_id in chosen]
        return True

    def _end(self, instance: Instance, status: str) -> str:
        instance.status = status
        for task in instance.tasks:
            if task.status == "PENDING":
                task.end("DONE", self._clock.now())
        return status


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))
