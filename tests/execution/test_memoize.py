"""A remembered function runs again if something that it read has changed, and only then."""

from __future__ import annotations

import pytest

from tests.execution.conftest import Program

SHOP = """
    import json, os
    import rates

    PRICES = {"tea": 4, "coffee": 5}

    def unrelated():
        return 0

    def price(what):
        return PRICES[what] * rates.rate()
"""
RATES = """
    FACTOR = 2

    def rate():
        return FACTOR

    def unrelated():
        return 0
"""


@pytest.fixture
def shop(program: Program) -> Program:
    program.write("shop.py", SHOP).write("rates.py", RATES)
    assert program.says() == "miss 8"
    assert program.says() == "hit 8"
    return program


@pytest.mark.parametrize(
    ("old", "new", "price"),
    [
        ("return FACTOR", "return FACTOR + 1", 12),
        ("FACTOR = 2", "FACTOR = 3", 12),
        ("FACTOR = 2", "FACTOR = 2\n    FACTOR += 1", 12),
        ("    def unrelated", "    rate = lambda: 5\n    def unrelated", 20),
    ],
)
def test_a_changed_callee_or_constant_is_noticed(
    shop: Program, old: str, new: str, price: int
) -> None:
    shop.write("rates.py", RATES.replace(old, new, 1))

    assert shop.says() == f"stale {price}"
    assert shop.says() == f"hit {price}"
    assert shop.write("rates.py", RATES).says() == "hit 8"


def test_an_unrelated_change_is_not(shop: Program) -> None:
    changed = RATES.replace("return 0", "return 1")
    shop.write("rates.py", f"    # Rates.\n{changed}\n    X = 1\n")
    shop.write("shop.py", SHOP.replace("return 0", "return 1"))

    assert shop.says() == "hit 8"


def test_the_verdict_names_what_changed(shop: Program) -> None:
    shop.write("rates.py", RATES.replace("FACTOR = 2", "FACTOR = 3"))
    assert shop.run()[1] == "value of rates:FACTOR changed"

    shop.write("shop.py", SHOP.replace("* rates", "+ rates"))
    assert shop.run()[1] == "function shop.py::price changed"


def test_a_name_that_hides_a_builtin_is_noticed(program: Program) -> None:
    text = "def price(what):\n    return len(what)\n"
    assert program.write("shop.py", text).says() == "miss 3"

    program.write("shop.py", f"{text}\ndef len(what):\n    return 7\n")

    assert program.says() == "stale 7"


@pytest.mark.parametrize(
    "body",
    [
        "return int(open('price.txt').read())",
        "return int(pathlib.Path('price.txt').read_text())",
        "return int(subprocess.check_output(['cat', 'price.txt']))",
        (
            "code = 'print(open(\"price.txt\").read())'\n"
            "    return int(subprocess.check_output([sys.executable, '-c', code]))"
        ),
    ],
    ids=["open", "pathlib", "filter", "python"],
)
def test_a_file_that_it_or_its_child_reads(program: Program, body: str) -> None:
    program.write("price.txt", "4").write("other.txt", "")
    head = "import pathlib, subprocess, sys\ndef price(what):\n    "
    program.write("shop.py", head + body)
    assert program.says() == "miss 4"

    assert program.write("other.txt", "changed").says() == "hit 4"
    assert program.write("price.txt", "5").says() == "stale 5"
    (program.folder / "price.txt").rename(program.folder / "moved.txt")
    (program.folder / "moved.txt").rename(program.folder / "price.txt")
    assert program.says() == "hit 5"


def test_a_file_that_was_not_there(program: Program) -> None:
    program.write(
        "shop.py", "import os\ndef price(what):\n    return 3 if os.path.exists('sale') else 4\n"
    )
    assert program.says() == "miss 4"

    assert program.write("sale", "").says() == "stale 3"


def test_a_variable(program: Program) -> None:
    program.write("shop.py", "import os\ndef price(what):\n    return os.environ.get('TAX', '0')\n")
    assert program.says() == "miss 0"

    assert program.says(OTHER="1") == "hit 0"
    assert program.says(TAX="1") == "stale 1"
    assert program.says(TAX="1") == "hit 1"


def test_what_was_read_when_a_module_was_imported(program: Program) -> None:
    program.write("price.txt", "4")
    program.write(
        "shop.py", "with open('price.txt') as f:\n    TEA = f.read()\ndef price(what): return TEA\n"
    )
    assert program.says() == "miss 4"
    assert program.says() == "hit 4"

    assert program.write("price.txt", "5").says() == "stale 5"


def test_a_global_that_the_program_sets(program: Program) -> None:
    program.write("shop.py", "SALE = False\ndef price(what): return 3 if SALE else 4\n")
    assert program.says() == "miss 4"

    main = (program.folder / "main.py").read_text().replace("import shop", "import shop as s, shop")
    program.write("main.py", main.replace("cache =", "shop.SALE = True\ncache =", 1))

    assert program.says() == "stale 3"


def test_a_module_that_it_imports_itself(program: Program) -> None:
    program.write("shop.py", "def price(what):\n    from rates import TEA\n    return TEA\n")
    program.write("rates.py", "TEA = 4\nCOFFEE = 5\n")
    assert program.says() == "miss 4"
    assert program.says() == "hit 4"

    assert program.write("rates.py", "TEA = 5\nCOFFEE = 5\n").says() == "stale 5"
    # Where it is loaded before, it may hold something else by then.
    main = (program.folder / "main.py").read_text()
    program.write("main.py", main.replace("cache =", "import rates; rates.TEA = 6\ncache =", 1))
    assert program.says() == "stale 6"


CLASSES = """
    class Base:
        factor = 1

        def times(self, value):
            return value * self.factor

    class Till(Base):
        factor = 2

        def total(self):
            return self.times(4)

        def unrelated(self):
            return 0

    TILL = Till()

    def price(what):
        return TILL.total()
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("factor = 2", "factor = 3", "stale 12"),
        ("factor = 1", "factor = 1\n        extra = 2", "stale 8"),
        ("return value *", "return 1 + value *", "stale 9"),
        ("TILL = Till()", "TILL = Till(); TILL.factor = 5", "stale 20"),
        ("TILL = Till()", "TILL = Base(); TILL.total = lambda: 1", "stale 1"),
        ("return 0", "return 1", "hit 8"),
    ],
)
def test_objects_and_their_classes(program: Program, old: str, new: str, said: str) -> None:
    assert program.write("shop.py", CLASSES).says() == "miss 8"

    assert program.write("shop.py", CLASSES.replace(old, new, 1)).says() == said


def test_which_of_two_definitions_counts(program: Program) -> None:
    text = (
        "import os\nif 'SALE' in os.environ:\n    def cost(): return 3\n"
        "else:\n    def cost(): return 4\ndef price(what): return cost()\n"
    )
    assert program.write("shop.py", text).says() == "miss 4"

    assert program.says(SALE="1") == "stale 3"


def test_another_checkout_hits(shop: Program, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    shop.folder.rename(elsewhere)
    shop.folder = elsewhere

    assert shop.says() == "hit 8"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("def price(what):\n    open('out.txt', 'w').close()\n    return 4", "writes out.txt"),
        (
            (
                "import sqlite3\nDB = sqlite3.connect(':memory:')\n"
                "def price(what): return DB.execute('select 4').fetchone()[0]"
            ),
            "state can't be seen",
        ),
        (
            (
                "import functools\n@functools.lru_cache\ndef cost(): return 4\ncost()\n"
                "def price(what): return cost()"
            ),
            "filled before",
        ),
        ("import os\ndef price(what): return os.system('exit 4') >> 8", "starts a process"),
        ("def price(what): return (4,)", "would come back as something else"),
        ("class Tea: pass\ndef price(what): return Tea() and object()", "can't be stored"),
    ],
    ids=["writes", "connection", "memo", "command", "tuple", "object"],
)
def test_what_is_not_remembered_and_why(program: Program, text: str, reason: str) -> None:
    program.write("shop.py", text)

    for _ in range(2):
        verdict, _, why = program.run()
        assert verdict.startswith("miss")
        assert reason in why


def test_modules_of_one_name_in_two_places(program: Program) -> None:
    program.write("shop.py", "import rates\ndef price(what): return rates.cost()\n")
    for place, price in (("a", 4), ("b", 5)):
        program.write(f"{place}/rates.py", f"def cost(): return {price}\n")
    assert program.says(PYTHONPATH="a") == "miss 4"

    assert program.says(PYTHONPATH="b") == "stale 5"
    assert program.says(PYTHONPATH="a") == "hit 4"


def test_programs_of_one_name_in_two_places(program: Program) -> None:
    main = (program.folder / "main.py").read_text().replace("shop.price", "price")
    for place, price in (("a", 4), ("b", 5)):
        text = main.replace("import shop", f"def price(what): return {price}")
        program.write(f"{place}/main.py", text)
    program.write("main.py", "import runpy, os; runpy.run_path(os.environ['PLACE'] + '/main.py')")
    for place, price in (("a", 4), ("b", 5)):
        assert program.says(PLACE=place).endswith(f" {price}")


@pytest.mark.parametrize(
    ("body", "patch"),
    [
        ("return json.loads('4')", "json.loads = lambda _: 5"),
        ("return abs(-4)", "import builtins; builtins.abs = lambda _: 5"),
        ("return cost()", "cost = lambda: 5"),
        ("return Till().cost()", "Till.cost = lambda self: 5"),
    ],
)
def test_what_is_replaced_for_some_runs(program: Program, body: str, patch: str) -> None:
    program.write(
        "shop.py",
        "import json, os\nclass Till:\n    def cost(self): return 4\ndef cost(): return 4\n"
        f"def price(what): {body}\nif 'PATCH' in os.environ:\n    {patch}\n",
    )
    assert program.says() == "miss 4"
    assert program.says() == "hit 4"

    assert program.says(PATCH="1") == "stale 5"
    assert program.says() == "hit 4"


def test_arguments_of_the_program_count_and_its_standard_input_is_not_known(
    program: Program,
) -> None:
    program.write("shop.py", "import sys\ndef price(what): return len(sys.argv)\n")
    main = (program.folder / "main.py").read_text()
    assert program.says() == "miss 1"
    program.write("main.py", main.replace("cache =", "sys.argv.append('x')\ncache =", 1))
    assert program.says() == "stale 2"

    program.write("shop.py", "import sys\ndef price(what): return sys.stdin.read()\n")
    assert "reads standard input" in program.run()[2]


def test_random_numbers_are_drawn_again(program: Program) -> None:
    program.write("shop.py", "import random\ndef price(what): return random.randrange(10**9)\n")

    assert "random.randrange, which depends on calls before it" in program.run()[2]
