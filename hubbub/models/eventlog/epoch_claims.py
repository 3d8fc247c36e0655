"""Claims of clients whose cursors are ahead of a room."""

from tortoise import fields
from tortoise.models import Model


class EpochClaim(Model):
    """The latest claim of a user whose client was ahead of a room, and when a claim raised the epoch"""

    user_id = fields.UUIDField(primary_key=True)
    epoch = fields.CharField(max_length=100)  # of the claim, which counts while this epoch is current
    room_id = fields.UUIDField()
    seq = fields.BigIntField()  # of the client
    last_seq = fields.BigIntField()  # of the room
    claimed_at = fields.DatetimeField()
    raised_at = fields.DatetimeField(null=True)

    class Meta:
        table = "epoch_claims"
