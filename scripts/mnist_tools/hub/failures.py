"""Explain in one line why a call to the Hub failed, from the exception's type and HTTP status."""

import json
import re
import sys
from collections.abc import Iterator

import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

from mnist_family import escape_controls

LONGEST_QUOTE = 200  # characters of an error message that is not ours

# The errors of huggingface_hub's HTTP libraries for requests that get no complete answer.
NO_ANSWER = {
    "requests.exceptions": ("ConnectionError", "Timeout", "ChunkedEncodingError"),
    "httpx": ("TransportError",),
    "httpx2": ("TransportError",),
}
STATUSES = {
    401: "the token is not valid, expected one that may write; run `hf auth login` or set HF_TOKEN",
    403: "the token may not do this, expected one that may write there; "
    "use another token, or ask for access",
    404: "no such repository or none that this token can see, expected one to write to; "
    "correct the name or the token",
    412: "somebody else made a commit in between, expected none; run this again",
    413: "too large, expected files that the Hub accepts; build with a smaller --max-shard-size",
    429: "too many requests, expected fewer; wait some minutes and run this again",
}


class HubError(OSError):
    """A call to the Hub that failed; its text is shown to the user."""

    def __init__(self, line: str, *, refused: bool = False) -> None:
        super().__init__(line)
        self.refused = refused  # by the Hub itself, so that nothing was done


def describe_failure(error: BaseException) -> str:
    """Describe in one line what went wrong and what to do, leaving the token out."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, HubError):
        return str(error)
    for describe in (_describe_answer, _describe_no_answer):
        for cause in _chain(error):
            description = describe(cause)
            if description is not None:
                return description
    return f"{quote(error)}, expected success; correct it and run this again"


def is_refusal(error: BaseException) -> bool:
    """Check whether the Hub refused a request (4xx), and so certainly did nothing."""
    if isinstance(error, HubError):
        return error.refused
    for cause in _chain(error):
        status = status_of(cause)
        if status is not None:
            return 400 <= status < 500
        if isinstance(cause, (KeyboardInterrupt, *_no_answer_types())):
            return False
    return False


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status of an exception of the client, or None."""
    if not isinstance(error, HfHubHTTPError):
        return None
    status: int | None = getattr(error.response, "status_code", None)
    return status


def quote(error: BaseException) -> str:
    """Return an exception's text as one short, printable line without the token."""
    text = " ".join(str(error).split()) or type(error).__name__
    token = huggingface_hub.get_token()
    if token:
        text = text.replace(token, "…")
    text = re.sub(r"hf_\w{4,}", "…", text)
    return escape_controls(text)[:LONGEST_QUOTE]


def _describe_answer(error: BaseException) -> str | None:
    """Describe an error that the Hub answered with; return None for any other."""
    status = status_of(error)
    if status is None:
        return None
    if status >= 500:
        return f"the Hub answered {status}, expected success; run this again later"
    if status in STATUSES:
        return f"HTTP status {status}, {STATUSES[status]}"
    return f"HTTP status {status} ({quote(error)}), expected success; correct it and run this again"


def _describe_no_answer(error: BaseException) -> str | None:
    """Describe a missing or broken answer; return None for any other error."""
    if isinstance(error, OfflineModeIsEnabled):
        return "offline mode is on, expected a connection to the Hub; unset HF_HUB_OFFLINE"
    if isinstance(error, json.JSONDecodeError):
        return "the Hub answered no JSON, expected JSON; run this again later"
    if isinstance(error, _no_answer_types()):
        remedy = "run this again when there is one"
        return f"no connection ({quote(error)}), expected one to the Hub; {remedy}"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, then its cause, the cause of that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _no_answer_types() -> tuple[type[BaseException], ...]:
    """Collect the exceptions that mean "no answer" from the HTTP libraries in use."""
    types: list[type[BaseException]] = [ConnectionError, TimeoutError]
    for module, names in NO_ANSWER.items():
        if module in sys.modules:
            types += [getattr(sys.modules[module], name) for name in names]
    return tuple(types)
