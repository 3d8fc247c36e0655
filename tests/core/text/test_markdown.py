"""Markdown as HTML and as plain text: what it keeps, what it removes, and what it costs."""

import itertools
import statistics
import time

import pytest

from hubbub.core import clock
from hubbub.core.text import markdown
from hubbub.core.text.markdown import Budget


def html(text, shift=0, seconds=5.0):
    return markdown.to_html(text, Budget(seconds), shift)


def plain(text, max_chars=500):
    return markdown.to_plain_text(text, max_chars, Budget(5))


def test_commonmark_with_tables_becomes_html():
    text = "# Title\n\nA *b* **c** `d`\n\n1. one\n2. two\n\n> quote\n\n| a | b |\n|:--|--:|\n| 1 | 2 |\n"

    found = html(text)

    assert "<h1>Title</h1>" in found
    assert "<p>A <em>b</em> <strong>c</strong> <code>d</code></p>" in found
    assert "<ol>\n<li>one</li>" in found
    assert "<blockquote>" in found
    assert '<div class="table"><table>' in found
    assert '<th class="left">a</th>' in found
    assert '<td class="right">2</td>' in found


def test_headings_are_as_deep_as_their_page_needs():
    assert "<h3>a</h3>" in html("# a", 2)
    assert "<h6>a</h6>" in html("##### a", 3)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<style>body { display: none }</style>",
        "<iframe src='https://example.org'></iframe>",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg><script>alert(1)</script></svg>",
        "<!-- a --> <?php ?> <![CDATA[ a ]]>",
        '```"><script>alert(1)</script>\ncode\n```',
        "| <script> | b |\n|---|---|\n| <img src=x onerror=alert(1)> | 2 |",
        '[a](https://example.org/"onmouseover=alert(1))',
        '![a](https://example.org/"onerror=alert(1))',
        "[a](https://example.org 'title\" onclick=\"alert(1)')",
    ],
)
def test_html_in_markdown_is_text(text):
    found = html(text)

    assert "<script" not in found
    assert "<iframe" not in found
    assert "<style" not in found
    assert "<svg" not in found
    tags = [part.partition(">")[0] for part in found.split("<")[1:]]
    names = [name for tag in tags for name in tag.replace('="', "\0").split() if "\0" in name]
    assert [name for name in names if name.startswith("on")] == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "javascript&colon;alert(1)",
        "java\tscript:alert(1)",
        "vbscript:x",
        "data:text/html;base64,PHNjcmlwdD4=",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "blob:https://example.org/1",
        "\x01javascript:alert(1)",
    ],
)
def test_links_and_images_have_harmless_urls(url):
    found = html(f"[a]({url}) ![b]({url}) <{url}>\n\n[c]: {url}\n\n[c]")

    assert "href=" not in found.replace('href="javascript&amp;colon', "href=")
    assert "src=" not in found


@pytest.mark.parametrize(
    "url",
    ["https://example.org/a?b=c#d", "http://example.org", "mailto:a@example.org", "tel:+391", "/@ada", "#a"],
)
def test_ordinary_links_stay_and_promote_nothing(url):
    found = html(f"[a]({url})")

    assert f'href="{url}"' in found
    assert 'rel="nofollow ugc noopener"' in found


def test_images_are_of_https_or_uploads_and_load_late():
    found = html(
        "![a](https://example.org/a.png) ![b](/uploads/1/b.png) ![c](http://example.org/c.png) ![d](d.png)"
    )

    assert '<img src="https://example.org/a.png" alt="a" loading="lazy">' in found
    assert '<img src="/uploads/1/b.png" alt="b" loading="lazy">' in found
    assert found.count("<img") == 2
    assert " c d</p>" in found


# Each of them takes a parser without bounds a long time, or a stack.
COSTLY = {
    "quotes": ">" * 10_000,
    "quotes with text": "> " * 10_000 + "a",
    "lines of quotes": (">" * 50 + "\n") * 2000,
    "lists": "".join("  " * depth + "- a\n" for depth in range(300)),
    "list markers": "- " * 10_000 + "a",
    "brackets": "[" * 50_000,
    "links": "[a](" * 25_000,
    "images": "![" * 10_000 + "a" + "](b)" * 10_000,
    "titles": '[a](b "' * 14_000,
    "emphasis": "*a **a " * 14_000,
    "underscores": "_a __a_" * 14_000,
    "backticks": "".join("`" * n + " " for n in range(440)),
    "entities": "&" * 100_000,
    "tags": "<a " * 33_000,
    "autolinks": "<" * 100_000,
    "references": "".join(f"[{n}]: /a\n" for n in range(9000)) + "[1]" * 3000,
    "open references": "[a]:\n" * 20_000,
    "table": "|a" * 250 + "|\n" + "|-" * 250 + "|\n" + "|\n" * 90_000,
    "wide table": "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n|b|\n",
    "tables": ("|a" * 250 + "|\n" + "|-" * 250 + "|\n" + "|\n" * 255 + "\n") * 60,
    "paragraphs": "a\n\n" * 33_000,
    "escapes": "\\*" * 50_000,
    "headings": "# a\n" * 25_000,
    "setext": "a\n" * 50_000 + "---",
    "spaces": " " * 100_000,
}


@pytest.mark.parametrize("name", COSTLY)
def test_costly_text_takes_a_bounded_time_and_becomes_a_bounded_size(name):
    text = COSTLY[name][:100_000]
    began = clock.thread_time()

    found = html(text, seconds=0.1)

    assert clock.thread_time() - began < 1  # a step of the parser, and the rest after the budget
    assert len(found) < 2_500_000


@pytest.mark.parametrize("name", COSTLY)
def test_costly_text_has_a_plain_beginning(name):
    began = clock.thread_time()

    found = plain(COSTLY[name], 200)

    assert clock.thread_time() - began < 0.5
    assert len(found) <= 200


def test_a_text_over_its_budget_is_shown_as_it_was_written():
    assert html("*a* <b>", seconds=-1) == "<pre>*a* &lt;b&gt;</pre>"


def test_texts_share_the_budget_of_their_page():
    budget = Budget(0.05)

    found = [markdown.to_html("*a* " * 5000, budget) for _ in range(5)]

    assert found[-1].startswith("<pre>")


def test_a_long_text_lets_other_threads_run_each_millisecond(monkeypatch):
    released = []
    monkeypatch.setattr(time, "sleep", lambda _seconds: released.append(clock.thread_time()))

    html("*a* [b](c) `d`\n\n" * 2000)

    gaps = [after - before for before, after in itertools.pairwise(released)]
    assert len(gaps) > 20
    assert statistics.median(gaps) < 0.002  # the switch interval of the interpreter is 0.005


def test_plain_text_has_no_markup_and_ends_with_a_word():
    text = "# Title\n\nA *b* **c** `d` [e](https://example.org) ![f](g.png)\n\n- one\n- two\n\n<b>h</b>"

    assert plain(text) == "A b c d e f one two <b>h</b>"
    assert plain("# Title\n\n## More") == "Title More"
    assert plain("word " * 100, 23) == "word word word word…"
    assert plain("a" * 100, 10) == "aaaaaaaaa…"
    assert plain("") == ""


def test_the_beginning_of_a_long_text_is_enough():
    assert plain("**word** " * 100_000, 20) == "word word word word…"


@pytest.mark.parametrize(
    ("text", "headline", "rest"),
    [
        ("Engineer in *Rome*", "Engineer in Rome", ""),
        ("# Engineer\n\nI build things.\n", "Engineer", "I build things."),
        ("\n\nEngineer\n========\nMore", "Engineer", "More"),
        ("a\nb", "a", "b"),
        ("مهندسة برمجيات\n\nنص", "مهندسة برمجيات", "نص"),
        ("---\na", "", "a"),
    ],
)
def test_the_headline_is_the_first_line(text, headline, rest):
    assert markdown.split_headline(text, Budget(1)) == (headline, rest)
