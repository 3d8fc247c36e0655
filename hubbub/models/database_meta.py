"""State of the database itself, such as its epoch."""

from tortoise import fields
from tortoise.models import Model


class DatabaseMeta(Model):
    """A single value of the deployment, such as the epoch"""

    key = fields.CharField(primary_key=True, max_length=40)
    value = fields.TextField()

    class Meta:
        table = "state"
