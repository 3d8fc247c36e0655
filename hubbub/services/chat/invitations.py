"""Stores the jobs that notify users whom another one added to a room."""

from uuid import UUID

from hubbub.schemas.jobs import Notify
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.context import UnitOfWork
from hubbub.services.jobs.queue import NewJob


async def enqueue(unit: UnitOfWork, room_id: UUID, actor_id: UUID, seqs: dict[UUID, int]) -> None:
    """Store the jobs that notify users whom another one added. `seqs` are those of `add_members`."""
    jobs = [
        NewJob(
            Notify(
                user_id=user_id,
                kind=NotificationKind.ROOM_INVITED,
                source=f"invited:{room_id}:{seq}",
                actor_id=actor_id,
                room_id=room_id,
            )
        )
        for user_id, seq in seqs.items()
        if user_id != actor_id
    ]
    if jobs:
        await unit.enqueue_all(jobs)
