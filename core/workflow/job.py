"""What all job types of a workflow have in common (Zadig v4.0 document: `WorkflowJob`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator

from core.workflow.base import AnyJson, Text, Wire


class JobType(StrEnum):
    """The job types of the document."""

    BUILD = "zadig-build"
    DEPLOY = "zadig-deploy"
    VM_DEPLOY = "zadig-vm-deploy"
    FREESTYLE = "freestyle"
    TEST = "zadig-test"
    SCANNING = "zadig-scanning"
    APOLLO = "apollo"
    NACOS = "nacos"
    SQL = "sql"
    DISTRIBUTE_IMAGE = "zadig-distribute-image"


OTHER_TYPES = frozenset(
    [
        "ai-release-specialist",
        "ai-task",
        "apisix",
        "approval",
        "blueking",
        "build",
        "custom-deploy",
        "deploy",
        "dms",
        "grafana",
        "guanceyun-check",
        "istio-release",
        "istio-rollback",
        "jenkins",
        "jira",
        "k8s-blue-green-deploy",
        "k8s-blue-green-release",
        "k8s-canary-deploy",
        "k8s-canary-release",
        "k8s-gray-release",
        "k8s-gray-rollback",
        "k8s-resource-patch",
        "meego-transition",
        "mse-gray-offline",
        "mse-gray-release",
        "notification",
        "offline-service",
        "pingcode",
        "plugin",
        "sae-deploy",
        "tapd",
        "update-env-istio-config",
        "workflow-trigger",
        "zadig-helm-chart-deploy",
        "zadig-helm-deploy",
        "zadig-restart",
    ]
)
"""Zadig's other job types (`pkg/microservice/aslan/config/consts.go`), whose specs are kept as they come."""


class Job(Wire):
    """One job of a stage; each type narrows `type` and `spec`.

    `run_policy` is `default_not_run`, `force_run`, `skip` or, for the ordinary run, empty.
    """

    known: ClassVar[bool] = True
    """Whether Fabu has a model of the spec. A draft may reject an unknown job; a hook from Zadig may not."""

    name: Text = ""
    type: Text
    spec: AnyJson | Wire
    run_policy: Text = ""

    @property
    def runs(self) -> bool:
        """Whether a run includes the job. One that does not run by default is left out: nobody selects it in a plan."""
        return self.run_policy not in ("skip", "default_not_run")


def _reject_known(kind: str) -> str:
    if kind in set(JobType):
        raise ValueError("this job type has a model of its own")
    return kind


class UnknownJob(Job):
    """A job of any other type, such as Zadig's `tapd`; its spec is kept as it came.

    Zadig may send the spec of another job here, or `null`: do not interpret it.
    """

    known: ClassVar[bool] = False

    type: Annotated[Text, AfterValidator(_reject_known)]
    spec: AnyJson = None
