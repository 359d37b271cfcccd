"""Hooks that others implement: what they say counts, and where they fail tests run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import Project
from .result import Run
from .stories import IT

TEST = {"test_it.py": "def test_it(): pass"}
ASKED = """
    def pytest_cachekit_key_parts(config):
        return {"database": "17.2"}
    """
RAISING = """
    import pytest
    def pytest_cachekit_HOOK(**_):
        RAISE
    """


def hook(text: str) -> dict[str, str]:
    return {"conftest.py": text}


def verdicts(*runs: Run) -> list[str]:
    return [run.verdicts[IT] for run in runs]


def test_parts_of_the_key_keep_results_apart(project: Project) -> None:
    old = project.write({**TEST, **hook(ASKED)})
    new = old.replace("conftest.py", "17.2", "18.0")
    runs = [version.run("--cachekit") for version in (old, old, new, new, old)]

    assert verdicts(*runs) == ["miss", "hit", "miss", "hit", "hit"]


def test_what_parts_of_the_key_were_asked_of_is_no_input(project: Project) -> None:
    asking = project.write(
        {
            **TEST,
            "state": "busy",
            **hook(
                """
                import socket
                def pytest_cachekit_key_parts(config):
                    state = open("state").read()
                    try:
                        socket.create_connection(("192.0.2.1", 9), 0.01)
                    except OSError:
                        pass
                    return {"database": "17.2", "asked": "yes"}
                """
            ),
        }
    )
    asking.run("--cachekit")

    assert verdicts(asking.edit({"state": "idle"}).run("--cachekit")) == ["hit"]


@pytest.mark.parametrize(
    ("name", "leave", "find"),
    [
        ("key_parts(config)", "shared.FOUND.append(shared.state())", "shared.FOUND[0]"),
        ("key_parts(config)", "shared.state_once()", "shared.state_once()"),
        ("key_parts(config)", "os.environ['STATE'] = shared.state()", "os.environ['STATE']"),
        (
            "key_parts(config)",
            "Path('copy').write_text(shared.state())",
            "Path('copy').read_text()",
        ),
        ("is_cacheable(item)", "shared.state_once()", "shared.state_once()"),
    ],
    ids=["in a list", "in a memo", "in a variable", "in a file", "when asked about a test"],
)
def test_what_a_hook_leaves_behind_is_an_input_of_who_uses_it(
    project: Project, name: str, leave: str, find: str
) -> None:
    imports = "import os, shared\nfrom pathlib import Path\n"
    leaving = project.ini("pythonpath = .").write(
        {
            "shared.py": """
                import functools
                FOUND = []
                def state():
                    return open("state").read()
                @functools.lru_cache
                def state_once():
                    return state()
                """,
            "state": "1",
            "test_it.py": f"{imports}def test_it(): assert {find} == '1'",
            **hook(f"{imports}def pytest_cachekit_{name}:\n    {leave}"),
        }
    )
    leaving.run("--cachekit")
    assert verdicts(leaving.run("--cachekit")) == ["hit"]
    run = leaving.edit({"state": "2"}).run("--cachekit")

    assert verdicts(run) == ["stale"]
    assert run.outcomes[IT] == "failed"


@pytest.mark.parametrize("answer", ["False", "'its day is over'"])
def test_a_test_that_a_hook_objects_to_runs(project: Project, answer: str) -> None:
    project = project.write(
        {
            **TEST,
            "test_other.py": "def test_other(): pass",
            **hook(
                f"""
                def pytest_cachekit_is_cacheable(item):
                    return {answer} if item.name == "test_it" else None
                """
            ),
        }
    )
    runs = [project.run("--cachekit") for _ in range(2)]

    assert verdicts(*runs) == ["uncacheable", "uncacheable"]
    assert runs[1].verdicts["test_other.py::test_other"] == "hit"
    expected = "the hook pytest_cachekit_is_cacheable says so"
    assert runs[1].reasons[IT] == (expected if answer == "False" else "its day is over")


def test_a_hook_that_objects_later_finds_what_was_stored(project: Project) -> None:
    objecting = project.write(
        {
            **TEST,
            **hook(
                """
                import os
                def pytest_cachekit_is_cacheable(item):
                    item.function
                    return not os.path.exists("flag")
                """
            ),
        }
    )
    objecting.run("--cachekit")
    flag = objecting.write({"flag": ""})
    runs = [version.run("--cachekit") for version in (flag, flag, flag.remove("flag"))]

    assert verdicts(*runs) == ["uncacheable", "uncacheable", "hit"]


DECLARING = """
    from pytest_cachekit import DeclaredInputs
    def pytest_cachekit_inputs(item):
        return DeclaredInputs(files=["db/*.sql"], env=["STAGE"])
    """


def test_declared_inputs_count(project: Project) -> None:
    before = project.write({**TEST, "db/a.sql": "one", **hook(DECLARING)})
    edited = before.edit({"db/a.sql": "two"})
    added = edited.write({"db/b.sql": "three"})
    staged = added.with_environment(STAGE="test")
    runs = [version.run("--cachekit") for version in (before, before, edited, added, staged)]

    assert verdicts(*runs) == ["miss", "hit", "stale", "stale", "stale"]
    assert "db/*.sql" in runs[2].reasons[IT]
    assert "STAGE" in runs[4].reasons[IT]


def test_what_a_hook_for_inputs_does_is_an_input(project: Project) -> None:
    before = project.write(
        {
            **TEST,
            "inputs.txt": "db/a.sql",
            "db/a.sql": "one",
            **hook(
                """
                from pytest_cachekit import DeclaredInputs
                def pytest_cachekit_inputs(item):
                    return DeclaredInputs(files=[open("inputs.txt").read()])
                """
            ),
        }
    )
    before.run("--cachekit")
    other_list = before.edit({"inputs.txt": "db/b.sql"})
    other_code = before.replace("conftest.py", ".read()]", ".read().strip()]")

    assert verdicts(before.run("--cachekit")) == ["hit"]
    assert "inputs.txt" in other_list.run("--cachekit").reasons[IT]
    assert "pytest_cachekit_inputs" in other_code.run("--cachekit").reasons[IT]


def test_a_hook_that_comes_to_a_conftest_has_tests_run(project: Project) -> None:
    before = project.write({**TEST, "db/a.sql": "one", **hook("def helper(): pass")})
    before.run("--cachekit")
    assert verdicts(before.run("--cachekit")) == ["hit"]

    after = before.write(hook("def helper(): pass\n" + DECLARING.replace("\n    ", "\n")))
    assert verdicts(after.run("--cachekit")) == ["stale"]


@pytest.mark.parametrize(("complete", "expected"), [("False", "uncacheable"), ("True", "hit")])
def test_only_who_declares_all_inputs_vouches_for_children(
    project: Project, complete: str, expected: str
) -> None:
    project = project.write(
        {
            "test_it.py": """
                import subprocess
                def test_it(): subprocess.run(["ls", "data"], check=True)
                """,
            "data/a": "",
            **hook(
                f"""
                from pytest_cachekit import DeclaredInputs
                def pytest_cachekit_inputs(item):
                    return DeclaredInputs(files=["data/*"], is_complete={complete})
                """
            ),
        }
    )
    project.run("--cachekit")

    assert verdicts(project.run("--cachekit")) == [expected]


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("key_parts", "raise ValueError('x')"),
        ("key_parts", "return {'a': 3}"),
        ("is_cacheable", "pytest.skip('x')"),
        ("is_cacheable", "return 3"),
        ("inputs", "raise ValueError('x')"),
        ("inputs", "return ['a']"),
    ],
)
def test_a_hook_that_fails_has_tests_run_and_is_named(
    project: Project, name: str, failure: str
) -> None:
    sound = project.write({**TEST, **hook("")})
    sound.run("--cachekit")
    text = RAISING.replace("HOOK(**_)", f"{name}({'config' if name == 'key_parts' else 'item'})")
    failing = sound.write(hook(text.replace("RAISE", failure)))
    run = failing.run("--cachekit")

    assert run.exit_status == 0
    assert run.verdicts[IT] != "hit"
    told = run.stdout if name == "key_parts" else run.reasons[IT]
    assert f"the hook pytest_cachekit_{name} " in told
    assert verdicts(sound.run("--cachekit")) == ["hit"]


def test_parts_of_the_key_that_come_too_late_are_told(project: Project) -> None:
    late = project.ini("testpaths = .").write({"sub/deep/test_it.py": "def test_it(): pass"})
    late.run("--cachekit")
    late = late.write({"sub/deep/conftest.py": ASKED})
    runs = [late.run("--cachekit") for _ in range(2)]

    for run in runs:
        assert run.verdicts == {"sub/deep/test_it.py::test_it": "miss"}
        assert "pytest_cachekit_key_parts comes too late in" in run.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_hooks_count_with_workers_as_without(project: Project, workers: tuple[str, ...]) -> None:
    project = project.with_plugins("xdist").write(
        {
            **TEST,
            "test_other.py": "def test_other(): pass",
            "db/a.sql": "one",
            **hook(
                ASKED
                + DECLARING.rstrip()
                + """
    def pytest_cachekit_is_cacheable(item):
        return item.name != "test_other"
    """
            ),
        }
    )
    project.run("--cachekit", *workers)
    other = {"test_other.py::test_other": "uncacheable"}

    assert project.run("--cachekit").verdicts == {IT: "hit", **other}
    assert project.run("--cachekit", *workers).verdicts == {IT: "hit", **other}
    edited = project.edit({"db/a.sql": "two"})
    assert edited.run("--cachekit", *workers).verdicts == {IT: "stale", **other}


OPENING = """
    from pathlib import Path
    from pytest_cachekit.storage import Backend, open_backend
    def pytest_cachekit_backend(url, config, timeout):
        scheme, _, place = url.partition("://")
        if scheme == "elsewhere":
            BODY
    """
OPENS = 'return open_backend(f"file:{place}-{timeout}", relative_to=Path(__file__).parent)'


@pytest.fixture
def opening(project: Project) -> Callable[[str], Project]:
    """Makes projects whose plugin opens caches."""

    def make(body: str) -> Project:
        files = {**TEST, "opening.py": OPENING.replace("BODY", body)}
        return project.write(files).with_plugins("opening")

    return make


def test_a_plugin_opens_caches_of_its_own_kind(opening: Callable[[str], Project]) -> None:
    project = opening(OPENS)
    near = "--cachekit-url=elsewhere://near"
    runs = [project.run("--cachekit", near) for _ in range(2)]
    assert verdicts(*runs) == ["miss", "hit"]
    assert Path(project.root, "near-None", "cache.db").exists()

    far = "--cachekit-remote=elsewhere://far"
    project.run("--cachekit", far)
    assert verdicts(project.run("--cachekit", far, "--cachekit-url=file:fresh")) == ["hit"]
    assert Path(project.root, "far-0.4", "cache.db").exists()


def test_a_cache_that_a_plugin_fails_to_open_is_done_without(
    opening: Callable[[str], Project],
) -> None:
    project = opening("raise OSError('no route')")
    run = project.run("--cachekit", "--cachekit-url=elsewhere://near")
    assert run.exit_status == 0
    assert "the hook pytest_cachekit_backend failed (OSError('no route'))" in run.stdout

    runs = [project.run("--cachekit", "--cachekit-remote=elsewhere://far") for _ in range(2)]
    assert verdicts(*runs) == ["miss", "hit"]
    assert "The remote cache is left out of this run" in runs[0].stdout


def test_a_conftest_comes_too_late_to_open_caches(project: Project) -> None:
    run = project.write({**TEST, **hook(OPENING.replace("BODY", "pass"))}).run("--cachekit")

    assert "pytest_cachekit_backend comes too late in" in run.stdout
    assert run.exit_status == 0


def test_examples_of_the_page_work(project: Project) -> None:
    page = Path(__file__).parents[1].joinpath("docs/hooks.md").read_text()
    key, cacheable, inputs, backend = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    version = "def version_of_the_server():\n    return open('version').read()\n"
    project = project.write(
        {
            "test_it.py": """
                import pytest
                @pytest.fixture
                def live_server(): pass
                @pytest.fixture
                def schema(): pass
                def test_it(schema): pass
                def test_live(live_server): pass
                """,
            "version": "17.2",
            "db/a.sql": "one",
            "scratching.py": backend,
            **hook("\n".join((version, key, cacheable, inputs))),
        }
    ).with_plugins("scratching")
    project = project.with_environment(SCRATCH=str(project.root))
    live = {"test_it.py::test_live": "uncacheable"}

    def run(version: Project) -> dict[str, str]:
        return version.run("--cachekit", "--cachekit-url=scratch:results").verdicts

    run(project)
    assert run(project) == {IT: "hit", **live}
    assert Path(project.root, "results", "cache.db").exists()
    assert run(project.edit({"db/a.sql": "two"})) == {IT: "stale", **live}
    assert run(project.edit({"version": "18.0"})) == {IT: "miss", **live}


def test_hooks_are_known_while_the_plugin_is_off(project: Project) -> None:
    project = project.write({**TEST, **hook(ASKED)})

    run = project.run("-W", "error")
    assert run.exit_status == 0
    assert run.counts == {"passed": 1}
    assert not os.path.exists(project.cache)
