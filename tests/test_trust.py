"""Who can write into the shared cache, but has no key, can't turn anybody's run green."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_cachekit.inputs.digest import digest
from pytest_cachekit.inputs.fingerprint import value_fingerprint
from pytest_cachekit.inputs.manifest import decode_record, encode_record
from pytest_cachekit.storage import Backend, open_backend

from .caching.servers import Server
from .harness import Project
from .result import Run

KEY = "a key of sufficient length"
SECRET = "hunter2"
IT = "test_it.py::test_it"
FILES = {
    "code_.py": """
        def answer():
            return 42
        """,
    "test_it.py": """
        import code_, os
        def test_it():
            assert code_.answer() == 42
        def test_secret():
            assert os.environ["SECRET"]
        """,
    "test_ot.py": """
        def test_it():
            assert 6 * 7 == 42
        def test_secret():
            pass
        """,
}
Runner = Callable[[str], Project]


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """The same project in a directory for each name, with a cold cache, a common remote, no key."""

    @functools.cache
    def make(name: str) -> Project:
        project = Project(tmp_path / name / "project").write(FILES)
        return project.with_environment(
            CACHEKIT_REMOTE=f"file:{tmp_path / 'shared'}", SECRET=SECRET
        )

    return make


@pytest.fixture
def shared(tmp_path: Path) -> Backend:
    """The shared cache, as somebody sees it who may write there."""
    return open_backend(f"file:{tmp_path / 'shared'}")


def trusted(project: Project) -> Project:
    return project.with_environment(CACHEKIT_SIGNING_KEY=KEY)


def broken(project: Project) -> Project:
    return project.replace("code_.py", "42", "43")


def record_key(shared: Backend, file: str) -> str:
    (key,) = (key for key in list(shared.keys()) if key.endswith(f":{file}"))
    return key


def plant_a_green_result(shared: Backend, project: Project, *, packed: bool = True) -> None:
    """Let the record of what passed say that it passed with other sources."""
    key = record_key(shared, "test_it.py")
    stored = shared.get_many([key])[key]
    record = decode_record(zlib.decompress(stored) if packed else stored)
    assert record is not None
    now = digest(project.files["code_.py"])
    record.sources = [(name, now if name == "code_.py" else old) for name, old in record.sources]
    forged = encode_record(record)
    shared.set_many({key: zlib.compress(forged) if packed else forged})


def failed_in_earnest(run: Run) -> None:
    assert run.verdicts[IT] != "hit"
    assert run.outcomes[IT] == "failed"
    assert run.exit_status == pytest.ExitCode.TESTS_FAILED


def test_without_keys_a_forged_result_is_believed(runner: Runner, shared: Backend) -> None:
    """What the others guard against does happen."""
    runner("a").run("--cachekit")
    plant_a_green_result(shared, broken(runner("b")))

    assert broken(runner("b")).run("--cachekit").verdicts[IT] == "hit"


def test_a_forged_result_is_a_miss(runner: Runner, shared: Backend) -> None:
    runner("a").run("--cachekit")
    plant_a_green_result(shared, broken(runner("b")))
    run = trusted(broken(runner("b"))).run("--cachekit")

    failed_in_earnest(run)
    assert "records were not read: this run's key did not sign them" in run.stdout
    assert run.stats["remote"]["not_trusted"] > 0


def test_a_result_signed_by_another_key_is_a_miss(runner: Runner) -> None:
    runner("a").with_environment(CACHEKIT_SIGNING_KEY="another key, long enough").run("--cachekit")
    run = trusted(runner("b")).run("--cachekit")

    assert run.verdicts[IT] == "miss"
    # Nobody is kept from sharing by it.
    assert trusted(runner("c")).run("--cachekit").verdicts[IT] == "hit"


def test_a_result_moved_to_another_key_is_a_miss(runner: Runner, shared: Backend) -> None:
    def move() -> None:
        ours, other = record_key(shared, "test_it.py"), record_key(shared, "test_ot.py")
        shared.set_many({ours: shared.get_many([other])[other]})

    runner("a").run("--cachekit")
    move()
    assert broken(runner("b")).run("--cachekit").verdicts[IT] == "hit"
    shared.clear()
    trusted(runner("c")).run("--cachekit")
    move()
    failed_in_earnest(trusted(broken(runner("d"))).run("--cachekit"))


def test_a_result_moved_to_another_namespace_is_a_miss(runner: Runner, shared: Backend) -> None:
    project = trusted(runner("a"))
    project.run("--cachekit", "--cachekit-namespace=sandbox")
    for key in list(shared.keys("sandbox/:")):
        shared.set_many({"main" + key.removeprefix("sandbox"): shared.get_many([key])[key]})
    run = trusted(runner("b")).run("--cachekit", "--cachekit-namespace=main")

    assert run.verdicts[IT] == "miss"
    assert run.stats["remote"]["not_trusted"] > 0


POISONS: dict[str, Callable[[bytes], bytes]] = {
    "flipped": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
    "torn": lambda value: value[: len(value) // 2],
    "garbage": lambda value: b"\xc1" * 100,
    "empty": lambda value: b"",
    "unsigned": lambda value: value[34:],
}


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_a_poisoned_cache_is_as_good_as_none(
    runner: Runner, shared: Backend, poison: Callable[[bytes], bytes]
) -> None:
    trusted(runner("a")).run("--cachekit")
    keys = list(shared.keys())
    shared.set_many({key: poison(value) for key, value in shared.get_many(keys).items()})
    run = trusted(broken(runner("b"))).run("--cachekit")

    failed_in_earnest(run)
    assert run.counts == {"passed": 3, "failed": 1}


def test_the_local_cache_is_not_trusted_either(runner: Runner, tmp_path: Path) -> None:
    local = runner("a").with_environment(CACHEKIT_REMOTE="")
    local.run("--cachekit")
    plant_a_green_result(open_backend(f"file:{local.cache}"), broken(local), packed=False)

    failed_in_earnest(trusted(broken(local)).run("--cachekit"))


def test_a_text_under_the_name_of_another_changes_everything(
    runner: Runner, shared: Backend
) -> None:
    runner("a").run("--cachekit")
    edited = broken(runner("b"))
    name = f"source:{digest(runner('a').files['code_.py'])}"
    text = f"source:{digest(runner('a').files['test_it.py'])}"
    shared.set_many({name: shared.get_many([text])[text]})

    failed_in_earnest(edited.run("--cachekit"))


def test_a_run_without_the_key_reads_nothing_signed_and_replaces_nothing(
    runner: Runner, shared: Backend
) -> None:
    trusted(runner("a")).run("--cachekit")
    before = shared.get_many(shared.keys())
    run = runner("b").run("--cachekit")

    assert run.verdicts[IT] == "miss"
    (line,) = (line for line in run.stdout.splitlines() if line.startswith("trust"))
    assert "they are signed, and CACHEKIT_SIGNING_KEY is not set" in line
    assert {key: shared.get_many([key])[key] for key in before} == before
    assert trusted(runner("c")).run("--cachekit").verdicts[IT] == "hit"


def test_a_key_from_a_file(runner: Runner, tmp_path: Path) -> None:
    trusted(runner("a")).run("--cachekit")
    (tmp_path / "key").write_text(f"{KEY}\n")
    by_file = runner("b").with_environment(CACHEKIT_SIGNING_KEY_FILE=str(tmp_path / "key"))

    assert by_file.run("--cachekit").verdicts[IT] == "hit"


@pytest.mark.parametrize(
    ("variables", "advice"),
    [
        ({"CACHEKIT_SIGNING_KEY": "short"}, "at least 16 bytes"),
        ({"CACHEKIT_SIGNING_KEY_FILE": "/no/such/file"}, "names no readable file"),
    ],
    ids=["short", "no file"],
)
def test_with_a_key_that_is_none_nothing_is_read(
    runner: Runner, variables: dict[str, str], advice: str
) -> None:
    runner("a").run("--cachekit")
    run = runner("a").with_environment(**variables).run("--cachekit")

    assert run.counts == {"passed": 4, "warning": 1}
    assert advice in run.stdout
    assert not run.stats.get("replayed")


def test_who_only_reads_leaves_the_server_as_it_is(runner: Runner, tmp_path: Path) -> None:
    server = Server(tmp_path / "server").start()
    client = server.client()
    client.execute_command("ACL", "SETUSER", "reader", "on", ">s", "~*", "+@read", "+@connection")
    try:
        at = {"CACHEKIT_REMOTE": server.url}
        trusted(runner("a")).with_environment(**at).run("--cachekit", IT)
        held = {name: client.get(name) for name in client.scan_iter()}
        assert len(held) > 3

        # By the mode, whoever asks; by the server, whatever the mode.
        reading = trusted(runner("b")).with_environment(**at)
        mode = reading.run("--cachekit", "--cachekit-mode=read-only")
        ours = {"CACHEKIT_REMOTE": server.url.replace("//", "//reader:s@")}
        rights = trusted(runner("c")).with_environment(**ours).run("--cachekit")
        both = (
            trusted(runner("d"))
            .with_environment(**ours)
            .run("--cachekit", "--cachekit-remote-mode=read-only")
        )
        assert mode.counts == both.counts == {"passed": 4}
        assert rights.counts == {"passed": 4, "warning": 1}
        for run in (mode, rights, both):
            assert run.verdicts[IT] == "hit"
            assert run.verdicts["test_it.py::test_secret"] == "miss"
        assert {name: client.get(name) for name in client.scan_iter()} == held
    finally:
        server.kill()


def test_a_user_of_one_namespace_needs_few_rights(runner: Runner, tmp_path: Path) -> None:
    server = Server(tmp_path / "server").start()
    client = server.client()
    rights = ("~cachekit:sandbox/*", "+mget", "+eval", "+get", "+set")
    client.execute_command("ACL", "SETUSER", "lean", "on", ">s", *rights)
    try:
        at = {"CACHEKIT_REMOTE": server.url.replace("//", "//lean:s@")}
        inside, outside = (
            runner(name).with_environment(**at, CACHEKIT_NAMESPACE=name).run("--cachekit")
            for name in ("sandbox", "main")
        )
        assert inside.counts == {"passed": 4}
        assert outside.counts == {"passed": 4, "warning": 1}
        again = runner("b").with_environment(**at, CACHEKIT_NAMESPACE="sandbox")
        assert again.run("--cachekit").stats["replayed"] == 4
    finally:
        server.kill()


def test_secrets_never_enter_a_cache(runner: Runner, shared: Backend, tmp_path: Path) -> None:
    printing = {"test_print.py": "def test_print():\n    print('hun' + 'ter2')\n"}
    project = trusted(runner("a")).write(printing)
    run = project.run("--cachekit")
    local = open_backend(f"file:{project.cache}")
    everywhere = [*shared.get_many(shared.keys()).values(), *local.get_many(local.keys()).values()]
    guess = value_fingerprint("SECRET", SECRET.encode()).encode()

    assert run.counts == {"passed": 5}
    for value in everywhere:
        assert KEY.encode() not in value
        assert guess not in value
    assert not any(SECRET.encode() in value for value in shared.get_many(shared.keys()).values())
    # Without a key, whoever reads the cache can try a guess.
    runner("b").run("--cachekit", "--cachekit-remote=")
    unsigned = open_backend(f"file:{runner('b').cache}")
    assert any(guess in value for value in unsigned.get_many(unsigned.keys()).values())


def test_variables_still_count_under_a_key(runner: Runner) -> None:
    trusted(runner("a")).run("--cachekit")
    same = trusted(runner("b")).run("--cachekit")
    other = trusted(runner("c")).with_environment(SECRET="another").run("--cachekit")

    assert same.verdicts["test_it.py::test_secret"] == "hit"
    assert other.verdicts["test_it.py::test_secret"] == "stale"
    assert other.reasons["test_it.py::test_secret"] == "environment variable SECRET changed"
