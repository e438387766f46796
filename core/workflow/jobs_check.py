"""Jobs that check code: tests and scans.

Source: Zadig v4.0 document, `WorkflowTestingJobSpec` and `WorkflowScanningsJobSpec`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from core.workflow.base import Flag, Many, NullIsZero, Text, Wire, aliased_field
from core.workflow.job import Job, JobType
from core.workflow.values import KeyVal, Repo


class ServiceAndTest(Wire):
    """The test of one service."""

    service_name: Text = ""
    service_module: Text = ""
    name: Text = ""
    key_vals: Many[KeyVal] = ()
    repos: Many[Repo] = ()


class NamedTest(Wire):
    """A test by its name (the document's `TestModule`)."""

    name: Text = ""
    key_vals: Many[KeyVal] = ()
    repos: Many[Repo] = ()


class RunTestsSpec(Wire):
    """What to test: `service_and_tests` when `test_type` is `service_test`, else `test_modules`."""

    test_type: Text = aliased_field("test_type", "testing_type", default="")
    source: Text = ""
    job_name: Text = ""
    ref_repos: Flag = False
    service_and_tests: Many[ServiceAndTest] = ()
    test_modules: Many[NamedTest] = ()


class RunTestsJob(Job):
    """Runs tests."""

    type: Literal[JobType.TEST] = JobType.TEST
    spec: Annotated[RunTestsSpec, NullIsZero()] = RunTestsSpec()


class NamedScanning(Wire):
    """A scan by its name (the document's `ScanningsModule`)."""

    name: Text = ""
    repos: Many[Repo] = ()
    key_vals: Many[KeyVal] = ()


class ServiceAndScanning(Wire):
    """The scan of one service."""

    service_name: Text = ""
    service_module: Text = ""
    name: Text = ""
    repos: Many[Repo] = ()
    key_vals: Many[KeyVal] = ()


def _zadig_scanning_type(value: str) -> str:
    return "service_scanning" if value == "service_scannings" else value


class ScanningSpec(Wire):
    """What to scan: `service_and_scannings` when `scanning_type` is `service_scanning`, else `scannings`."""

    scanning_type: Annotated[Text, AfterValidator(_zadig_scanning_type)] = aliased_field(
        "scanning_type", "scannings_type", default=""
    )
    """The document's table has the value `service_scannings`; it is read as Zadig's."""
    source: Text = ""
    job_name: Text = ""
    ref_repos: Flag = False
    scannings: Many[NamedScanning] = aliased_field("scannings", "scannings_modules", default=())
    service_and_scannings: Many[ServiceAndScanning] = ()


class ScanningJob(Job):
    """Scans code."""

    type: Literal[JobType.SCANNING] = JobType.SCANNING
    spec: Annotated[ScanningSpec, NullIsZero()] = ScanningSpec()
