"""The memory of 429s: a token that has to wait is not used again before the end of the wait."""

from __future__ import annotations

import hashlib
import math
import secrets
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_TOKENS = 10_000


class RateLimitMemory:
    """The time until which each token is rate limited, in this process.

    Past ``max_tokens`` the oldest entry is evicted, and its token is used again. Tokens themselves are not kept, only
    digests with a key of this process.
    """

    def __init__(self, *, max_tokens: int = _MAX_TOKENS, clock: Callable[[], float] = time.monotonic) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._max_tokens = max_tokens
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def remember(self, token: bytes, seconds: int) -> None:
        """Remember a wait of the token, at most an hour (``read_retry_after``). The wait that ends last counts."""
        digest = self._digest(token)
        self._until[digest] = max(self._until.get(digest, 0.0), self._clock() + seconds)
        self._until.move_to_end(digest)
        if len(self._until) > self._max_tokens:
            self._until.popitem(last=False)

    def remaining_seconds(self, token: bytes) -> int | None:
        """Whole seconds the token still has to wait, at least 1; None if it need not wait."""
        if not self._until:  # the common case costs no digest
            return None
        digest = self._digest(token)
        until = self._until.get(digest)
        if until is None:
            return None
        left = until - self._clock()
        if left <= 0:
            del self._until[digest]
            return None
        return math.ceil(left)

    def _digest(self, token: bytes) -> bytes:
        return hashlib.blake2b(token, digest_size=16, key=self._key).digest()
