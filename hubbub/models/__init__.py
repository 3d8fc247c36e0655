"""The tables. Rows stay inside the services."""

from hubbub.models.api_keys import ApiKey, UsedNonce
from hubbub.models.audit import AuditRecord
from hubbub.models.entries import Entry
from hubbub.models.epochs import EpochClaim
from hubbub.models.idempotency import IdempotencyKey
from hubbub.models.identities import Handover, Identity
from hubbub.models.jobs import Job, OneTimeToken
from hubbub.models.messages import Mention, Message
from hubbub.models.preferences import Preference
from hubbub.models.processes import Process
from hubbub.models.reactions import Reaction
from hubbub.models.rooms import Membership, Room
from hubbub.models.sessions import Session
from hubbub.models.state import State
from hubbub.models.two_factor import PendingLogin, RecoveryCode, TwoFactor
from hubbub.models.users import User

__all__ = [
    "ApiKey",
    "AuditRecord",
    "Entry",
    "EpochClaim",
    "Handover",
    "IdempotencyKey",
    "Identity",
    "Job",
    "Membership",
    "Mention",
    "Message",
    "OneTimeToken",
    "PendingLogin",
    "Preference",
    "Process",
    "Reaction",
    "RecoveryCode",
    "Room",
    "Session",
    "State",
    "TwoFactor",
    "UsedNonce",
    "User",
]
