"""A client of DingTalk's APIs: cards, robot messages, people, and approval forms.

Every method raises `DeliveryError` if DingTalk does not accept the request, with `retryable`, `retry_after` and `sent`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Literal

import aiohttp
from yarl import URL

from adapters.common.connecting import Reachability
from adapters.common.settings import is_loopback
from adapters.dingtalk.errors import (
    NO_SUCH_USER,
    SYSTEM,
    THROTTLED_FOR,
    TOKEN_REFUSED,
    PersonLimited,
    is_outage,
    no_answer,
    older_code,
    read_older_error,
)
from adapters.dingtalk.events import Member, ProcessInstance
from adapters.dingtalk.sdk import OpenApi, Operation, base_url
from adapters.dingtalk.settings import DingTalkSettings
from adapters.dingtalk.validate import delivery_problems, update_problems
from core.errors import DeliveryError
from core.messages import Message
from core.ports.clock import Clock

log = logging.getLogger(__name__)

_CREATE_CARD = Operation("card_1_0", "CreateAndDeliver", "create_and_deliver_with_options_async")
_UPDATE_CARD = Operation("card_1_0", "UpdateCard", "update_card_with_options_async")
_REGISTER_CALLBACK = Operation("card_1_0", "RegisterCallback", "register_callback_with_options_async")
_SEND_USERS = Operation("robot_1_0", "BatchSendOTO", "batch_send_otowith_options_async")
_SEND_GROUP = Operation("robot_1_0", "OrgGroupSend", "org_group_send_with_options_async")
_LIST_ROBOTS = Operation("robot_1_0", "GetBotListInGroup", "get_bot_list_in_group_with_options_async")
_START_PROCESS = Operation("workflow_1_0", "StartProcessInstance", "start_process_instance_with_options_async")
_GET_PROCESS = Operation("workflow_1_0", "GetProcessInstance", "get_process_instance_with_options_async")
_TERMINATE_PROCESS = Operation(
    "workflow_1_0", "TerminateProcessInstance", "terminate_process_instance_with_options_async"
)
_COMMENT_PROCESS = Operation(
    "workflow_1_0", "AddProcessInstanceComment", "add_process_instance_comment_with_options_async"
)
_LIST_PROCESSES = Operation("workflow_1_0", "ListProcessInstanceIds", "list_process_instance_ids_with_options_async")

_PAGE = 20
"""The maximum number of ids in one page of `ListProcessInstanceIds`."""

TIMEOUT = timedelta(seconds=8)
"""How long one call may take."""
_ROUTE = "fabu"
"""The key under which the callback URL of cards is registered in mode http."""


@dataclass(frozen=True, slots=True)
class Space:
    """The place of a card: the 1:1 chat of a user with the robot, or a group."""

    kind: Literal["user", "group"]
    id: str
    """`userId`, or `openConversationId`."""


@dataclass(frozen=True, slots=True)
class Approvers:
    """One step of an approval form: all approvers decide (AND), any one of them (OR), or a single approver (NONE)."""

    action_type: Literal["AND", "OR", "NONE"]
    user_ids: Sequence[str]


class DingTalkClient:
    """Calls DingTalk as one app."""

    def __init__(
        self, settings: DingTalkSettings, session: aiohttp.ClientSession, clock: Clock, timeout: timedelta = TIMEOUT
    ) -> None:
        """Use `session` for the calls that the SDK does not have; raise ValueError for URLs that are not secure."""
        self.settings = settings
        self.session = session
        self.receives_clicks = settings.mode == "stream"
        """Whether DingTalk knows where to send clicks; until then it creates no cards."""
        secret = settings.client_secret.get_secret_value()
        self._api = OpenApi(settings.api_url, settings.client_id, secret, clock, timeout)
        self._oapi = base_url(settings.oapi_url)
        cure = f"let this machine reach {settings.oapi_url}, or check dingtalk.oapi_url"
        self._reachability = Reachability("DingTalk's older API", cure, log)
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())

    async def create_and_deliver(
        self,
        out_track_id: str,
        space: Space,
        params: Mapping[str, str],
        private: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Create and send a card; `private` maps a userId to the variables that only this person sees.

        Safe to repeat: DingTalk keeps the first card of an `out_track_id`. It ignores the data of later ones, so
        follow a repeated call with `update_card`.
        """
        if not self.receives_clicks:
            raise DeliveryError(SYSTEM, Message("clicks on cards do not reach Fabu yet"), retryable=True, sent=False)
        by_http = {"callbackType": "HTTP", "callbackRouteKey": _ROUTE}
        body = {
            "cardTemplateId": self.settings.card_template_id,
            "outTrackId": out_track_id,
            "userIdType": 1,
            **(by_http if self.settings.mode == "http" else {"callbackType": "STREAM"}),
            **_card_data(params, private),
            **_space_models(space, self.settings.robot_code),
        }
        _check(delivery_problems(body))
        answer = await self._api.call(_CREATE_CARD, body)
        results = (answer.get("result") or {}).get("deliverResults") or ()
        failed = [str(result.get("errorMsg") or "") for result in results if not result.get("success")]
        if failed or not (answer.get("success") and results):
            reason = Message("card not delivered: {why}", {"why": "; ".join(failed)})
            raise DeliveryError(SYSTEM, reason, retryable=False)

    async def update_card(
        self,
        out_track_id: str,
        params: Mapping[str, str],
        private: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """Update some variables of a card; the others stay.

        DingTalk does not order updates: never send two for one card at the same time.
        """
        by_key = {"updateCardDataByKey": True, "updatePrivateDataByKey": True}
        body = {
            "outTrackId": out_track_id,
            "userIdType": 1,
            "cardUpdateOptions": by_key,
            **_card_data(params, private),
        }
        _check(update_problems(body))
        answer = await self._api.call(_UPDATE_CARD, body)
        if not answer.get("success"):
            raise DeliveryError(SYSTEM, Message("card not updated"), retryable=False)

    async def register_card_callback(self, url: str, secret: str) -> None:
        """Register `url` as the receiver of clicks, which DingTalk signs with `secret`, in mode http."""
        body = {
            "callbackRouteKey": _ROUTE,
            "callbackUrl": url,
            "apiSecret": secret,
            "forceUpdate": True,
        }
        answer = await self._api.call(_REGISTER_CALLBACK, body)
        if not answer.get("success"):
            raise DeliveryError(SYSTEM, Message("callback address not registered"), retryable=False)
        self.receives_clicks = True

    async def send_robot_user(self, user_ids: Sequence[str], msg_key: str, params: Mapping[str, str]) -> list[str]:
        """Send a robot message 1:1, e.g. `sampleMarkdown` with `title` and `text`; return the users who cannot get it.

        Raise PersonLimited if users are over DingTalk's rate limit; when repeated, the others get the
        message again.
        """
        body = {**self._robot_message(msg_key, params), "userIds": list(user_ids)}
        answer = await self._api.call(_SEND_USERS, body)
        if answer.get("flowControlledStaffIdList"):
            raise PersonLimited
        return [*(answer.get("invalidStaffIdList") or ()), *(answer.get("filteredStaffIdList") or ())]

    async def send_robot_group(self, conversation_id: str, msg_key: str, params: Mapping[str, str]) -> None:
        """Send a robot message to the group with this openConversationId."""
        body = {**self._robot_message(msg_key, params), "openConversationId": conversation_id}
        await self._api.call(_SEND_GROUP, body)

    async def list_robots(self, conversation_id: str) -> list[str]:
        """Return the codes of the robots in the group with this openConversationId."""
        answer = await self._api.call(_LIST_ROBOTS, {"openConversationId": conversation_id})
        return [robot["robotCode"] for robot in answer.get("chatbotInstanceVOList") or ()]

    async def reply_session_webhook(self, url: str, msgtype: str, content: Mapping[str, str]) -> None:
        """Reply to a message in its chat: `text` with `content`, or `markdown` with `title` and `text`.

        A URL that is not one of DingTalk's gets nothing.
        """
        webhook = _parse_webhook(url, self.settings.webhook_hosts)
        if webhook is None:
            reason = Message("the sessionWebhook of this message does not belong to DingTalk")
            raise DeliveryError(SYSTEM, reason, retryable=False, sent=False)
        await self._post(webhook, {"msgtype": msgtype, msgtype: dict(content)})

    async def find_user_by_mobile(self, mobile: str) -> str | None:
        """Return the userId of a member of the organisation, or None if nobody has this number."""
        answer = await self._call_older("topapi/v2/user/getbymobile", {"mobile": mobile}, NO_SUCH_USER)
        user: str | None = (answer.get("result") or {}).get("userid")
        return user

    async def get_user(self, user_id: str) -> Member | None:
        """Return a member of the organisation, or None if there is none with this userId."""
        answer = await self._call_older("topapi/v2/user/get", {"userid": user_id}, NO_SUCH_USER)
        return Member.model_validate(answer["result"]) if answer.get("result") else None

    async def sign_in(self) -> None:
        """Fetch an access token, unless there is one; this verifies the client id and secret."""
        await self._api.token.get()

    async def close(self) -> None:
        """Close the session."""
        await self.session.close()

    async def start_process(
        self, process_code: str, originator: str, form: Mapping[str, str], approvers: Iterable[Approvers] = ()
    ) -> str:
        """Open an approval form and return its instance id.

        Not safe to repeat: DingTalk has no idempotency keys. After an error with `sent`, search for the form with
        `find_processes` before repeating the call. Without `approvers` the form's own flow applies.
        """
        steps = [{"actionType": step.action_type, "userIds": list(step.user_ids)} for step in approvers]
        body = {
            "processCode": process_code,
            "originatorUserId": originator,
            "formComponentValues": [{"name": name, "value": value} for name, value in form.items()],
            "approvers": steps,
        }
        answer = await self._api.call(_START_PROCESS, body)
        instance_id: str = answer["instanceId"]
        return instance_id

    async def get_process(self, instance_id: str) -> ProcessInstance:
        """Return the present state of an approval form."""
        answer = await self._api.call(_GET_PROCESS, {"processInstanceId": instance_id})
        return ProcessInstance.model_validate(answer["result"])

    async def comment_process(self, instance_id: str, author: str, text: str) -> None:
        """Add a comment to an approval form in the name of a user."""
        await self._api.call(
            _COMMENT_PROCESS, {"processInstanceId": instance_id, "commentUserId": author, "text": text}
        )

    async def terminate_process(self, instance_id: str, operator: str, remark: str = "") -> None:
        """Withdraw an approval form in the name of its submitter."""
        body = {"processInstanceId": instance_id, "isSystem": False, "operatingUserId": operator, "remark": remark}
        await self._api.call(_TERMINATE_PROCESS, body)

    async def find_processes(self, process_code: str, since: datetime, originators: Sequence[str] = ()) -> list[str]:
        """Return the ids of the forms with a code that were opened since a time, by these people or by anybody."""
        body: dict[str, Any] = {
            "processCode": process_code,
            "startTime": int(since.timestamp() * 1000),
            "maxResults": _PAGE,
            "nextToken": 0,
            "userIds": list(originators),
        }
        found: list[str] = []
        while True:
            result = (await self._api.call(_LIST_PROCESSES, body))["result"]
            found += result.get("list") or ()
            if not result.get("nextToken"):
                return found
            body["nextToken"] = int(result["nextToken"])

    def _robot_message(self, msg_key: str, params: Mapping[str, str]) -> dict[str, Any]:
        return {
            "robotCode": self.settings.robot_code,
            "msgKey": msg_key,
            "msgParam": json.dumps(params, ensure_ascii=False),
        }

    async def _call_older(self, path: str, body: Mapping[str, Any], accept: frozenset[int]) -> dict[str, Any]:
        """Call the older API; a rejected token is renewed once."""
        token = await self._api.token.get()
        answer = await self._post((self._oapi / path).with_query(access_token=token), body, accept | TOKEN_REFUSED)
        if older_code(answer) not in TOKEN_REFUSED:
            return answer
        self._api.token.forget(token)
        token = await self._api.token.get()
        return await self._post((self._oapi / path).with_query(access_token=token), body, accept)

    async def _post(self, url: URL, body: Mapping[str, Any], accept: frozenset[int] = frozenset()) -> dict[str, Any]:
        """Post to the older API, which answers 200 with an `errcode`; return answers with 0 or an accepted code."""
        with self._reachability.track(is_outage):
            answer = await self._request(url, body)
        code = older_code(answer)
        if code != 0 and code not in accept:
            raise read_older_error(answer)
        return answer

    async def _request(self, url: URL, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with self.session.post(url, json=body, timeout=self._timeout, allow_redirects=False) as response:
                if response.status != 200:
                    reason = Message.verbatim(f"HTTP {response.status}")
                    limited = response.status == HTTPStatus.TOO_MANY_REQUESTS
                    after = THROTTLED_FOR if limited else None
                    retryable = limited or response.status >= 500
                    raise DeliveryError(SYSTEM, reason, retryable=retryable, retry_after=after, limited=limited)
                answer: dict[str, Any] = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            sent = not isinstance(error, aiohttp.ClientConnectorError)
            raise DeliveryError(SYSTEM, no_answer(error), retryable=True, sent=sent) from None
        return answer


def _parse_webhook(url: str, hosts: Collection[str]) -> URL | None:
    """Return the URL of a session; None unless its host is listed, and it is https or on loopback."""
    try:
        webhook = URL(url)
    except ValueError:
        return None
    is_secure = webhook.scheme == "https" or is_loopback(webhook.host)
    return webhook if is_secure and webhook.host in hosts else None


def _card_data(params: Mapping[str, str], private: Mapping[str, Mapping[str, str]] | None) -> dict[str, Any]:
    data: dict[str, Any] = {"cardData": {"cardParamMap": dict(params)}}
    if private:
        data["privateData"] = {user: {"cardParamMap": dict(values)} for user, values in private.items()}
    return data


def _space_models(space: Space, robot_code: str) -> dict[str, Any]:
    """Return the address of a chat, with the two models for its kind."""
    if space.kind == "group":
        return {
            "openSpaceId": f"dtv1.card//IM_GROUP.{space.id}",
            "imGroupOpenSpaceModel": {"supportForward": False},
            "imGroupOpenDeliverModel": {"robotCode": robot_code},
        }
    return {
        "openSpaceId": f"dtv1.card//IM_ROBOT.{space.id}",
        "imRobotOpenSpaceModel": {"supportForward": False},
        "imRobotOpenDeliverModel": {"robotCode": robot_code, "spaceType": "IM_ROBOT"},
    }


def _check(problems: Sequence[str]) -> None:
    """Raise DeliveryError, not retryable, when the variables of a card are not those of the template."""
    if problems:
        reason = Message("the card does not fit its template: {problems}", {"problems": "; ".join(problems)})
        raise DeliveryError(SYSTEM, reason, retryable=False, sent=False)
