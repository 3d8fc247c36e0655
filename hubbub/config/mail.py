"""Settings of e-mail."""

from typing import Annotated

from pydantic import PlainValidator

from hubbub.config import parsers, urls
from hubbub.config.fields import setting

Smtp = Annotated[str | None, PlainValidator(urls.smtp)]
Sender = Annotated[str, PlainValidator(parsers.sender)]

SMTP_SETTING = setting(
    None,
    "SMTP server, `smtp://user:password@host:port`; with `off` e-mail jobs fail and are kept.",
    default_text="none: e-mails are written to the log in development, required in production",
    sample="smtp://user:password@mail.example:587",
    secret=True,
    repr=False,
)
SENDER_SETTING = setting("hubbub <hubbub@localhost>", "Sender of e-mails.")
