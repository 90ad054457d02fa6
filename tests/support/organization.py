"""An organisation's names as the API documents them."""

from __future__ import annotations

from tests.support.api import answer, refused

ORGANIZATION = {"id": "0f7d-org", "name": "Nordlicht", "type": "organization"}
WORKSPACE = {
    "id": "wrkspc_01Web",
    "archived_at": None,
    "compartment_id": None,
    "created_at": "2026-02-01T08:00:00.118204Z",
    "data_residency": {"workspace_geo": "eu", "default_inference_geo": "global"},
    "display_color": "#123456",
    "external_key_id": None,
    "name": "Web shop",
    "tags": {"team": "sales", "env": "prod"},
    "type": "workspace",
}
DEFAULT = {**WORKSPACE, "id": "wrkspc_01Def", "name": "Default", "tags": {}}
API_KEY = {
    "id": "apikey_01Till",
    "created_at": "2026-02-01T08:00:00.118204Z",
    "created_by": {"id": "user_01Ida", "type": "user"},
    "expires_at": None,
    "name": "till",
    "partial_key_hint": "sk-ant-api03-abc...wxyz",
    "principal": None,
    "status": "active",
    "type": "api_key",
    "workspace_id": "wrkspc_01Web",
}


class Organization:
    """Answers the three endpoints; tests change what is there."""

    def __init__(self) -> None:
        self.me = ORGANIZATION
        self.workspaces = [WORKSPACE]
        self.default = DEFAULT
        self.api_keys = [API_KEY]
        self.allows_default = True
        self.page_size = 1000
        self.between = lambda: None

    def __call__(self, request):
        query = dict(request.url.params.multi_items())
        if request.url.path.endswith("/me"):
            return answer(200, self.me)
        if request.url.path.endswith("/api_keys"):
            return self._page(self.api_keys, query)
        if "include_default" in query and not self.allows_default:
            return refused(400, "include_default: Extra inputs are not permitted")
        listed = [*self.workspaces, self.default] if "include_default" in query else self.workspaces
        page = self._page([one for one in listed if one], query)
        self.between()
        return page

    def _page(self, items, query):
        ids = [item["id"] for item in items]
        begin = ids.index(query["after_id"]) + 1 if "after_id" in query else 0
        data = items[begin : begin + self.page_size]
        return answer(
            200,
            {
                "data": data,
                "first_id": data[0]["id"] if data else None,
                "has_more": len(items) > begin + self.page_size,
                "last_id": data[-1]["id"] if data else None,
            },
        )
