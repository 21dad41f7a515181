"""The base of everything that is sent to Kommo."""

from datetime import UTC
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from kommo.ids import (
    SourceId,
)
from kommo.wire import clean

Text = Annotated[str, BeforeValidator(lambda value: clean(value) if type(value) is str else value)]
"""A text written by somebody, cleaned: nothing that Telegram lets through may stop a call."""


Moment = Annotated[AwareDatetime, AfterValidator(lambda moment: moment.astimezone(UTC))]


Source = Annotated[SourceId, Field(pattern=r"^[ -~]{1,36}$")]
"""Printable ASCII. Calls take 40 characters, but a source is created with 36 (Kommo, Sources)."""


class Payload(BaseModel):
    """A part of what is sent; on the wire, what is unknown is left out."""

    model_config = ConfigDict(frozen=True)

    def wire(self) -> dict[str, Any]:
        """Return this in Kommo's words."""
        return self.model_dump(mode="json", exclude_none=True)

    def _require_one_of(self, *names: str) -> None:
        if not any(getattr(self, name) for name in names):
            raise ValueError(f"one of {', '.join(names)} is required")
