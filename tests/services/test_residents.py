"""What an instance knows by heart, and how signals keep it true."""

from uuid import UUID, uuid4

from hubbub.cluster.bus import MemberChanged
from hubbub.core.limits import Rate
from hubbub.schemas.users import User
from hubbub.services.residents import Resident, Residents, Standing

ROOM = uuid4()


def someone() -> User:
    return User(id=uuid4(), username="ada", display_name="Ada", avatar_url=None)


def settled(residents: Residents, user: User, room_id: UUID = ROOM) -> Resident:
    resident = residents.enter(user)
    residents.learn(user.id, Standing(room_id, "private", "member", muted=False, version=0), 2)
    resident.loaded = True
    return resident


def test_somebody_is_known_from_the_end_of_loading_to_the_last_socket() -> None:
    residents, user = Residents(Rate(30, 10)), someone()
    residents.enter(user)
    assert residents.get(user.id) is None, "their rooms are not known yet"
    settled(residents, user)

    residents.leave(user.id)
    assert residents.get(user.id) is not None
    residents.leave(user.id)

    assert residents.get(user.id) is None
    assert len(residents) == 0
    assert residents.rooms == {}


def test_an_ended_membership_is_forgotten_and_noticed() -> None:
    residents, user = Residents(None), someone()
    resident = settled(residents, user)
    before = resident.version

    residents.hear(MemberChanged(user.id, ROOM, ended=True))
    residents.hear(MemberChanged(user.id, ROOM, ended=True))

    assert resident.rooms == {}
    assert resident.version > before, "a reading that began before this is old"


def test_muting_leaves_the_role_and_a_role_leaves_the_muting() -> None:
    residents, user = Residents(None), someone()
    resident = settled(residents, user)

    residents.hear(MemberChanged(user.id, ROOM, muted=True))
    residents.hear(MemberChanged(user.id, ROOM, role="moderator"))

    assert (resident.rooms[ROOM].role, resident.rooms[ROOM].muted) == ("moderator", True)


def test_signals_about_strangers_are_nothing() -> None:
    residents = Residents(None)

    residents.hear(MemberChanged(uuid4(), ROOM, role="owner"))
    residents.hear(MemberChanged(uuid4(), ROOM, ended=True))
    residents.leave(uuid4())
    residents.counted(ROOM, 5)

    assert residents.rooms == {}
