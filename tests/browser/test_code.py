"""The playground and the server find the same code in messages."""

import json
from typing import Any

import pytest

from tests.support.browser import Page
from tests.support.code_examples import EXAMPLES

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOWN = """import('/playground/views/text.js').then((m) => {
  const line = document.createElement('p');
  line.append(...m.textNodes(%s, ['bob', 'bob_'], 'bob'));
  const all = (name) => [...line.querySelectorAll(name)].map((each) => each.textContent);
  return { text: line.textContent, code: all('code'), pre: all('pre'), mention: all('.mention') };
})"""


async def displayed(page: Page, body: str) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(SHOWN % json.dumps(body))
    return found


async def test_page_and_server_find_the_same_code(page: Page) -> None:
    bodies = json.dumps([example.body for example in EXAMPLES])
    found = await page.evaluate(f"import('/playground/code.js').then((m) => {bodies}.map(m.pieces))")

    for example, parts in zip(EXAMPLES, found, strict=True):
        assert [part["text"] for part in parts if part.get("code")] == example.code, ascii(example.body)
        text = "".join(part["text"] for part in parts if not part.get("code"))
        assert text.count("TEXT") == example.body.count("TEXT"), ascii(example.body)


async def test_code_is_rendered_and_the_text_around_it_kept(page: Page) -> None:
    seen = await displayed(page, "> a `` @bob ` `` b\n\n- ```js\n  let x;\n  ```\n    <b> `@bob\n")

    assert (seen["code"], seen["pre"], seen["mention"]) == (["@bob `"], ["let x;"], ["@bob"])
    assert seen["text"] == "> a @bob ` b\n\n- let x;    <b> `@bob\n"


@pytest.mark.parametrize(
    ("body", "mention"),
    [
        ("hi @bob, @eve", ["@bob"]),
        ("\u8bf7@bob\u770b\u4e00\u4e0b", ["@bob"]),
        ("\uff20\uff42ob", ["\uff20\uff42ob"]),
        ("_@bob_", ["@bob_"]),
        ("@bob@example.org ada@bob", []),
        ("https://example.org/?q=@bob", []),
        ("@bobby", []),
    ],
    ids=ascii,
)
async def test_mentions_are_highlighted(page: Page, body: str, mention: list[str]) -> None:
    seen = await displayed(page, body)

    assert (seen["mention"], seen["text"]) == (mention, body)
