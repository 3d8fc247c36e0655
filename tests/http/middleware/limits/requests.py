"""Requests to limited instances."""


async def ask(instance, method, path, *, address="192.0.2.1", token=None, **options):
    """Status and headers of a request that came through the proxy."""
    headers = {"X-Forwarded-For": address}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    url = f"{instance.url}/api/v1{path}"
    async with instance.http.request(method, url, headers=headers, **options) as answer:
        body = await answer.json()
        if answer.status == 429:
            assert body["code"] == "rate_limited"
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["RateLimit-Remaining"] == "0"
        return answer.status, answer.headers


def credentials(email):
    return {"email": email, "password": "the wrong battery"}
