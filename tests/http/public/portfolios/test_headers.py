"""Validators and the headers for other sites, also of responses from memory."""

import logging

import pytest

from hubbub.cluster import cache_entries
from hubbub.core import metrics
from hubbub.ratelimit.rate import Rate
from tests.http.public.portfolios.requests import load
from tests.support.live_instance import LiveInstance
from tests.support.public_portfolio import add, public_portfolio

EVERY_REQUEST = {"Date", "X-Request-ID"}  # headers that differ between two equal requests


async def test_a_client_that_has_the_response_gets_304(instance):
    ada, _ = await public_portfolio(instance)
    for path in ("ada", "ada/projects", "ada/projects?limit=5"):
        status, headers, body = await load(instance, path)
        etag = headers["ETag"]

        found = [
            await load(instance, path, headers={"If-None-Match": value})
            for value in (etag, f"W/{etag}", f'"other", {etag}', "*", '"other"')
        ]

        assert [(status, len(text) > 0) for status, _, text in found] == [(304, False)] * 4 + [(200, True)]
        assert {each["ETag"] for _, each, _ in found} == {etag}
        assert {each["Cache-Control"] for _, each, _ in found} == {"public, max-age=0, must-revalidate"}
        assert (status, found[-1][2]) == (200, body)
    await add(ada, "projects")
    assert (await load(instance, "ada", headers={"If-None-Match": etag}))[0] == 200


async def test_every_site_may_read_each_response_also_an_error(instance):
    await public_portfolio(instance)
    origin = {"Origin": "https://elsewhere.example"}
    found = [
        await load(instance, path, headers=origin, method=method)
        for path, method in (
            *(("ada", "GET"), ("ada", "GET"), ("ada", "HEAD"), ("nobody", "GET"), ("ada", "PUT")),
            *(("ada/projects?limit=0", "GET"), ("ada/ships", "GET"), ("ada/messages", "POST")),
        )
    ]

    assert [status for status, _, _ in found] == [200, 200, 200, 404, 405, 422, 404, 422]
    for _, headers, _ in found:
        assert headers["Access-Control-Allow-Origin"] == "*"
        assert headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert headers["X-Request-ID"]
        assert "Access-Control-Allow-Credentials" not in headers
    assert {headers["Cache-Control"] for _, headers, _ in found[3:]} == {"no-store"}


async def test_a_page_of_another_site_may_send_a_message(instance):
    preflight = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    status, headers, _ = await load(instance, "ada/messages", method="OPTIONS", headers=preflight)

    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize(
    ("path", "options"),
    [
        *((path, {}) for path in ("ada", "ada/blog", "/@ada", "/@ada/blog")),
        *((path, {}) for path in ("/@ada/blog/on-bridges", "/@ada/feed.xml")),
        *((path, {"headers": {"If-None-Match": "*"}}) for path in ("ada", "/@ada")),
        *((path, {"method": "HEAD"}) for path in ("ada", "/@ada")),
    ],
)
async def test_a_response_from_memory_is_that_of_the_middlewares(
    settings, path, options, caplog, monkeypatch
):
    monkeypatch.setattr(cache_entries, "CHECK_S", 60.0)
    limited = settings.model_copy(update={"limit_public": Rate(60, 0.001), "limit_http": Rate(60, 20)})
    async with LiveInstance(limited) as instance:
        await public_portfolio(instance)
        slow = await load(instance, path, **options)
        hits = metrics.labelled["cache_reads"]["memory"]
        counted = dict(metrics.labelled["requests"])
        caplog.set_level(logging.INFO, logger="hubbub.http")
        quick = await load(instance, path, **options)

        assert [each.route for each in caplog.records if each.message == "request"] == ["cached"]
        assert metrics.labelled["cache_reads"]["memory"] - hits == 1
        assert (slow[0], slow[2]) == (quick[0], quick[2])
        assert metrics.labelled["requests"][str(quick[0])] == counted[str(quick[0])] + 1
        remaining = [int(headers["RateLimit-Remaining"]) for _, headers, _ in (slow, quick)]
        assert remaining == [59, 58]
        changing = {*EVERY_REQUEST, "RateLimit-Remaining", "RateLimit-Reset"}
        first, second = (
            {name: value for name, value in headers.items() if name not in changing}
            for _, headers, _ in (slow, quick)
        )
        assert first == second
        assert quick[1]["X-Request-ID"]
