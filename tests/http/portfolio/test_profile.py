"""The profile of a portfolio, its avatar and its résumé."""

import asyncio
from uuid import UUID

import pytest

from hubbub import models
from hubbub.queries.portfolio.versions import tag_of
from hubbub.schemas.portfolio.profile import COLUMNS
from tests.http.uploads.test_uploads import load, stored
from tests.support.live_instance import LiveInstance
from tests.support.pictures import PDF, picture

PATH = "/portfolio/profile"
DEFAULTS = {"avatar": None, **{column.name: column.default for column in COLUMNS}}
GIVEN = {
    "bio": "# Ada\n\nFirst of **all**.",
    "location": "London",
    "available_for_hire": True,
    "portfolio_url": "https://ada.example",
    "theme": "dark",
    "accent": "#1e90ff",
    "is_public": True,
    "show_contacts": False,
}


async def tagged(user, method="GET", **options):
    """The status, the profile and its entity tag."""
    headers = {"Authorization": f"Bearer {user.token}", **options.pop("headers", {})}
    url = f"{user._instance.url}/api/v1{PATH}"
    async with user._instance.http.request(method, url, headers=headers, **options) as response:
        body = await response.json(content_type=None)
        return response.status, body.get("data", body), response.headers.get("ETag")


async def test_a_profile_has_defaults_and_is_changed(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    assert await ada.rest("GET", PATH) == (200, {"data": DEFAULTS})
    assert not await models.PortfolioProfile.exists()

    assert await ada.rest("PATCH", PATH, json=GIVEN) == (200, {"data": {**DEFAULTS, **GIVEN}})
    assert await ada.rest("GET", PATH) == (200, {"data": {**DEFAULTS, **GIVEN}})
    changed = {**GIVEN, "bio": None, "theme": "light"}
    assert await ada.rest("PATCH", PATH, json={"bio": None, "theme": "light"}) == (
        200,
        {"data": {**DEFAULTS, **changed}},
    )

    spaced = {"portfolio_url": "  https://ada.example ", "location": " London\t"}
    _, answer = await ada.rest("PATCH", PATH, json=spaced)
    assert answer["data"] == {**DEFAULTS, **changed}
    assert await ada.rest("PATCH", PATH, json=dict.fromkeys(GIVEN)) == (200, {"data": DEFAULTS})
    assert await bob.rest("GET", PATH) == (200, {"data": DEFAULTS})


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bio", "x" * 2001),
        ("location", "two\nlines"),
        ("portfolio_url", "https://a.example/" + "x" * 200),
        ("portfolio_url", "ftp://a.example"),
        ("theme", "pink"),
        ("accent", "red"),
        ("is_public", 1),
        ("avatar", "http://a.example/a.png"),
        ("avatar", "/uploads/nothing"),
        ("resume_url", "http://a.example/cv.pdf"),
        ("resume_url", "/uploads/01890a5d-ac96-774b-bcce-b302099a8057/cv.pdf"),
        ("show_everything", True),
    ],
)
async def test_an_invalid_field_is_named_and_nothing_changes(instance, field, value):
    ada = await instance.register("ada")

    status, refusal = await ada.rest("PATCH", PATH, json={"location": "London", field: value})

    assert (status, refusal["code"], refusal["errors"][0]["field"]) == (422, "invalid_payload", field)
    assert await ada.rest("GET", PATH) == (200, {"data": DEFAULTS})


async def test_a_change_of_an_outdated_profile_is_refused(instance):
    ada = await instance.register("ada")
    _, _, first = await tagged(ada)

    status, _, second = await tagged(ada, "PATCH", json={"location": "Oxford"}, headers={"If-Match": first})
    assert (status, first != second) == (200, True)
    assert (await tagged(ada))[2] == second
    status, refusal, _ = await tagged(ada, "PATCH", json={"bio": "x"}, headers={"If-Match": first})
    assert (status, refusal["code"]) == (412, "precondition_failed")
    assert (await tagged(ada))[1]["bio"] is None

    for tags in ("*", f'"other", {second}'):
        status, _, _ = await tagged(ada, "PATCH", json={}, headers={"If-Match": tags})
        assert status == 200
    raced = await asyncio.gather(
        *(tagged(ada, "PATCH", json={"bio": text}, headers={"If-Match": second}) for text in ("a", "b"))
    )
    assert sorted(status for status, _, _ in raced) == [200, 412]


async def test_a_user_has_one_avatar(instance):
    ada = await instance.register("ada")

    async def urls():
        own = (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"]
        return own, (await ada.rest("GET", PATH))[1]["data"]["avatar"]

    for path in ("/users/profile/avatar", f"{PATH}/avatar"):
        upload = await stored(ada, picture(100, 100), path=path)
        assert await urls() == (upload["url"], upload["url"])
        assert (await load(instance, upload["url"]))[0] == 200
    for path, other in (
        ("/users/profile/avatar", f"{PATH}/avatar"),
        (f"{PATH}/avatar", "/users/profile/avatar"),
    ):
        await stored(ada, picture(100, 100), path=other)
        assert (await ada.rest("DELETE", path))[0] == 204
        assert await urls() == (None, None)


async def test_an_own_upload_becomes_the_avatar_and_is_kept(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    user = instance.users["ada"]
    first, second = [
        await stored(user, picture(100, 100), path=f"/upload/{kind}") for kind in ("image", "avatar")
    ]

    for upload in (first, second, second):
        status, answer = await user.rest("PATCH", PATH, json={"avatar": f"{upload['url']}"})
        assert (status, answer["data"]["avatar"]) == (200, upload["url"])
    await ada.send(room_id, "hello")

    sender = (await bob.next_event("message:new"))["message"]["sender"]
    assert sender["avatar_url"] == second["url"]
    assert [(await load(instance, each["url"]))[0] for each in (first, second)] == [401, 200]
    status, refusal = await user.rest("DELETE", f"/uploads/{second['id']}")
    assert (status, refusal["errors"][0]["message"]) == (409, "The upload is your avatar.")
    assert (await user.rest("DELETE", f"/uploads/{first['id']}"))[0] == 204

    elsewhere = "https://pictures.example/ada.png"
    assert (await user.rest("PATCH", PATH, json={"avatar": elsewhere}))[1]["data"]["avatar"] == elsewhere
    assert (await user.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] == elsewhere
    assert (await models.Upload.get(id=second["id"])).unreferenced_since is not None
    assert (await user.rest("DELETE", f"/uploads/{second['id']}"))[0] == 204
    assert (await user.rest("PATCH", PATH, json={"avatar": None}))[1]["data"]["avatar"] is None


async def test_an_avatar_is_an_own_image(instance):
    ada, eve = await instance.register("ada"), await instance.register("eve")
    document = await stored(ada, PDF, path="/upload/document", name="a.pdf")
    foreign = await stored(eve, picture(100, 100), path="/upload/image")

    for field, url in (
        ("avatar", document["url"]),
        ("avatar", foreign["url"]),
        ("avatar", document["url"] + "x"),
        ("resume_url", foreign["url"]),
    ):
        status, refusal = await ada.rest("PATCH", PATH, json={"bio": "changed", field: url})
        assert (status, refusal["errors"][0]["field"]) == (422, field)
    assert await ada.rest("GET", PATH) == (200, {"data": DEFAULTS})
    assert await models.UploadReference.all().count() == 0


async def test_a_resume_is_set_replaced_and_removed(instance):
    ada = await instance.register("ada")
    first = await stored(ada, PDF, path=f"{PATH}/resume", name="cv.pdf")
    assert (first["kind"], (await ada.rest("GET", PATH))[1]["data"]["resume_url"]) == ("resume", first["url"])
    status, refusal = await ada.rest("DELETE", f"/uploads/{first['id']}")
    assert (status, refusal["errors"][0]["field"]) == (409, f"resume:{ada.id}")

    second = await stored(ada, PDF, path="/upload/resume", name="new cv.pdf")
    await ada.rest("PATCH", PATH, json={"resume_url": second["url"]})
    assert (await load(instance, second["url"]))[0] == 401
    await ada.rest("PATCH", PATH, json={"is_public": True})
    assert [(await load(instance, each["url"]))[0] for each in (first, second)] == [401, 200]
    assert (await ada.rest("GET", PATH))[1]["data"]["resume_url"] == second["url"]
    assert (await ada.rest("DELETE", f"/uploads/{first['id']}"))[0] == 204

    for _ in range(2):
        assert (await ada.rest("DELETE", f"{PATH}/resume"))[0] == 204
    assert (await ada.rest("GET", PATH))[1]["data"]["resume_url"] is None
    assert (await ada.rest("DELETE", f"/uploads/{second['id']}"))[0] == 204


async def test_avatar_and_resume_may_be_one_upload(instance):
    ada = await instance.register("ada")
    upload = await stored(ada, picture(100, 100), path="/upload/image")
    url = upload["url"]

    await ada.rest("PATCH", PATH, json={"avatar": url, "resume_url": url})
    await ada.rest("PATCH", PATH, json={"avatar": None})

    assert (await models.Upload.get(id=upload["id"])).unreferenced_since is None
    assert (await ada.rest("DELETE", f"/uploads/{upload['id']}"))[0] == 409


async def test_concurrent_changes_leave_one_reference(instance):
    ada = await instance.register("ada")
    uploads = [await stored(ada, picture(50 + size, 50), path="/upload/image") for size in range(4)]

    answers = await asyncio.gather(
        *(
            ada.rest("PATCH", PATH, json={"avatar": each["url"], "resume_url": each["url"]})
            for each in uploads
        ),
        *(ada.rest("DELETE", f"/uploads/{each['id']}") for each in uploads),
    )

    assert {status for status, _ in answers} <= {200, 204, 409, 422}
    profile = (await ada.rest("GET", PATH))[1]["data"]
    rows = await models.UploadReference.filter(target_id=ada.id).select_related("upload")
    kept = {row.kind: f"/uploads/{row.upload_id}/{row.upload.name}" for row in rows}
    given = {"avatar": profile["avatar"], "resume": profile["resume_url"]}
    assert kept == {kind: url for kind, url in given.items() if url}


async def test_the_url_at_the_cdn_is_the_own_upload(settings):
    public = {"cdn_url": "https://cdn.example", "public_url": "https://chat.example"}
    async with LiveInstance(settings.model_copy(update=public)) as instance:
        ada = await instance.register("ada")
        upload = await stored(ada, picture(100, 100), path="/upload/image")

        for base in ("", "https://cdn.example", "https://chat.example"):
            _, answer = await ada.rest("PATCH", PATH, json={"avatar": base + upload["url"]})
            assert answer["data"]["avatar"] == "https://cdn.example" + upload["url"]
            _, answer = await ada.rest("PATCH", PATH, json={"resume_url": base + upload["url"]})
            assert answer["data"]["resume_url"] == upload["url"]
        assert await models.UploadReference.filter(upload_id=upload["id"]).count() == 2


async def test_an_avatar_with_a_long_name_in_another_script_is_stored(instance):
    ada = await instance.register("ada")

    upload = await stored(ada, picture(100, 100), path="/users/profile/avatar", name="像" * 140 + ".png")

    assert len(upload["url"]) > 1000
    assert (await ada.rest("GET", "/auth/me"))[1]["data"]["avatar_url"] == upload["url"]
    assert (await ada.rest("PATCH", PATH, json={"avatar": upload["url"]}))[0] == 200


async def test_each_change_that_the_public_sees_has_a_version_and_ends_cached_responses(instance):
    ada = await instance.register("ada")
    await ada.rest("PATCH", PATH, json={"is_public": True})
    versions, tags = [(await models.PortfolioProfile.get(user_id=ada.id)).version], []
    container = instance.app.container
    container.bus.add_handler(lambda signal: tags.extend(getattr(signal, "tags", ())))

    async def seen():
        """Whether the version has grown and the cached responses were removed since the last call."""
        version = (await models.PortfolioProfile.get(user_id=ada.id)).version
        versions.append(version)
        found = tags == [tag_of(UUID(ada.id))]
        tags.clear()
        return version > versions[-2] and found

    for path, body in (
        (PATH, {"bio": "x"}),
        (PATH, {"avatar": "https://pictures.example/a.png"}),
        ("/users/profile", {"username": "ada.l"}),
        ("/users/profile", {"display_name": "Ada L."}),
    ):
        assert (await ada.rest("PATCH", path, json=body))[0] == 200
        assert await seen(), body
    await stored(ada, picture(100, 100), path="/users/profile/avatar")
    assert await seen()
    await stored(ada, PDF, path=f"{PATH}/resume", name="cv.pdf")
    assert await seen()
    for path in ("/users/profile/avatar", f"{PATH}/resume"):
        assert (await ada.rest("DELETE", path))[0] == 204
        assert await seen(), path

    private = {"metadata": {"a": 1}, "first_name": "Ada", "last_name": "L."}
    await ada.rest("PATCH", "/users/profile", json=private)
    assert not await seen()
