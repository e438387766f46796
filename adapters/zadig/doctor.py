"""The check-up of Zadig."""

from __future__ import annotations

from adapters.zadig.client import ZadigClient, open_session
from adapters.zadig.settings import ZadigSettings
from core.errors import DeliveryError
from core.ports.checkup import Finding


async def examine(settings: ZadigSettings) -> list[Finding]:
    """Check that Zadig answers and accepts the token."""
    async with open_session(timeout=10) as session:
        client = ZadigClient(session, settings.url, settings.token.get_secret_value())
        try:
            await client.get_workflow("fabu", "fabu")
        except DeliveryError as error:
            # An error with a status is Zadig's own: it has accepted the token, and there is no such workflow.
            if not error.status:
                cure = "mend zadig.url, or write an API token of Zadig's account settings to zadig.token"
                return [Finding(False, str(error), cure)]
    return [Finding(True, f"{settings.url} answers and takes the token")]
