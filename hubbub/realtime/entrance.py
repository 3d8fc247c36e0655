"""How a client comes into a namespace: its CONNECT, the word of the edge, the answer."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from hubbub.core import metrics, tasks
from hubbub.core.errors import HubbubError, Internal
from hubbub.realtime import frames
from hubbub.realtime.engine import Malformed, Session
from hubbub.realtime.handlers import Handlers, Refused
from hubbub.realtime.links import ENDED, Link
from hubbub.schemas import errors

if TYPE_CHECKING:
    from hubbub.realtime.stock import Server

log = logging.getLogger(__name__)

WELCOME_SECONDS = 0.002  # between a CONNECT and what the connect handler had to say


class Entrance:
    """Lets clients into namespaces, each in a task of its own: none holds up another."""

    def __init__(self, server: "Server", seconds: float) -> None:
        self._server = server
        self.seconds = seconds  # for a connect handler

    def knock(self, session: Session, namespace: str, auth: object) -> None:
        """A CONNECT came. Raises Malformed."""
        if namespace in session.links:
            raise Malformed("connected already")
        edge = self._server.edge_of(namespace)
        if edge is None:
            session.send(frames.connect_error(namespace, {"message": "Invalid namespace"}))
            return
        if isinstance(edge, Handlers) and not isinstance(auth, dict | list | None):
            raise Malformed("not a CONNECT")  # other edges say themselves what they want
        link = Link(self._server, session, self._server.eio.generate_id(), namespace, edge)
        session.links[namespace] = link
        self._server.manager.add(link)
        tasks.spawn(self._accept(link, auth), name="connect of a client")

    async def _accept(self, link: Link, auth: object) -> None:
        refusal = await self._verdict(link, auth)
        if link.state is ENDED:  # gone meanwhile
            link.edge.closed(link.sid)
        elif refusal is not None:
            link.session.send(frames.connect_error(link.namespace, refusal))
            self._server.forget(link)
            self._server.relax(link.session)
        else:
            await self._welcome(link)

    async def _verdict(self, link: Link, auth: object) -> object:
        """None if the client is let in, or what it is told instead."""
        try:
            async with asyncio.timeout(self.seconds) as limit:
                await link.edge.accept(link.sid, link, auth)
            if limit.expired():  # python-socketio takes a cancelled handler for one that said nothing
                raise TimeoutError  # noqa: TRY301 - the same answer
        except Refused as refused:
            return refused.said
        except HubbubError as error:
            return _shown(error)
        except TimeoutError:
            return _shown(HubbubError("That took too long."))
        except Exception:
            log.exception("a connect handler failed")
            return _shown(Internal())
        return None

    async def _welcome(self, link: Link) -> None:
        held = link.let_in(frames.connect(link.namespace, link.sid))
        self._server.relax(link.session)
        if held:
            # A client that awaits one message after the other loses the second of two in one read.
            await asyncio.sleep(WELCOME_SECONDS)
            link.release()
        await link.edge.opened(link.sid)
        link.catch_up()


def _shown(error: HubbubError) -> dict[str, Any]:
    metrics.count("refused_sockets", error.code)
    return {"message": error.message, "data": errors.show(error)}
