"""Users."""

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids


class User(Model):
    """A user with an account"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    username = fields.CharField(max_length=32, unique=True)  # lower case
    email = fields.CharField(max_length=254, unique=True)  # lower case
    username_changed_at = fields.DatetimeField(null=True)  # by its user; null since the registration
    display_name = fields.CharField(max_length=80)
    first_name = fields.CharField(max_length=50, null=True)
    last_name = fields.CharField(max_length=50, null=True)
    avatar_url = fields.CharField(max_length=2000, null=True)  # the path contains the encoded file name
    bio = fields.CharField(max_length=500, null=True)
    location = fields.CharField(max_length=100, null=True)
    website_url = fields.CharField(max_length=200, null=True)
    metadata = fields.TextField(null=True)  # a JSON object of the user's programs
    password_digest = fields.CharField(max_length=120, null=True)
    role = fields.CharField(max_length=16, default="user")  # user, moderator, admin
    suspended_at = fields.DatetimeField(null=True)
    suspended_until = fields.DatetimeField(null=True)
    suspend_reason = fields.CharField(max_length=250, null=True)
    email_verified_at = fields.DatetimeField(null=True)
    last_seen_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)
    deleted_at = fields.DatetimeField(null=True)
    # Counts sessions and memberships that began, changed or ended, so that other instances notice.
    version = fields.BigIntField(default=0, db_default=0)
    marks = fields.BigIntField(default=0, db_default=0)  # likewise: changes of the read state

    class Meta:
        table = "users"
