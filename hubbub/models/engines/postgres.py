"""PostgreSQL for Tortoise: transactions that give their connection back however they end."""

from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import TransactionalDBClient, TransactionContext, TransactionContextPooled
from tortoise.connection import get_connections

ACQUIRE_S = 5.0


class Entered(TransactionContextPooled):
    """The stock context keeps its connection for ever when it is cancelled while it begins."""

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        pool = self.client._parent._pool
        connection = await pool.acquire(timeout=ACQUIRE_S)
        try:
            self.client._connection = connection
            await self.client.begin()
        except BaseException:
            await pool.release(connection)  # resets it, and survives a second cancellation
            raise
        self.token = get_connections().set(self.connection_name, self.client)
        return self.client


class Client(AsyncpgDBClient):
    """The engine's client."""

    def _in_transaction(self) -> TransactionContext:
        return Entered(TransactionWrapper(self), self._pool_init_lock)


client_class = Client
