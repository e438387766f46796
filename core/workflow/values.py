"""The values that several job types share: a repository and a variable (Zadig v4.0 document: `Repo`, `KeyVal`)."""

from __future__ import annotations

from typing import Annotated

from core.workflow.base import OMIT_EMPTY, Flag, Int64, Many, Text, Wire


class Repo(Wire):
    """A repository and what is checked out of it."""

    source: Text = ""
    repo_owner: Text = ""
    repo_namespace: Text = ""
    repo_name: Text = ""
    remote_name: Text = ""
    branch: Text = ""
    prs: Many[Int64] = ()
    tag: Text = ""
    commit_id: Text = ""
    commit_message: Text = ""
    checkout_path: Text = ""
    codehost_id: Int64 = 0
    address: Text = ""


class KeyVal(Wire):
    """A variable of a job. Zadig's types: string, choice, multi-select, image, script, file, external; others occur."""

    key: Text = ""
    value: Text = ""
    type: Annotated[Text, OMIT_EMPTY] = ""
    registry_id: Text = ""
    choice_option: Annotated[Many[Text], OMIT_EMPTY] = ()
    choice_value: Annotated[Many[Text], OMIT_EMPTY] = ()
    script: Annotated[Text, OMIT_EMPTY] = ""
    call_function: Annotated[Text, OMIT_EMPTY] = ""
    function_reference: Annotated[Many[Text], OMIT_EMPTY] = ()
    file_path: Annotated[Text, OMIT_EMPTY] = ""
    file_name: Annotated[Text, OMIT_EMPTY] = ""
    file_id: Annotated[Text, OMIT_EMPTY] = ""
    is_credential: Flag = False
    description: Text = ""
    required: Annotated[Flag, OMIT_EMPTY] = False
    source: Text = ""
