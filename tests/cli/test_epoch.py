"""`hubbub epoch new`."""


def test_each_new_epoch_is_later_than_the_last(run, database_url):
    results = [run("epoch", "new", HUBBUB_DATABASE_URL=database_url) for _ in range(2)]

    assert [result.exit_code for result in results] == [0, 0]
    assert results[0].stdout < results[1].stdout
