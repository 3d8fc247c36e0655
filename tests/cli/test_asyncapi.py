"""`hubbub asyncapi`."""

import json

from hubbub.realtime.asyncapi import document


def test_it_prints_the_document_with_the_public_url(run):
    result = run("asyncapi", HUBBUB_PUBLIC_URL="https://chat.example.com")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == document("https://chat.example.com")
    assert json.loads(result.stdout)["servers"]["hubbub"] == {
        "host": "chat.example.com",
        "pathname": "/socket.io/",
        "protocol": "wss",
    }
