"""The wire models of a workflow, its ten job types, and the hook body that carries it.

Source: Zadig v4.0 document "发布计划" and Zadig's own JSON; `base` tells how the two are reconciled.
"""

from core.workflow.base import AnyJson, Wire
from core.workflow.credentials import MASK, credentials, join_credentials, mask_credentials, split_credentials
from core.workflow.hook import (
    HookJob,
    HookReleasePlan,
    ReleasePlanHook,
    TextHookJob,
    TextSpec,
    WorkflowHookJob,
    WorkflowSpec,
    canonical_status,
)
from core.workflow.job import Job, JobType, UnknownJob
from core.workflow.jobs_build import (
    BuildJob,
    BuildSpec,
    DistributeImageJob,
    DistributeImageSpec,
    DistributeTarget,
    ServiceAndBuild,
)
from core.workflow.jobs_check import (
    NamedScanning,
    NamedTest,
    RunTestsJob,
    RunTestsSpec,
    ScanningJob,
    ScanningSpec,
    ServiceAndScanning,
    ServiceAndTest,
)
from core.workflow.jobs_config import (
    ApolloJob,
    ApolloKV,
    ApolloNamespace,
    ApolloSpec,
    NacosData,
    NacosJob,
    NacosSpec,
    SqlJob,
    SqlSpec,
)
from core.workflow.jobs_deploy import (
    DeployJob,
    DeployModule,
    DeployService,
    DeploySpec,
    DeployVariable,
    ServiceAndVmDeploy,
    VmDeployJob,
    VmDeploySpec,
)
from core.workflow.jobs_script import FreestyleJob, FreestyleService, FreestyleSpec
from core.workflow.values import KeyVal, Repo
from core.workflow.workflow import KnownJob, Param, Workflow, WorkflowJob, WorkflowStage

__all__ = [
    "MASK",
    "AnyJson",
    "ApolloJob",
    "ApolloKV",
    "ApolloNamespace",
    "ApolloSpec",
    "BuildJob",
    "BuildSpec",
    "DeployJob",
    "DeployModule",
    "DeployService",
    "DeploySpec",
    "DeployVariable",
    "DistributeImageJob",
    "DistributeImageSpec",
    "DistributeTarget",
    "FreestyleJob",
    "FreestyleService",
    "FreestyleSpec",
    "HookJob",
    "HookReleasePlan",
    "Job",
    "JobType",
    "KeyVal",
    "KnownJob",
    "NacosData",
    "NacosJob",
    "NacosSpec",
    "NamedScanning",
    "NamedTest",
    "Param",
    "ReleasePlanHook",
    "Repo",
    "RunTestsJob",
    "RunTestsSpec",
    "ScanningJob",
    "ScanningSpec",
    "ServiceAndBuild",
    "ServiceAndScanning",
    "ServiceAndTest",
    "ServiceAndVmDeploy",
    "SqlJob",
    "SqlSpec",
    "TextHookJob",
    "TextSpec",
    "UnknownJob",
    "VmDeployJob",
    "VmDeploySpec",
    "Wire",
    "Workflow",
    "WorkflowHookJob",
    "WorkflowJob",
    "WorkflowSpec",
    "WorkflowStage",
    "canonical_status",
    "credentials",
    "join_credentials",
    "mask_credentials",
    "split_credentials",
]
