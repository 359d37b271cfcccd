"""What C code of other libraries opens by itself is an input as well, on Linux.

lxml stands for all of them: it has libxml2 open the files that it parses and writes.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from pytest_cachekit.inputs.tracing.native_opens import opens_files

from .harness import Project
from .stories import BYSTANDER, IT, Story, replacing, stories

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells of files that are opened"
)

ONE = "<shop><pear>1</pear></shop>"
READ = """
    from lxml import etree
    def test_it(): assert etree.parse("data.xml").findtext("pear") == "1"
    """
CHANGE = replacing("data.xml", "1", "2")


@stories(
    Story("content", {"data.xml": ONE, "test_it.py": READ}, CHANGE, "file data.xml changed"),
    Story(
        "by a path below the test",
        {
            "sub/data.xml": ONE,
            "sub/test_it.py": """
                from pathlib import Path
                from lxml import etree
                def test_it():
                    path = Path(__file__).with_name("data.xml")
                    assert etree.parse(path).findtext("pear") == "1"
                """,
        },
        replacing("sub/data.xml", "1", "2"),
        "file sub/data.xml changed",
        target="sub/test_it.py::test_it",
    ),
    Story(
        "of a file that includes another",
        {
            "all.xml": """
                <all xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="data.xml"/></all>
                """,
            "data.xml": ONE,
            "test_it.py": """
                from lxml import etree
                def test_it():
                    tree = etree.parse("all.xml")
                    tree.xinclude()
                    assert tree.findtext("shop/pear") == "1"
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "when a module is imported",
        {
            "data.xml": ONE,
            "shop.py": "from lxml import etree\nPEAR = etree.parse('data.xml').findtext('pear')",
            "test_it.py": "import shop\ndef test_it(): assert shop.PEAR == '1'",
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "remembered for another test",
        {
            "data.xml": ONE,
            "shop.py": """
                from functools import cache
                from lxml import etree
                @cache
                def shop(): return etree.parse("data.xml")
                """,
            "test_a_earlier.py": "import shop\ndef test_earlier(): shop.shop()",
            "test_it.py": "import shop\ndef test_it(): assert shop.shop().findtext('pear') == '1'",
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "in a fixture for all tests",
        {
            "data.xml": ONE,
            "test_it.py": """
                import pytest
                from lxml import etree
                @pytest.fixture(scope="module")
                def pear(): return etree.parse("data.xml").findtext("pear")
                def test_earlier(pear): pass
                def test_it(pear): assert pear == "1"
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "in a thread",
        {
            "data.xml": ONE,
            "test_it.py": """
                import threading
                from lxml import etree
                def test_it():
                    seen = []
                    def read(): seen.append(etree.parse("data.xml").findtext("pear"))
                    thread = threading.Thread(target=read)
                    thread.start()
                    thread.join()
                    assert seen == ["1"]
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "in a copy of the process",
        {
            "data.xml": ONE,
            "test_it.py": """
                import os
                from lxml import etree
                def test_it():
                    child = os.fork()
                    if not child:
                        os._exit(int(etree.parse("data.xml").findtext("pear")))
                    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "in a child",
        {
            "data.xml": ONE,
            "child.py": "from lxml import etree\nprint(etree.parse('data.xml').findtext('pear'))",
            "test_it.py": """
                import subprocess, sys
                def test_it():
                    assert subprocess.check_output([sys.executable, "child.py"]) == b"1\\n"
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
    Story(
        "by a library that is loaded by ctypes",
        {
            "data.xml": ONE,
            "test_it.py": """
                import ctypes
                from lxml import etree
                library = ctypes.CDLL(etree.__file__)
                library.xmlParseFile.restype = ctypes.c_void_p
                library.xmlDocGetRootElement.restype = ctypes.c_void_p
                library.xmlNodeGetContent.restype = ctypes.c_char_p
                def test_it():
                    document = ctypes.c_void_p(library.xmlParseFile(b"data.xml"))
                    root = ctypes.c_void_p(library.xmlDocGetRootElement(document))
                    assert library.xmlNodeGetContent(root) == b"1"
                """,
        },
        CHANGE,
        "file data.xml changed",
    ),
)
def test_it_runs_again_after_a_change_of(story: Story, project: Project) -> None:
    story.tell(project)


def test_what_a_test_writes_by_itself_is_no_input(project: Project) -> None:
    source = """
        from lxml import etree
        def test_it():
            tree = etree.ElementTree(etree.fromstring("<made/>"))
            tree.write("made.xml")
            assert etree.parse("made.xml").getroot().tag == "made"
            with open("also.xml", "w") as file: file.write("<also/>")
            assert etree.parse("also.xml").getroot().tag == "also"
        """
    before = project.write({"test_it.py": source})
    before.run("--cachekit")
    assert before.run("--cachekit").verdicts[IT] == "hit"

    for made in ("made.xml", "also.xml"):
        (before.root / made).unlink()

    assert before.run("--cachekit").verdicts[IT] == "hit"


def test_who_reads_what_another_test_wrote_rests_on_it(project: Project) -> None:
    write = "def test_writes(): open('data.xml', 'w').write('<shop><pear>1</pear></shop>')"
    before = project.write({"test_a.py": write, "test_it.py": READ})
    assert before.run("--cachekit").outcomes[IT] == "passed"
    assert before.run("--cachekit").verdicts[IT] == "hit"

    changed = before.replace("test_a.py", "<pear>1", "<pear>2").run("--cachekit")

    assert changed.outcomes[IT] == "failed", changed.reasons


def test_what_pytest_and_python_read_is_no_input(project: Project) -> None:
    before = project.ini("cache_dir = kept", "addopts = --ff").write(
        {
            "data.xml": ONE,
            "other.json": "1",
            "test_it.py": READ,
            "test_other.py": "def test_other():\n    with open('other.json') as f: f.read()",
            "test_bystander.py": "from lxml import etree\ndef test_bystander(): pass",
        }
    )
    before.run("--cachekit")
    assert set(before.run("--cachekit").verdicts.values()) == {"hit"}

    changed = before.write({"other.json": "2"}).run("--cachekit")

    assert changed.verdicts == {
        IT: "hit",
        "test_other.py::test_other": "stale",
        BYSTANDER: "hit",
    }, changed.reasons


def test_workers_tell_of_it_too(project: Project) -> None:
    before = project.write({"data.xml": ONE, "test_it.py": READ}).with_plugins("xdist")
    assert before.run("--cachekit", "-n1").outcomes[IT] == "passed"
    assert before.run("--cachekit").verdicts[IT] == "hit"

    assert CHANGE(before).run("--cachekit", "-n1").outcomes[IT] == "failed"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["libc.so.6", "PyInit_it", "malloc"], False),
        (["libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "it.so"], False),
        (["PyInit_it", "fopen64"], True),
        (["libc.so.6", "libxml2.so.2"], True),
        (["libxml2.so.2", "libc.so.6"], True),
        (["libc.so.6", "inner.so"], True),
        ([], True),
    ],
)
def test_what_a_library_is_linked_with_tells_whether_it_could_open_files(
    tmp_path: Path, names: list[str], expected: bool
) -> None:
    # An ELF file of nothing but a header, the names, and a table with their section.
    text = b"".join(b"\0" + name.encode() for name in names) + b"\0" if names else b""
    header = struct.pack("<6s34xQ10xHH2x", b"\x7fELF\x02\x01", 64 + len(text), 64, 1)
    section = struct.pack("<4xIQ8xQQ24x", 3, 2, 64, len(text))
    library = tmp_path / "it.so"
    library.write_bytes(header + text + section)

    assert opens_files(str(library)) is expected
