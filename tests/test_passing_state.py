"""What tests leave to each other counts, too, where somebody puts it back before the run ends."""

from __future__ import annotations

from textwrap import dedent

import pytest

from .harness import Project

MEMO = """
    import functools
    @functools.lru_cache
    def rate():
        return compute()
    def compute():
        return 3
    """
CLEARING = {
    "a_fixture_of_the_file": """
        import pytest
        @pytest.fixture(scope="module", autouse=True)
        def clean():
            yield
            rate.cache_clear()
        """,
    "the_file": """
        def teardown_module():
            rate.cache_clear()
        """,
    "another_test": """
        def test_nothing_is_left():
            rate.cache_clear()
        """,
}


@pytest.mark.parametrize("who", CLEARING)
def test_a_memo_that_is_cleared_in_the_end_reruns_who_read_it(project: Project, who: str) -> None:
    readers = """
        from rates import rate
        def test_first():
            assert rate()
        def test_second():
            assert rate() == 3
        """
    tests = dedent(readers) + dedent(CLEARING[who])
    project = project.write({"rates.py": MEMO, "test_a.py": tests})
    project.run("--cachekit")

    run = project.replace("rates.py", "return 3", "return 4").run("--cachekit")

    assert run.verdicts["test_a.py::test_second"] == "stale"
    assert run.counts["failed"] == 1


def test_who_changes_what_it_was_handed_is_found_without_a_name(project: Project) -> None:
    project = project.write(
        {
            "items.py": "_ITEMS = []\ndef items():\n    return _ITEMS\n",
            "values.py": "def value():\n    return 3\n",
            "test_a.py": """
                from items import items
                from values import value
                def test_a():
                    mine = items()
                    mine.append(value())
                """,
            "test_b.py": "from items import items\ndef test_b():\n    assert items() == [3]\n",
        }
    )
    project.run("--cachekit")

    run = project.replace("values.py", "3", "4").run("--cachekit")

    assert run.verdicts == {"test_a.py::test_a": "stale", "test_b.py::test_b": "stale"}


def test_what_a_fixture_holds_for_a_while_is_what_its_users_left(project: Project) -> None:
    project = project.write(
        {
            "conftest.py": """
                import pytest
                @pytest.fixture(scope="session")
                def table():
                    return {}
                """,
            "values.py": "def value():\n    return 3\n",
            "test_a.py": """
                from values import value
                def test_put(table):
                    table["a"] = value()
                def test_get(table):
                    assert table["a"] == 3
                def test_clear(table):
                    table.clear()
                """,
        }
    )
    project.run("--cachekit")

    run = project.replace("values.py", "3", "4").run("--cachekit")

    assert run.verdicts["test_a.py::test_get"] == "stale"


def test_nothing_is_kept_alive_to_tell_later_that_it_was_there(project: Project) -> None:
    project = project.write(
        {
            "single.py": """
                class Single:
                    pass
                ONE = None
                MANY = {}
                def get():
                    global ONE
                    if ONE is None:
                        ONE = MANY["one"] = Single()
                    return ONE
                def reset():
                    global ONE
                    ONE = None
                    MANY.clear()
                """,
            "test_a.py": """
                import gc, weakref
                import single
                def test_get():
                    single.get().name = "x"
                def test_again():
                    assert single.get().name == "x"
                def test_reset():
                    known = weakref.ref(single.get())
                    single.reset()
                    gc.collect()
                    assert known() is None
                """,
        }
    )

    run = project.run("--cachekit")

    assert run.counts == {"passed": 3}


def test_who_only_asserts_what_a_list_holds_hands_it_to_nobody(project: Project) -> None:
    tests = """
        import pytest
        from shared import resources
        @pytest.fixture(scope="module", autouse=True)
        def resource():
            resources.append({name!r})
            yield
            resources.remove({name!r})
        def test_it():
            assert resources == [{name!r}]
        """
    project = project.write(
        {
            "shared.py": "resources = []",
            "test_a.py": tests.format(name="a"),
            "test_b.py": tests.format(name="b"),
        }
    )
    project.run("--cachekit")

    run = project.replace("test_a.py", "test_it():", "test_it():\n    print()").run("--cachekit")

    assert run.verdicts == {"test_a.py::test_it": "stale", "test_b.py::test_it": "hit"}


LAZY = """
    import weakref
    class Lazy:
        @property
        def __class__(self):
            raise RuntimeError("There is nothing yet.")
        def __getattr__(self, name):
            raise RuntimeError("There is nothing yet.")
        __bool__ = __eq__ = __hash__ = __iter__ = __len__ = __repr__ = __class__.fget
        def __call__(self):
            return 3
    class Price:
        pass
    LAZY = Lazy()
    TABLE = {1: LAZY}
    GONE = weakref.proxy(Price())
    def compute():
        return LAZY()
    def keep():
        TABLE[2] = TABLE[1]
        Price.kept = GONE
    """


def test_what_is_not_ready_and_what_is_gone_are_left_alone(project: Project) -> None:
    tests = """
        import pytest
        import rates
        @pytest.fixture(scope="module")
        def shared():
            return rates.LAZY
        def test_it_is_kept():
            rates.keep()
        def test_it_is_used(shared):
            assert rates.compute() == shared() == 3
        """
    project = project.write({"rates.py": LAZY, "test_a.py": tests})

    assert project.run("--cachekit").counts == {"passed": 2}
    assert set(project.run("--cachekit").verdicts.values()) == {"hit"}
    run = project.replace("rates.py", "return 3", "return 4").run("--cachekit")
    assert run.counts["failed"] == 1
