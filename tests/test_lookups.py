"""A test goes stale when its questions about files have other answers: existence, size, names."""

from __future__ import annotations

from .harness import Project
from .stories import Story, replacing, stories, writing


@stories(
    Story(
        "existence, by os.path",
        {"test_it.py": "import os\ndef test_it(): assert not os.path.exists('data.txt')"},
        writing("data.txt", "one"),
        "data.txt",
    ),
    Story(
        "existence, by os.path.isfile",
        {"test_it.py": "import os.path\ndef test_it(): assert not os.path.isfile('data.txt')"},
        writing("data.txt", "one"),
        "data.txt",
    ),
    Story(
        "existence, by pathlib",
        {
            "test_it.py": """
                from pathlib import Path
                def test_it(): assert not Path("data.txt").exists()
                """
        },
        writing("data.txt", "one"),
        "data.txt",
    ),
    Story(
        "existence of a directory",
        {"test_it.py": "import os\ndef test_it(): assert not os.path.isdir('data')"},
        writing("data/one.txt", "one"),
        "data",
    ),
    Story(
        "size",
        {
            "data.txt": "one",
            "test_it.py": "import os\ndef test_it(): assert os.path.getsize('data.txt') == 3",
        },
        replacing("data.txt", "one", "three"),
        "metadata of data.txt",
    ),
    Story(
        "a listing",
        {
            "data/one.txt": "",
            "test_it.py": "import os\ndef test_it(): assert len(os.listdir('data')) == 1",
        },
        writing("data/two.txt", ""),
        "listing of directory data",
    ),
    Story(
        "a glob",
        {
            "data/one.txt": "",
            "test_it.py": """
                from pathlib import Path
                def test_it(): assert len(list(Path("data").glob("*.txt"))) == 1
                """,
        },
        writing("data/two.txt", ""),
        "listing of directory data",
    ),
    Story(
        "a walk",
        {
            "data/deep/one.txt": "",
            "test_it.py": """
                import os
                def test_it(): assert sum(len(files) for _, _, files in os.walk("data")) == 1
                """,
        },
        writing("data/deep/two.txt", ""),
        "listing of directory data/deep",
    ),
)
def test_goes_stale(project: Project, story: Story) -> None:
    story.tell(project)
