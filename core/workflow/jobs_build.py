"""Jobs that produce images and packages: build, and distribution of images to registries.

Source: Zadig v4.0 document, `WorkflowBuildJobSpec` and `WorkflowDistributeImageJobSpec`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from core.workflow.base import OMIT_EMPTY, Flag, Many, NullIsZero, Text, Wire
from core.workflow.job import Job, JobType
from core.workflow.values import KeyVal, Repo

_FLAGS = {"": False, "true": True, "false": False}


class ServiceAndBuild(Wire):
    """One service to build."""

    service_name: Text = ""
    service_module: Text = ""
    build_name: Text = ""
    image: Text = ""
    package: Text = ""
    image_name: Text = ""
    key_vals: Many[KeyVal] = ()
    repos: Many[Repo] = ()


class BuildSpec(Wire):
    """What to build; with `source` `fromjob`, the services of `job_name`."""

    source: Text = ""
    job_name: Text = ""
    ref_repos: Flag = False
    service_and_builds: Many[ServiceAndBuild] = ()


class BuildJob(Job):
    """Builds services."""

    type: Literal[JobType.BUILD] = JobType.BUILD
    spec: Annotated[BuildSpec, NullIsZero()] = BuildSpec()


def _to_flag(value: Any) -> Any:
    return _FLAGS.get(value, value) if isinstance(value, str) else value  # strict validation rejects a text


class DistributeTarget(Wire):
    """One image to copy; without `update_tag` the source's tag is kept."""

    service_name: Text = ""
    service_module: Text = ""
    source_tag: Annotated[Text, OMIT_EMPTY] = ""
    target_tag: Annotated[Text, OMIT_EMPTY] = ""
    image_name: Annotated[Text, OMIT_EMPTY] = ""
    source_image: Annotated[Text, OMIT_EMPTY] = ""
    target_image: Annotated[Text, OMIT_EMPTY] = ""
    update_tag: Flag = False


class DistributeImageSpec(Wire):
    """Where images go; `distribute_method` is `image_push` or `cloud_sync`."""

    source: Text = ""
    job_name: Text = ""
    distribute_method: Text = ""
    targets: Many[DistributeTarget] = ()
    enable_target_image_tag_rule: Annotated[Flag, BeforeValidator(_to_flag)] = False
    """The document's table calls it a string: "", "true" and "false" are read too."""
    target_image_tag_rule: Text = ""


class DistributeImageJob(Job):
    """Copies images to another registry."""

    type: Literal[JobType.DISTRIBUTE_IMAGE] = JobType.DISTRIBUTE_IMAGE
    spec: Annotated[DistributeImageSpec, NullIsZero()] = DistributeImageSpec()
