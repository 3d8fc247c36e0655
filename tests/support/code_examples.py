"""Code in messages, for Python and JavaScript: CommonMark's examples of fences and code spans.

NAME marks a position inside code, TEXT one outside. The numbers are those of CommonMark 0.31.2.
"""

from typing import NamedTuple


class Example(NamedTuple):
    """A message and the contents of its code, in order."""

    body: str
    code: list[str]


EXAMPLES = [
    # 119 to 147: fenced code blocks
    Example("```\n<\n NAME>\n```", ["<\n NAME>"]),
    Example("~~~\n<\n NAME>\n~~~", ["<\n NAME>"]),
    Example("``\nNAME\n``", ["NAME"]),
    Example("```\nNAME\n~~~\n```", ["NAME\n~~~"]),
    Example("~~~\nNAME\n```\n~~~", ["NAME\n```"]),
    Example("````\nNAME\n```\n``````", ["NAME\n```"]),
    Example("~~~~\nNAME\n~~~\n~~~~", ["NAME\n~~~"]),
    Example("```", [""]),
    Example("```\nNAME", ["NAME"]),
    Example("`````\n\n```\nNAME", ["\n```\nNAME"]),
    Example("> ```\n> NAME\n\nTEXT", ["NAME"]),
    Example("```\n\n  NAME\n```", ["\n  NAME"]),
    Example("```\n```\nTEXT", [""]),
    Example(" ```\n NAME\naaa\n```", ["NAME\naaa"]),
    Example("  ```\nNAME\n  aaa\naaa\n  ```", ["NAME\naaa\naaa"]),
    Example("   ```\n   NAME\n    aaa\n  aaa\n   ```", ["NAME\n aaa\naaa"]),
    Example("    ```\n    TEXT\n    ```", []),
    Example("```\nNAME\n  ```\nTEXT", ["NAME"]),
    Example("   ```\nNAME\n  ```\nTEXT", ["NAME"]),
    Example("```\nNAME\n    ```", ["NAME\n    ```"]),
    Example("``` ```\nTEXT", [" "]),
    Example("~~~~~~\nNAME\n~~~ ~~", ["NAME\n~~~ ~~"]),
    Example("TEXT\n```\nNAME\n```\nbaz", ["NAME"]),
    Example("TEXT\n---\n~~~\nNAME\n~~~\n# baz", ["NAME"]),
    Example("```ruby\ndef foo(x)\n  NAME\nend\n```", ["def foo(x)\n  NAME\nend"]),
    Example("~~~~    ruby startline=3 $%@#$\nNAME\n~~~~~~~", ["NAME"]),
    Example("````;\n````\nTEXT", [""]),
    Example("``` NAME ```\nTEXT", ["NAME"]),
    Example("~~~ aa ``` ~~~\nNAME\n~~~", ["NAME"]),
    Example("```\n``` NAME\n```", ["``` NAME"]),
    # 328 to 349: code spans
    Example("`NAME` TEXT", ["NAME"]),
    Example("`` NAME ` bar ``", ["NAME ` bar"]),
    Example("` `` ` TEXT", ["``"]),
    Example("`  ``  `", [" `` "]),
    Example("` NAME`", [" NAME"]),
    Example("`\u00a0NAME\u00a0`", ["\u00a0NAME\u00a0"]),
    Example("` `\n`  `\nTEXT", [" ", "  "]),
    Example("``\nNAME\nbar  \nbaz\n``", ["NAME bar   baz"]),
    Example("``\nNAME \n``", ["NAME "]),
    Example("`NAME   bar \nbaz`", ["NAME   bar  baz"]),
    Example("`foo\\` TEXT`", ["foo\\"]),
    Example("``NAME`bar``", ["NAME`bar"]),
    Example("` foo `` NAME `", ["foo `` NAME"]),
    Example("*foo`NAME*`", ["NAME*"]),
    Example("[not a `NAME](/foo`)", ["NAME](/foo"]),
    Example('`<a href="NAME`">` TEXT', ['<a href="NAME']),
    Example('<a href="`">TEXT`', []),
    Example("`<https://foo.bar.NAME`baz>`", ["<https://foo.bar.NAME"]),
    Example("<https://foo.bar.`baz>TEXT`", []),
    Example("```TEXT``", []),
    Example("`TEXT", []),
    Example("`TEXT ``NAME``", ["NAME"]),
    # what else opens, closes or escapes code
    Example("a ``` and TEXT", []),
    Example("\\`TEXT`", []),
    Example("\\``NAME`", ["NAME"]),
    Example("`TEXT\n\nTEXT`", []),
    Example("`TEXT\n# TEXT`", []),
    Example("`TEXT\n***\nTEXT`", []),
    Example("- `TEXT\n- TEXT`", []),
    Example("> `TEXT\n\nTEXT`", []),
    Example("> `NAME\n> NAME`", ["NAME NAME"]),
    Example("> `NAME\nNAME` TEXT", ["NAME NAME"]),
    Example("- ```\n  NAME\n  ```\n\n  TEXT", ["NAME"]),
    Example("- ```\n  NAME\nTEXT", ["NAME"]),
    Example("1. a\n\n   ~~~\n   NAME\n   ~~~\n2. TEXT", ["NAME"]),
    Example("> - ```\n>   NAME\n> TEXT", ["NAME"]),
    Example("-\t```\n\tNAME\n\n\tNAME", ["NAME\n\nNAME"]),
    Example("```\r\nNAME\r\n```\r\nTEXT", ["NAME"]),
    Example("    TEXT `TEXT`", []),
    Example("TEXT\n    `NAME`", ["NAME"]),
    Example("<!-- ` -->TEXT`", []),
    Example("<b `NAME`", ["NAME"]),
]
