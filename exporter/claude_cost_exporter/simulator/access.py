"""Who may ask what: versions, keys, betas, endpoints that not everybody has."""

from __future__ import annotations

from hmac import compare_digest
from typing import TYPE_CHECKING

from claude_cost_exporter.simulator.call import VERSIONS
from claude_cost_exporter.simulator.switches import Availability
from claude_cost_exporter.simulator.wire import ApiError, Request, bad_request

if TYPE_CHECKING:
    from claude_cost_exporter.simulator.switches import Switches

WORKSPACE_KEY = "sk-ant-api"
NOT_FOUND = "The requested resource could not be found."


def authorise(request: Request, switches: Switches) -> None:
    """Raise the API's own error unless the request may be answered."""
    version = request.headers.get("anthropic-version")
    if version is None:
        raise bad_request("anthropic-version: header is required")
    if version not in VERSIONS:
        raise bad_request(f"anthropic-version: {version!r} is not a valid version")
    key = request.headers.get("x-api-key")
    if key is None:
        _authorise_bearer(request.headers.get("authorization", ""), switches)
    elif not _is_accepted(key, switches):
        if key.startswith(WORKSPACE_KEY):
            raise ApiError(
                403,
                "permission_error",
                "This endpoint needs an Admin API key; a workspace API key was given.",
            )
        raise ApiError(401, "authentication_error", "invalid x-api-key")


def check_beta(request: Request, beta: str) -> None:
    """Raise when a beta endpoint is asked without its header. The text is not documented."""
    if beta and not request.has_beta(beta):
        raise bad_request(f"anthropic-beta: this endpoint requires the beta header {beta}.")


def check_available(availability: Availability) -> None:
    """Raise what this organisation or key gets instead of an answer."""
    if availability is Availability.FORBIDDEN:
        raise ApiError(
            403, "permission_error", "This API key does not have the scope that is needed here."
        )
    if availability is Availability.NOT_FOUND:
        raise ApiError(404, "not_found_error", NOT_FOUND)
    if availability is Availability.GONE:
        raise ApiError(410, "not_found_error", "This endpoint has been retired.")
    if availability is Availability.UNSUPPORTED:
        raise ApiError(
            400,
            "invalid_request_error",
            "This endpoint is not available for this type of organization.",
            (("x-should-retry", "false"),),
            code="organization_type_not_supported",
        )


def _authorise_bearer(header: str, switches: Switches) -> None:
    scheme, _, token = header.partition(" ")
    if not header:
        raise ApiError(401, "authentication_error", "x-api-key header is required")
    if not switches.bearer or scheme.lower() != "bearer" or not token.strip():
        raise ApiError(401, "authentication_error", "Invalid bearer token")


def _is_accepted(key: str, switches: Switches) -> bool:
    if switches.admin_key is not None:
        return compare_digest(key.encode(), switches.admin_key.encode())
    return key.startswith(switches.key_kinds)
