"""The page at `/account`."""


async def test_the_page_is_served_and_runs_no_external_script(instance):
    for path, kind in (
        ("", "text/html"),
        ("/account.js", "text/javascript"),
        ("/account.css", "text/css"),
    ):
        async with instance.http.get(f"{instance.url}/account{path}") as answer:
            assert answer.status == 200
            assert answer.content_type == kind
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "http" not in (await answer.text()).replace("http-", "")
