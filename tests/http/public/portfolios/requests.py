"""Requests for public portfolios."""


async def load(instance, path, **options):
    """Return status, headers and body of `GET /public/portfolio/` + path, or of an absolute path."""
    method = options.pop("method", "GET")
    url = f"{instance.url}{path if path.startswith('/') else f'/api/v1/public/portfolio/{path}'}"
    async with instance.http.request(method, url, **options) as response:
        return response.status, response.headers, await response.read()


async def get(instance, path, **options):
    """Return status and JSON, held to the API document."""
    return await instance.rest("GET", f"/public/portfolio/{path}", **options)
