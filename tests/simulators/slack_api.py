"""The Web API methods: arguments in, a JSON answer out, or `Refused`. Slack docs: reference/methods."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from .slack_arguments import arguments_of, object_of, objects, require
from .slack_blocks import problems
from .slack_newest import characters, characters_of_cells
from .slack_views import Views
from .slack_workspace import JSON, Channel, Message, Person, Refused, Workspace

TEXT_CHARACTERS = 40_000
BLOCK_CHARACTERS = 12_000
"""Characters of the texts of all blocks of a message; those of tables have a limit of their own."""
ATTACHMENTS = 100
READS = {"auth.test", "chat.getPermalink", "conversations.info", "users.info", "users.lookupByEmail"}
"""Methods that GET may call too. All of them but auth.test do not read a JSON body (their pages list form alone)."""
FORM_ONLY = READS - {"auth.test"}
Method = Callable[[JSON], JSON]


class WebApi:
    """The methods that the simulator knows; any other is `unknown_method`."""

    def __init__(self, workspace: Workspace, views: Views, bot_token: str, app_token: str, tickets: Callable[[], str]):
        self.workspace = workspace
        self._bot_token = bot_token
        self._app_token = app_token
        self._tickets = tickets
        self.methods: dict[str, Method] = {
            "auth.test": self.auth_test,
            "apps.connections.open": self.connections_open,
            "chat.postMessage": self.post_message,
            "chat.update": self.update,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.getPermalink": self.get_permalink,
            "users.info": self.users_info,
            "users.lookupByEmail": self.lookup_by_email,
            "conversations.info": self.conversations_info,
            "conversations.open": self.conversations_open,
            "views.open": views.open,
            "views.publish": views.publish,
            "views.push": views.push_by_trigger,
            "views.update": views.update,
        }

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call as Slack does: HTTP 200 whatever `ok` says."""
        try:
            answer = await self._call(request, request.match_info["method"])
        except Refused as refused:
            answer = refused.answer()
        return web.json_response(answer)

    async def _call(self, request: web.Request, name: str) -> JSON:
        if name not in self.methods:
            raise Refused("unknown_method")
        if request.method == "GET" and name not in READS:
            raise web.HTTPMethodNotAllowed("GET", ["POST"])
        arguments = await arguments_of(request, reads_json=name not in FORM_ONLY)
        self._authorize(name, request.headers.get("Authorization", ""), str(arguments.pop("token", "")))
        return {"ok": True} | self.methods[name](arguments)

    def _authorize(self, name: str, header: str, token: str) -> None:
        scheme, _, bearer = header.partition(" ")
        token = bearer if scheme == "Bearer" else token
        if not token:
            raise Refused("not_authed")
        if token not in (self._bot_token, self._app_token):
            raise Refused("invalid_auth")
        if (token == self._app_token) != (name == "apps.connections.open"):
            raise Refused("not_allowed_token_type")

    def auth_test(self, arguments: JSON) -> JSON:
        """Tell the app who it is."""
        team = self.workspace
        return {
            "url": f"https://{team.domain}.slack.com/",
            "team": team.domain,
            "user": team.people[team.bot_user].name,
            "team_id": team.team_id,
            "user_id": team.bot_user,
            "bot_id": team.bot_id,
            "is_enterprise_install": False,
        }

    def connections_open(self, arguments: JSON) -> JSON:
        """Hand out a WebSocket address for one connection."""
        return {"url": self._tickets()}

    def post_message(self, arguments: JSON) -> JSON:
        """Post to a channel, a direct message or a user."""
        require(arguments, "channel")
        channel = self.workspace.destination(arguments["channel"])
        message = self.compose(channel, arguments)
        if message.thread_ts:
            self.workspace.message(channel, message.thread_ts)
        channel.messages.append(message)
        return {"channel": channel.id, "ts": message.ts, "message": self.workspace.wire(message)}

    def update(self, arguments: JSON) -> JSON:
        """Change a message of the bot's own; blocks and attachments that are not given stay."""
        require(arguments, "channel", "ts")
        message = self.workspace.message(self.workspace.channel(arguments["channel"]), arguments["ts"])
        if message.user != self.workspace.bot_user:
            raise Refused("cant_update_message")
        self.revise(message, arguments)
        return {
            "channel": message.channel,
            "ts": message.ts,
            "text": message.text,
            "message": self.workspace.wire(message),
        }

    def post_ephemeral(self, arguments: JSON) -> JSON:
        """Show a message to one user of a channel; it has no lasting ts."""
        require(arguments, "channel", "user")
        channel = self.workspace.destination(arguments["channel"])
        if arguments["user"] not in self.workspace.people:
            raise Refused("user_not_in_channel")
        message = self.compose(channel, arguments)
        message.only_for = arguments["user"]
        self.workspace.ephemerals.append(message)
        return {"message_ts": message.ts}

    def get_permalink(self, arguments: JSON) -> JSON:
        """Return the web address of a message."""
        require(arguments, "channel", "message_ts")
        message = self.workspace.message(self.workspace.channel(arguments["channel"]), arguments["message_ts"])
        place = f"{message.channel}/p{message.ts.replace('.', '')}"
        return {"channel": message.channel, "permalink": f"https://{self.workspace.domain}.slack.com/archives/{place}"}

    def users_info(self, arguments: JSON) -> JSON:
        """Describe a user, deleted ones included."""
        require(arguments, "user")
        return {"user": self._profile(self.workspace.person(arguments["user"]))}

    def lookup_by_email(self, arguments: JSON) -> JSON:
        """Find an active user by e-mail address, whatever its case."""
        require(arguments, "email")
        for person in self.workspace.people.values():
            if person.email and person.email.lower() == arguments["email"].lower() and not person.deleted:
                return {"user": self._profile(person)}
        raise Refused("users_not_found")

    def conversations_info(self, arguments: JSON) -> JSON:
        """Describe a channel, whether the app is a member or not."""
        require(arguments, "channel")
        channel = self.workspace.channel(arguments["channel"])
        described = {"id": channel.id, "name": channel.name, "is_archived": channel.is_archived}
        return {"channel": described | {"is_channel": True, "is_member": channel.is_member}}

    def conversations_open(self, arguments: JSON) -> JSON:
        """Open the direct message with one user, or resume it by its id."""
        if arguments.get("channel"):
            return {"channel": {"id": self.workspace.channel(arguments["channel"]).id}}
        users = arguments.get("users") or ""
        if not users:
            raise Refused("users_list_not_supplied")
        if "," in users:
            raise Refused("invalid_arguments", ["[ERROR] direct messages of several users are not simulated"])
        if self.workspace.person(users).deleted:
            raise Refused("user_disabled")
        return {"channel": {"id": self.workspace.direct(users).id}}

    def compose(self, channel: Channel, arguments: JSON) -> Message:
        """Return the bot's new message from text, blocks and attachments, or refuse it; it is not posted yet."""
        message = Message(channel.id, self.workspace.timestamp(), self.workspace.bot_user, "")
        message.thread_ts = arguments.get("thread_ts")
        message.is_broadcast = arguments.get("reply_broadcast") is True
        if message.is_broadcast and not message.thread_ts:
            raise Refused("invalid_arguments", ["[ERROR] reply_broadcast without thread_ts"])
        self._fill(message, arguments)
        return message

    def revise(self, message: Message, arguments: JSON) -> None:
        """Replace what `arguments` gives of a message's content, or refuse all of it."""
        self._fill(message, arguments)
        message.edited = self.workspace.timestamp()

    def _fill(self, message: Message, arguments: JSON) -> None:
        """Check all content first, then store it. Blocks need a text too: notifications and screen readers use it."""
        blocks, attachments = objects(arguments, "blocks"), objects(arguments, "attachments")
        text = arguments.get("text")
        if not text:
            raise Refused("no_text", ["[ERROR] missing required field: text"])
        if len(text) > TEXT_CHARACTERS:
            raise Refused("msg_too_long")
        if len(attachments or []) > ATTACHMENTS:
            raise Refused("too_many_attachments")
        shown = [blocks, *(attachment.get("blocks") for attachment in attachments or [])]
        newest = self.workspace.has_newest_blocks
        if found := [line for one in shown if one for line in problems(one, newest=newest)]:
            raise Refused("invalid_blocks", found)
        if characters(blocks or []) - characters_of_cells(blocks or []) > BLOCK_CHARACTERS:
            raise Refused("msg_blocks_too_long")
        message.text = text
        if blocks is not None:
            message.blocks = self.workspace.with_ids(blocks)
        if attachments is not None:
            message.attachments = [a | {"blocks": self.workspace.with_ids(a.get("blocks", []))} for a in attachments]
        message.metadata = object_of(arguments, "metadata") or message.metadata

    def _profile(self, person: Person) -> JSON:
        return {
            "id": person.id,
            "team_id": self.workspace.team_id,
            "name": person.name,
            "real_name": person.name,
            "deleted": person.deleted,
            "is_bot": person.id == self.workspace.bot_user,
            "tz": "Asia/Shanghai",
            "tz_offset": 28800,
            "profile": {"real_name": person.name, "display_name": person.name, "email": person.email},
        }
