"""Which kinds of jobs there are, and who does each."""

from hubbub.services import deletion, post
from hubbub.workers.worker import Work

TABLE: dict[str, Work] = {
    post.KIND: post.deliver,
    deletion.KIND: deletion.finish,
}
