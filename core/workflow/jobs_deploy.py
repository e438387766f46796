"""Jobs that deploy, to Kubernetes or Helm environments and to hosts.

Source: Zadig v4.0 document, `WorkflowDeployJobSpec` and `WorkflowVmDeployJobSpec`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from core.workflow.base import AnyJson, Flag, Many, NullIsZero, Text, Wire
from core.workflow.job import Job, JobType
from core.workflow.values import KeyVal, Repo


def _to_tuple(options: Any) -> Any:
    if isinstance(options, str):
        return (options,) if options else ()
    return tuple(options) if isinstance(options, list) else options  # strict validation rejects a list


class DeployModule(Wire):
    """The image of one service module."""

    service_module: Text = ""
    image: Text = ""
    image_name: Text = ""


class DeployVariable(Wire):
    """A variable of a service; `type` is `string`, `bool`, `enum` or `yaml`."""

    key: Text = ""
    value: AnyJson = None
    type: Text = ""
    options: Annotated[Many[Text], BeforeValidator(_to_tuple)] = ()
    """The document's table calls it a string: a single string is read as a list of one."""
    desc: Text = ""
    use_global_variable: Flag = False
    is_reference_variable: Flag = False


class DeployService(Wire):
    """One service to deploy; `value_merge_strategy` is `override` or `reuse-values` (Helm)."""

    service_name: Text = ""
    modules: Many[DeployModule] = ()
    deployed: Flag = False
    auto_sync: Flag = False
    update_config: Flag = False
    updatable: Flag = False
    variable_kvs: Many[DeployVariable] = ()
    variable_yaml: Text = ""
    value_merge_strategy: Text = ""
    override_kvs: Text = ""


class DeploySpec(Wire):
    """What to deploy where; `deploy_contents` holds `image`, `vars`, `config`."""

    env: Text = ""
    production: Flag = False
    deploy_type: Text = ""
    source: Text = ""
    env_source: Text = ""
    deploy_contents: Many[Text] = ()
    job_name: Text = ""
    version_name: Text = ""
    services: Many[DeployService] = ()


class DeployJob(Job):
    """Deploys services to an environment."""

    type: Literal[JobType.DEPLOY] = JobType.DEPLOY
    spec: Annotated[DeploySpec, NullIsZero()] = DeploySpec()


class ServiceAndVmDeploy(Wire):
    """One service to deploy to hosts; `deploy_artifact_type` is `file`, `image` or `other`."""

    repos: Many[Repo] = ()
    service_name: Text = ""
    service_module: Text = ""
    deploy_name: Text = ""
    deploy_artifact_type: Text = ""
    artifact_url: Text = ""
    file_name: Text = ""
    image: Text = ""
    key_vals: Many[KeyVal] = ()


class VmDeploySpec(Wire):
    """What to deploy to which hosts."""

    env: Text = ""
    production: Flag = False
    env_alias: Text = ""
    env_source: Text = ""
    ref_repos: Flag = False
    service_and_vm_deploys: Many[ServiceAndVmDeploy] = ()
    source: Text = ""
    job_name: Text = ""


class VmDeployJob(Job):
    """Deploys services to hosts."""

    type: Literal[JobType.VM_DEPLOY] = JobType.VM_DEPLOY
    spec: Annotated[VmDeploySpec, NullIsZero()] = VmDeploySpec()
