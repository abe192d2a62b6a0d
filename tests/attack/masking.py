"""Details of a failing Wethod, or of a proxy before it, that an answer must not reveal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.attack.attack import Attack, outcome
from tests.attack.wire import DELETED, ask
from tests.upstream import LOST, answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.attack.attack import Reply
    from tests.upstream import Answer

MUTATION = 'mutation{deleteContact(id:"7"){__typename ...on WethodError{key message statusCode \
response{headers{name values}content}}}}'

PAGE = b"<html><h1>Traceback (most recent call last)</h1> at 10.0.0.7, password hunter2</html>"


UNKNOWN = "Wethod's answer does not say if the contact was deleted. It may be gone; repeating is safe."
NO_ANSWER = "The request was sent and no conclusive answer came. The contact may be gone; repeating is safe."
FORBIDDEN = "The token's owner may not delete contacts: crm.edit is needed."
UNEXPECTED = "Wethod answered with a status that it does not document. The contact may be gone: look at it first."


def masked(member: str, key: str, message: str, status: int, headers: Iterable[object] = ()) -> Reply:
    """An outcome with documented details only."""
    response = {"headers": list(headers), "content": None}
    return outcome(member, key=key, message=message, statusCode=status, response=response)


def deleting(does: str, wethod: Answer, reply: Reply, times: int = 1) -> Attack:
    return Attack(f"a delete, while {does}", ask(MUTATION), reply, deleted=(DELETED,) * times, wethod=wethod)


MASKING = {
    "page-500": deleting(
        "Wethod answers 500 with an HTML page that contains a traceback",
        answer(500, PAGE, content_type="text/html"),
        masked("WethodOutcomeUnknownError", "outcome_unknown", UNKNOWN, 500),
    ),
    "page-403": deleting(
        "a proxy answers 403 with an HTML page",
        answer(403, PAGE, content_type="text/html"),
        masked("WethodForbiddenError", "forbidden", FORBIDDEN, 403),
    ),
    "words-500": deleting(
        "Wethod answers 500 with internal details",
        answer(500, b'{"key":"internal","message":"SQLSTATE[42S02] in /srv/app/Contact.php:7"}'),
        masked("WethodOutcomeUnknownError", "outcome_unknown", UNKNOWN, 500),
    ),
    "redirect": deleting(
        "Wethod redirects to another host: the gateway does not follow",
        answer(307, b"", {"Location": "http://127.0.0.1/elsewhere"}),
        masked("WethodUnexpectedResponseError", "unexpected_response", UNEXPECTED, 307),
    ),
    "markup": deleting(
        "Wethod's message and envelope contain markup, control characters and a cookie",
        answer(
            403,
            b'{"key":"forbidden","message":"no\\u202e\\u0000","headers":{"set-cookie":["s=1"],"date":["d"]},'
            b'"content":"<script>x</script>"}',
        ),
        masked("WethodForbiddenError", "forbidden", "no", 403, [{"name": "date", "values": ["d"]}]),
    ),
    "silence": deleting(
        "Wethod closes the connection without a response, also after the repeat",
        LOST,
        outcome("WethodOutcomeUnknownError", key="outcome_unknown", message=NO_ANSWER, statusCode=None, response=None),
        times=2,
    ),
}
