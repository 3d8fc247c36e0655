"""The tables as Tortoise models. Rows stay inside the services."""

from hubbub.models.accounts.identities import Identity, OAuthHandoff
from hubbub.models.audit.records import AuditRecord
from hubbub.models.auth.api_keys import ApiKey, UsedNonce
from hubbub.models.auth.mfa_challenges import MfaChallenge
from hubbub.models.auth.sessions import Session
from hubbub.models.auth.two_factor import RecoveryCode, TwoFactor
from hubbub.models.chat.messages import Mention, Message
from hubbub.models.chat.reactions import Reaction
from hubbub.models.chat.rooms import Membership, Room
from hubbub.models.database_meta import DatabaseMeta
from hubbub.models.eventlog.entries import Entry
from hubbub.models.eventlog.epoch_claims import EpochClaim
from hubbub.models.idempotency import IdempotencyKey
from hubbub.models.instance.processes import Process
from hubbub.models.jobs.jobs import Job
from hubbub.models.mail.one_time_tokens import OneTimeToken
from hubbub.models.users.preferences import Preference
from hubbub.models.users.users import User

__all__ = [
    "ApiKey",
    "AuditRecord",
    "DatabaseMeta",
    "Entry",
    "EpochClaim",
    "IdempotencyKey",
    "Identity",
    "Job",
    "Membership",
    "Mention",
    "Message",
    "MfaChallenge",
    "OAuthHandoff",
    "OneTimeToken",
    "Preference",
    "Process",
    "Reaction",
    "RecoveryCode",
    "Room",
    "Session",
    "TwoFactor",
    "UsedNonce",
    "User",
]
