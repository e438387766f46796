"""Jobs that change configuration and data: Apollo, Nacos, SQL.

Source: Zadig v4.0 document, `WorkflowApolloJobSpec`, `WorkflowNacosJobSpec`, `WorkflowSqlJobSpec`, and Fabu's
local runner.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from core.workflow.base import OMIT_EMPTY, Many, NullIsZero, Text, Wire, aliased_field
from core.workflow.job import Job, JobType


class ApolloKV(Wire):
    """One entry of an Apollo namespace."""

    key: Text = ""
    val: Text = ""


class ApolloNamespace(Wire):
    """An Apollo namespace: the entries to publish and those that were there."""

    app_id: Text = aliased_field("appID", "app_id", default="")
    cluster_id: Text = aliased_field("clusterID", "cluster_id", default="")
    env: Text = ""
    namespace: Text = ""
    type: Text = ""
    original_config: Annotated[Many[ApolloKV], OMIT_EMPTY] = ()
    kv: Many[ApolloKV] = ()


class ApolloSpec(Wire):
    """What to publish on which Apollo server."""

    apollo_id: Text = aliased_field("apolloID", "apollo_id", default="")
    namespace_list: Many[ApolloNamespace] = aliased_field("namespaceList", "namespace_list", default=())


class ApolloJob(Job):
    """Publishes Apollo configuration."""

    type: Literal[JobType.APOLLO] = JobType.APOLLO
    spec: Annotated[ApolloSpec, NullIsZero()] = ApolloSpec()


class NacosData(Wire):
    """One Nacos configuration: its new content and the content that was there."""

    data_id: Text = ""
    group: Text = ""
    description: Annotated[Text, OMIT_EMPTY] = aliased_field("description", "desc", default="")
    format: Annotated[Text, OMIT_EMPTY] = ""
    content: Annotated[Text, OMIT_EMPTY] = ""
    original_content: Annotated[Text, OMIT_EMPTY] = ""
    namespace_id: Text = ""
    namespace_name: Text = ""


class NacosSpec(Wire):
    """What to publish on which Nacos server."""

    nacos_id: Text = ""
    namespace_id: Text = ""
    source: Text = ""
    nacos_datas: Many[NacosData] = ()


class NacosJob(Job):
    """Publishes Nacos configuration."""

    type: Literal[JobType.NACOS] = JobType.NACOS
    spec: Annotated[NacosSpec, NullIsZero()] = NacosSpec()


class SqlSpec(Wire):
    """The statement to run on the database instance `id`; `type` is `mysql` or `mariadb`."""

    id: Text = ""
    type: Text = ""
    sql: Text = ""
    source: Text = ""
    timeout: Annotated[Text, OMIT_EMPTY] = ""
    """A duration such as `10m`; only the local runner reads it, Zadig has no such field."""
    transaction: Annotated[
        bool, BeforeValidator(lambda value: True if value is None else value), Field(exclude_if=bool)
    ] = True
    """Whether all statements are committed together or not at all; only the local runner reads it."""


class SqlJob(Job):
    """Runs SQL."""

    type: Literal[JobType.SQL] = JobType.SQL
    spec: Annotated[SqlSpec, NullIsZero()] = SqlSpec()
