import pytest

from hubbub.config import Settings
from tests.support.world import World

FRIEND, STRANGER = "https://app.example", "https://evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture(params=["listed", "any", "none"])
def origins(request):
    return {"listed": (FRIEND,), "any": ("*",), "none": ()}[request.param]


@pytest.fixture
def settings(database_url, tmp_path, origins):
    return Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0, cors_origins=origins)


def expected(origins, origin):
    return "*" if "*" in origins else origin if origin in origins else None


@pytest.mark.parametrize("origin", [FRIEND, STRANGER, "null"])
async def test_a_preflight_is_answered_without_a_token(world, origins, origin):
    headers = {"Origin": origin, **PREFLIGHT}
    async with world.http.options(f"{world.url}/api/v1/rooms", headers=headers) as answer:
        assert answer.status == 204
        allowed = expected(origins, origin)
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert ("Access-Control-Allow-Methods" in answer.headers) == (allowed is not None)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        if allowed:
            assert "PATCH" in answer.headers["Access-Control-Allow-Methods"]
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("origin", [FRIEND, STRANGER])
async def test_answers_and_refusals_may_be_read_by_friends(world, origins, origin):
    for path, status in [("/health/live", 200), ("/api/v1/rooms", 401), ("/nothing", 404)]:
        async with world.http.get(world.url + path, headers={"Origin": origin}) as answer:
            assert answer.status == status
            assert answer.headers.get("Access-Control-Allow-Origin") == expected(origins, origin)


async def test_caches_keep_origins_apart_where_it_matters(world, origins):
    async with world.http.get(f"{world.url}/health/live") as answer:
        assert answer.headers.get("Vary") == ("Origin" if origins == (FRIEND,) else None)
        assert "Access-Control-Allow-Origin" not in answer.headers


async def test_socket_io_answers_its_own_preflight(world, origins):
    headers = {"Origin": FRIEND, **PREFLIGHT}
    async with world.http.options(
        f"{world.url}/socket.io/?EIO=4&transport=polling", headers=headers
    ) as answer:
        assert answer.status == (204 if origins else 400)
        assert answer.headers.get("Access-Control-Allow-Origin") in ((FRIEND, "*") if origins else (None,))


async def test_browsers_are_made_careful(world):
    async with world.http.get(f"{world.url}/api/v1/rooms") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("origins", [()])
@pytest.mark.parametrize(("path", "kept"), [("/api/v1/rooms", "no-store"), ("/health/live", None)])
async def test_no_cache_keeps_what_is_somebodys_own(world, path, kept):
    async with world.http.get(world.url + path) as answer:
        assert answer.headers.get("Cache-Control") == kept


@pytest.mark.parametrize("origins", ["none"], indirect=True)
async def test_browsers_are_told_to_be_careful(world):
    async with world.http.get(f"{world.url}/health/live") as answer:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "microphone=()" in answer.headers["Permissions-Policy"]
        assert "Strict-Transport-Security" not in answer.headers


async def test_in_production_browsers_are_told_to_stay_with_https(database_url, tmp_path):
    strict = {"env": "production", "secret_key": "only-for-this-one-test-" * 2, "bcrypt_rounds": 10}
    settings = Settings.for_tests(database_url=database_url, data_dir=tmp_path, port=0, **strict)

    async with World(settings) as world, world.http.get(f"{world.url}/health/live") as answer:
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
