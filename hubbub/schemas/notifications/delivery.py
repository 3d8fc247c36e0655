"""The channels of notifications, and the reasons of decisions about them: two closed lists."""

from enum import StrEnum


class ChannelName(StrEnum):
    """A way by which a notification reaches its user. The names are those of the preferences."""

    IN_APP = "in_app"
    EMAIL = "email"


class Reason(StrEnum):
    """Why a notification was, or was not, delivered by a channel."""

    SENT = "sent"  # handed to the other server
    DELIVERED = "delivered"  # it is in the inbox
    FAILED = "failed"  # the other server refused it, or the last attempt failed
    OFF_KIND = "off_kind"  # the user switched the kind off
    OFF_CHANNEL = "off_channel"  # the user switched the channel off
    MUTED = "muted"  # the user muted the room
    READ = "read"  # it was read before
    ACTIVE = "active"  # the user was using a client
    QUIET = "quiet"  # quiet hours
    BUSY = "busy"  # the presence of the user was `busy`
    NO_DEVICE = "no_device"  # the user has no device of the channel
    NO_ADDRESS = "no_address"  # the account has no address of the channel
    UNVERIFIED = "unverified"  # the address is not verified
    RATE_LIMITED = "rate_limited"  # another one of the room was sent a short time ago
    EXPIRED = "expired"  # it is too old
    CANCELLED = "cancelled"  # its message was deleted, or the user may not see it any more
