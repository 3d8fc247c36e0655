"""URLs that name several servers."""

import pytest

from hubbub.db import hosts


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("postgres://a/name", ["postgres://a/name"]),
        ("postgres://u:p@a:1,b:2/name?x=1", ["postgres://u:p@a:1/name?x=1", "postgres://u:p@b:2/name?x=1"]),
        ("postgres://u:p,q@a,b", ["postgres://u:p,q@a", "postgres://u:p,q@b"]),
        ("postgres://u:p@x@a,b/n", ["postgres://u:p@x@a/n", "postgres://u:p@x@b/n"]),
        ("postgres://[::1]:1,b:2/n", ["postgres://[::1]:1/n", "postgres://b:2/n"]),
        ("postgres://b:2,[::1]/n", ["postgres://b:2/n", "postgres://[::1]/n"]),
        ("postgres:///n?host=a,b&port=1,2", ["postgres:///n?host=a&port=1", "postgres:///n?host=b&port=2"]),
        ("postgres:///n?port=1&host=a,b", ["postgres:///n?host=a&port=1", "postgres:///n?host=b&port=1"]),
        ("postgres://u@/n?host=a,b", ["postgres://u@/n?host=a", "postgres://u@/n?host=b"]),
        ("postgres:///n?host=/run/postgresql", ["postgres:///n?host=/run/postgresql"]),
    ],
)
def test_each_host_has_a_url(url, found):
    assert hosts.split_hosts(url) == found


@pytest.mark.parametrize("url", ["postgres://a,/n", "postgres://a,,b/n", "postgres:///n?host=a,b&port=1,2,3"])
def test_a_host_without_a_name_or_a_port_is_refused(url):
    with pytest.raises(ValueError, match=r"host|argument"):
        hosts.split_hosts(url)


def test_a_message_names_all_hosts_and_no_password():
    assert hosts.display_hosts("postgres://u:s3cret@a:1,[::1]:2/name?password=s3cret") == "a:1,[::1]:2/name"
