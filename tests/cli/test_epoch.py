"""`hubbub epoch new`."""


def test_a_new_epoch_is_a_later_one_each_time(run, database_url):
    results = [run("epoch", "new", HUBBUB_DATABASE_URL=database_url) for _ in range(2)]

    assert [result.exit_code for result in results] == [0, 0]
    assert results[0].stdout < results[1].stdout
