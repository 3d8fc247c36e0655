"""FAST PATH: Socket.IO packets as text, encoded once and shared by all who get them."""

from engineio.packet import MESSAGE, Packet

from hubbub.schemas.base import encode


class Frame:
    """One encoded packet; the same object goes to every connection that gets it."""

    __slots__ = ("packet", "size")

    def __init__(self, text: str) -> None:
        self.packet = Packet(MESSAGE, text)
        self.packet.encode_cache = "4" + text
        self.size = len(text) + 1


def event(namespace: str, name: str, payload: str) -> Frame:
    """`name` comes from our own closed lists and needs no escaping; `payload` is JSON text."""
    return Frame(f'2{namespace},["{name}",{payload}]')


def event_of(namespace: str, name: str, payload: object) -> Frame:
    """The same, from a view or plain data."""
    return event(namespace, name, encode(payload).decode())


def ack(namespace: str, ack_id: int, payload: object) -> Frame:
    """The answer to the client's event `ack_id`."""
    return Frame(f"3{namespace},{ack_id}[{encode(payload).decode()}]")


def connect(namespace: str, sid: str) -> Frame:
    """The client is in."""
    return Frame(f'0{namespace},{{"sid":"{sid}"}}')


def connect_error(namespace: str, payload: object) -> Frame:
    """The client is not let in."""
    return Frame(f"4{namespace},{encode(payload).decode()}")


def disconnect(namespace: str) -> Frame:
    """The end of a namespace: a stock client does not come back by itself."""
    return Frame(f"1{namespace},")
