"""The tables as Tortoise models. Rows stay inside the services.

The table `entries` has no model, because its key has two columns: `queries/eventlog` reads and writes it.
"""

from hubbub.models.accounts.identities import Identity, OAuthHandoff
from hubbub.models.audit.records import AuditRecord
from hubbub.models.auth.api_keys import ApiKey, UsedNonce
from hubbub.models.auth.mfa_challenges import MfaChallenge
from hubbub.models.auth.sessions import Session
from hubbub.models.auth.two_factor import RecoveryCode, TwoFactor
from hubbub.models.chat.messages import Attachment, Mention, Message
from hubbub.models.chat.reactions import Reaction
from hubbub.models.chat.rooms import Membership, Room
from hubbub.models.database_meta import DatabaseMeta
from hubbub.models.eventlog.epoch_claims import EpochClaim
from hubbub.models.idempotency import IdempotencyKey
from hubbub.models.instance.processes import Process
from hubbub.models.jobs.jobs import Job, JobQueue
from hubbub.models.jobs.schedules import Lease, Schedule, ScheduleRun
from hubbub.models.mail.one_time_tokens import OneTimeToken
from hubbub.models.notifications.announcements import Announcement
from hubbub.models.notifications.decisions import NotificationDecision
from hubbub.models.notifications.inboxes import Inbox, Notification
from hubbub.models.portfolio.items import ITEM_MODELS
from hubbub.models.portfolio.profiles import PortfolioProfile
from hubbub.models.portfolio.search import PortfolioSearchEntry
from hubbub.models.uploads.uploads import StoredObject, Upload, UploadFile, UploadReference
from hubbub.models.users.preferences import Preference
from hubbub.models.users.users import User

__all__ = [
    "ITEM_MODELS",
    "Announcement",
    "ApiKey",
    "Attachment",
    "AuditRecord",
    "DatabaseMeta",
    "EpochClaim",
    "IdempotencyKey",
    "Identity",
    "Inbox",
    "Job",
    "JobQueue",
    "Lease",
    "Membership",
    "Mention",
    "Message",
    "MfaChallenge",
    "Notification",
    "NotificationDecision",
    "OAuthHandoff",
    "OneTimeToken",
    "PortfolioProfile",
    "PortfolioSearchEntry",
    "Preference",
    "Process",
    "Reaction",
    "RecoveryCode",
    "Room",
    "Schedule",
    "ScheduleRun",
    "Session",
    "StoredObject",
    "TwoFactor",
    "Upload",
    "UploadFile",
    "UploadReference",
    "UsedNonce",
    "User",
]
